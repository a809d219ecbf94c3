"""All that the local Azure knows, in memory, and its snapshot as JSON. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from local.azure.wire import Json
from shared.resource_id import fold


@dataclass(slots=True)
class Subscription:
    """An Azure subscription and the tenant it belongs to."""

    id: str
    tenant: str
    name: str


@dataclass(slots=True)
class Resource:
    """A resource (or a resource group) as its provider keeps it; how it is shown is the provider's affair.

    `id` is written as the provider shows it; `type` is the canonical type.
    """

    id: str
    type: str
    body: Json
    created_at: str = ""
    created_by: str = ""
    changed_at: str = ""

    @property
    def key(self) -> str:
        """The id in lower case."""
        return fold(self.id)

    @property
    def name(self) -> str:
        """The last segment of the id."""
        return self.id.rpartition("/")[2]

    @property
    def subscription(self) -> str:
        """The id of the subscription it lies in."""
        return fold(self.id.split("/", 3)[2])

    @property
    def group(self) -> str:
        """The name of its resource group, as it is written in the id ("" without one)."""
        parts = self.id.split("/", 5)
        return parts[4] if len(parts) > 4 and fold(parts[3]) == "resourcegroups" else ""

    @property
    def properties(self) -> Json:
        """The `properties` that the provider keeps."""
        properties: Json = self.body.setdefault("properties", {})
        return properties


@dataclass(slots=True)
class Connection:
    """A private endpoint connection as it stands at its target: the truth, before any provider's oddity.

    `requester` is the id of the resource that asked for it: a managed private endpoint, or the private endpoint itself.
    Only tests may look at it (`/local/oracle/connections`); no service shows it.
    """

    target: str
    name: str
    endpoint: str
    group: str
    message: str
    requester: str
    created_at: str
    proxy: str
    status: str = "Pending"
    description: str = ""
    provisioning: str = "Succeeded"
    etag: str = ""

    @property
    def key(self) -> str:
        """Target and name in lower case."""
        return f"{fold(self.target)}|{fold(self.name)}"


@dataclass(slots=True)
class Operation:
    """A long-running operation. When it ends, `then` (a job's name and arguments) runs and its event is published."""

    id: str
    resource: str
    action: str
    caller: str
    started_at: str
    status: str
    ended_at: str = ""
    then: list[str] = field(default_factory=list)
    error: Json | None = None


@dataclass(slots=True)
class State:
    """Subscriptions, resources, connections and operations, with the look-ups that ARM needs."""

    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    management_groups: dict[str, list[str]] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    locks: dict[str, Json] = field(default_factory=dict)
    deny_policies: dict[str, Json] = field(default_factory=dict)
    denied: dict[str, Json] = field(default_factory=dict)
    _resources: dict[str, Resource] = field(default_factory=dict)
    _children: dict[str, dict[str, Resource]] = field(default_factory=dict)
    _connections: dict[str, dict[str, Connection]] = field(default_factory=dict)
    _names: dict[tuple[str, str], str] = field(default_factory=dict)

    def resource(self, key: str) -> Resource | None:
        """The resource with that id, in any case."""
        return self._resources.get(fold(key))

    def named(self, arm_type: str, name: str) -> Resource | None:
        """The resource of a type with that name, wherever it lies: for names that are unique in all of Azure."""
        return self._resources.get(self._names.get((fold(arm_type), fold(name)), ""))

    def add(self, resource: Resource) -> None:
        """Keep a new resource."""
        self._resources[resource.key] = resource
        self._names[fold(resource.type), fold(resource.name)] = resource.key
        self._children.setdefault(_parent(resource.key), {})[resource.key] = resource

    def remove(self, key: str) -> None:
        """Forget a resource with everything below it; nothing happens if it is not there."""
        key = fold(key)
        for child in list(self._children.get(key, {})):
            self.remove(child)
        self._children.pop(key, None)
        resource = self._resources.pop(key, None)
        if resource is not None:
            self._names.pop((fold(resource.type), fold(resource.name)), None)
        self._connections.pop(key, None)
        siblings = self._children.get(_parent(key))
        if siblings is not None:
            siblings.pop(key, None)

    def children(self, parent: str, arm_type: str) -> list[Resource]:
        """Resources of a type directly in a resource group or below a resource, in the order they were made."""
        wanted = fold(arm_type)
        return [child for child in self._children.get(fold(parent), {}).values() if fold(child.type) == wanted]

    def resources(self) -> Iterator[Resource]:
        """Everything there is, in the order it was made."""
        yield from self._resources.values()

    def connections(self, target: str) -> list[Connection]:
        """The connections of a target, in the order they came."""
        return list(self._connections.get(fold(target), {}).values())

    def connection(self, target: str, name: str) -> Connection | None:
        """One connection of a target."""
        return self._connections.get(fold(target), {}).get(fold(name))

    def all_connections(self) -> Iterator[Connection]:
        """Every connection of every target."""
        for connections in self._connections.values():
            yield from connections.values()

    def add_connection(self, connection: Connection) -> None:
        """Keep a new connection."""
        self._connections.setdefault(fold(connection.target), {})[fold(connection.name)] = connection

    def remove_connection(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.get(fold(connection.target), {}).pop(fold(connection.name), None)

    def snapshot(self) -> Json:
        """Everything as JSON."""
        return {
            "subscriptions": [asdict(s) for s in self.subscriptions.values()],
            "managementGroups": self.management_groups,
            "operations": [asdict(o) for o in self.operations.values()],
            "locks": self.locks,
            "denyPolicies": self.deny_policies,
            "denied": self.denied,
            "resources": [asdict(r) for r in self._resources.values()],
            "connections": [asdict(c) for c in self.all_connections()],
        }

    def load(self, snapshot: dict[str, Any]) -> None:
        """Replace everything by what a snapshot holds.

        Raises:
            KeyError, TypeError: it is not a snapshot.
        """
        fresh = State(
            subscriptions={s["id"]: Subscription(**s) for s in snapshot["subscriptions"]},
            management_groups=snapshot["managementGroups"],
            operations={o["id"]: Operation(**o) for o in snapshot["operations"]},
            locks=snapshot["locks"],
            deny_policies=snapshot["denyPolicies"],
            denied=snapshot["denied"],
        )
        for resource in snapshot["resources"]:
            fresh.add(Resource(**resource))
        for connection in snapshot["connections"]:
            fresh.add_connection(Connection(**connection))
        for name in State.__slots__:
            setattr(self, name, getattr(fresh, name))


def _parent(key: str) -> str:
    """The key of the resource group or resource that directly holds this one."""
    holder = key.rpartition("/")[0].rpartition("/")[0]
    before, providers, namespace = holder.rpartition("/providers/")
    return before if providers and "/" not in namespace else holder
