"""Azure in memory, as the adapters see it on the wire: targets, their connections and firewalls, ARM's operations.

Times are the test's. What a type does is in `KINDS`: whether a decision, or a write of the firewall, is an operation that
takes time, and what ARM shows meanwhile. Bodies are read and written by the product's own `Adapter` and firewall forms.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from shared.azure.arm import Listed
from shared.azure.operations import Operation
from shared.errors import NotFoundError, PermanentError, TransientError
from shared.model.requester import ManagedEndpoint, PrivateEndpointView, RequesterSide, ServiceRequester
from shared.model.target_types import TARGET_TYPES, TargetType
from shared.requesters.tenants import TenantAnswer
from shared.resource_id import ResourceId, fold, parse
from shared.targets.base import Adapter
from shared.targets.firewalls import FORMS
from shared.targets.firewalls.form import Request as FirewallRequest
from shared.targets.firewalls.form import same
from tests.review.points import Points
from tests.situations.world import CLUSTER, GROUP, OURS, TENANTS, private_endpoint
from tests.unit.targets import resources
from tests.unit.targets.resources import Json

CONNECTIONS = "/privateEndpointConnections"
ENDPOINT = "https://management.azure.com"
FOREVER = 10.0**9


@dataclass
class MemoryTime:
    """Time that a test moves; whoever sleeps moves it too."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 21, 12, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass(frozen=True)
class Kind:
    """A target type: how it takes decisions and writes of its firewall, in seconds (0: at once).

    `shows_at_once`: the new status shows while the operation on a connection runs. `wish` is what a rule asks of it.
    """

    type: str
    group: str
    parts: Json
    wish: Json
    decides_in: float = 0.0
    shows_at_once: bool = False
    writes_in: float = 0.0

    def __str__(self) -> str:
        return self.type.rpartition(".")[2]

    @property
    def entry(self) -> TargetType:
        return TARGET_TYPES[fold(self.type)]


DISABLED = {"publicNetworkAccess": "disabled", "settleSeconds": 60}
STORAGE = Kind("Microsoft.Storage/storageAccounts", "blob", resources.STORAGE, DISABLED)
EVENT_HUBS = Kind(
    "Microsoft.EventHub/namespaces", "namespace", resources.NAMESPACE, DISABLED, decides_in=30, shows_at_once=True
)
SQL = Kind(
    "Microsoft.Sql/servers", "sqlServer", resources.SERVER, {**DISABLED, "trustedServices": "deny"},
    decides_in=10, writes_in=10,
)  # fmt: skip
KUSTO = Kind("Microsoft.Kusto/clusters", "cluster", resources.CLUSTER, DISABLED, decides_in=37, writes_in=40)
KINDS = (STORAGE, EVENT_HUBS, SQL, KUSTO)
"""Synchronous; an operation that shows the new status; a firewall of several writes; old status and slow operations."""


@dataclass
class Work:
    """One of ARM's operations, and what it does at its end, be it well or with a failure (code, message)."""

    ends_at: float
    act: Callable[[], None]
    fail: Callable[[], None]
    failure: tuple[str, str] | None = None
    over: bool = False


@dataclass
class MemoryTarget:
    """One target as ARM has it. A test changes what it likes."""

    azure: MemoryAzure
    kind: Kind
    id: ResourceId
    parts: Json
    connections: dict[str, Json] = field(default_factory=dict)
    gone: bool = False
    lists: list[list[str]] = field(default_factory=list)
    """What the next lists show instead (names of connections): lists can be short."""
    ignores_writes: bool = False
    """ARM takes writes of the firewall and never shows them."""
    shows: Callable[[Json], object] | None = None
    """What ARM adds to what it shows, in place."""

    def __str__(self) -> str:
        return str(self.id)

    @property
    def access(self) -> str:
        return str(self.parts[""]["properties"].get("publicNetworkAccess") or "Enabled")

    @property
    def open(self) -> bool:
        """Whether its firewall is as it was made."""
        form = FORMS[self.kind.entry.firewall]
        return same(form.state(self.parts), form.state(self.kind.parts))

    @property
    def closed(self) -> bool:
        """Whether it is as its kind's wish asks."""
        rules = [rule["name"] for rule in self.parts.get(resources.RULES, ())]
        return self.access == "Disabled" and "AllowAllWindowsAzureIps" not in rules


@dataclass(frozen=True)
class Asked:
    """A request that somebody made: one connection of a target."""

    target: MemoryTarget
    name: str
    private_endpoint_id: str
    endpoint_id: str = ""

    @property
    def id(self) -> str:
        return f"{self.target.id}{CONNECTIONS}/{self.name}"

    @property
    def body(self) -> Json:
        return self.target.connections[self.name]

    @property
    def there(self) -> bool:
        return self.name in self.target.connections

    @property
    def state(self) -> Json:
        found: Json = self.body["properties"]["privateLinkServiceConnectionState"]
        return found

    @property
    def status(self) -> str:
        """Its status, "" where it is gone."""
        return str(self.state["status"]) if self.there else ""

    @property
    def description(self) -> str:
        return str(self.state["description"])

    def decide(self, status: str, description: str = "by the owner") -> None:
        """A person decides at the target."""
        self.state.update(status=status, description=description)

    def withdraw(self) -> None:
        """The requester deletes its private endpoint."""
        self.target.connections.pop(self.name, None)
        self.target.azure.endpoints.pop(self.endpoint_id, None)


class MemoryAzure:
    """Everything that the app reads and writes in Azure."""

    def __init__(self, time: MemoryTime, points: Points) -> None:
        self.time = time
        self.points = points
        self.targets: dict[str, MemoryTarget] = {}
        self.endpoints: dict[str, ManagedEndpoint] = {}
        self.works: dict[str, Work] = {}
        self.fails_next: tuple[str, str] | None = None
        self.runs_next: float | None = None
        self.puts: list[tuple[str, str]] = []
        """Decisions that ARM took: the connection's id and the description."""
        self.writes: list[tuple[float, str]] = []
        """Writes of firewalls that ARM took: when, and the method and path below the target."""
        self.polls: list[float] = []
        """When operations were asked about."""
        self._made = 0

    # --- what there is

    def target(self, kind: Kind = STORAGE, name: str = "") -> MemoryTarget:
        """A target with an open firewall."""
        self._made += 1
        target = parse(f"{GROUP}/providers/{kind.type}/{name or f't{self._made}'}")
        self.targets[target.key] = MemoryTarget(self, kind, target, copy.deepcopy(kind.parts))
        return self.targets[target.key]

    def ask(self, target: MemoryTarget, subscription: str, message: str = "please", *, name: str = "") -> Asked:
        """Somebody makes a private endpoint in that subscription. The connection's name is new every time."""
        self._made += 1
        endpoint = private_endpoint(name or f"pe{self._made}", subscription)
        return self.connect(target, endpoint, message)

    def managed(self, target: MemoryTarget, message: str, *, group: str = "", name: str = "") -> Asked:
        """Our cluster makes a managed private endpoint, which is ready at once."""
        self._made += 1
        name = name or f"mpe{self._made}"
        key = f"{CLUSTER.key}/managedprivateendpoints/{name}"
        group = group or target.kind.group
        self.endpoints[key] = ManagedEndpoint(key, name, str(target.id), group, message, created_at=self.time.now())
        endpoint = private_endpoint(f"{name}.{uuid.UUID(int=self._made)}")
        return replace(self.connect(target, endpoint, message), endpoint_id=key)

    def connect(self, target: MemoryTarget, endpoint: str, message: str) -> Asked:
        """A private endpoint of that id asks, under a connection's name that was never there."""
        self._made += 1
        name = f"c{self._made}"
        shown = {"groupIds": [target.kind.group]} if target.kind is not STORAGE else {}
        target.connections[name] = {
            "id": f"{target.id}{CONNECTIONS}/{name}",
            "name": name,
            "properties": {
                "privateEndpoint": {"id": endpoint},
                "privateLinkServiceConnectionState": {"status": "Pending", "description": message},
                "provisioningState": self._ready(target),
                **shown,
            },
        }
        return Asked(target, name, endpoint)

    @staticmethod
    def _ready(target: MemoryTarget) -> str:
        return "Ready" if target.kind is SQL else "Succeeded"

    # --- what ARM does with time

    @property
    def busy(self) -> bool:
        """Whether an operation runs."""
        self.catch_up()
        return not all(work.over for work in self.works.values())

    def start(self, act: Callable[[], None], fail: Callable[[], None], seconds: float) -> Operation:
        """Begin an operation; `fails_next` and `runs_next` (seconds) are for the next one only."""
        url = f"{ENDPOINT}/subscriptions/{OURS}/operations/{len(self.works)}?api-version=2023-05-01&t=signed"
        seconds = self.runs_next if self.runs_next is not None else seconds
        self.works[url] = Work(self.time.seconds + seconds, act, fail, self.fails_next)
        self.fails_next = self.runs_next = None
        return Operation(url)

    def catch_up(self) -> None:
        """Whatever should have ended by now has."""
        for work in self.works.values():
            if not work.over and work.ends_at <= self.time.seconds:
                work.over = True
                (work.act if work.failure is None else work.fail)()

    def end_all(self) -> None:
        """Operations that run on end now."""
        for work in self.works.values():
            work.ends_at = min(work.ends_at, self.time.seconds)
        self.catch_up()

    def poll(self, url: str) -> Response:
        """GET an operation."""
        self.polls.append(self.time.seconds)
        self.catch_up()
        work = self.works[url]
        if not work.over:
            return Response({"status": "InProgress"})
        if work.failure is None:
            return Response({"status": "Succeeded"})
        return Response({"status": "Failed", "error": dict(zip(("code", "message"), work.failure, strict=True))})


@dataclass(frozen=True)
class Response:
    """What ARM answers."""

    body: Json
    status_code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return json.dumps(self.body).encode()

    def json(self) -> Json:
        return self.body


@dataclass(frozen=True)
class MemoryArm:
    """The part of `shared.azure.arm.Arm` that follows operations."""

    azure: MemoryAzure
    endpoint: str = ENDPOINT

    def send_url(self, url: str) -> Response:
        return self.azure.points.through("GET operation", lambda: self.azure.poll(url))


class MemoryAdapter(Adapter):
    """The adapter of a type, whose wire is `MemoryAzure`."""

    def __init__(self, kind: TargetType, azure: MemoryAzure) -> None:
        super().__init__(kind)
        self._azure = azure

    def get(self, target: ResourceId, path: str = "") -> Json:
        def answer() -> Json:
            there = self._there(target)
            parts = there.parts
            if path not in parts:
                raise NotFoundError(f"GET {target}{path}: 404", code="ResourceNotFound")
            shown = copy.deepcopy(parts)
            if there.shows is not None:
                there.shows(shown)
            found: Json = shown[path]
            return found

        return self._azure.points.through("GET target", answer)

    def get_all(self, target: ResourceId, path: str) -> Listed:
        def answer() -> list[Json]:
            there = self._there(target)
            if path != CONNECTIONS:
                return copy.deepcopy(list(there.parts.get(path, ())))
            names = there.lists.pop(0) if there.lists else list(there.connections)
            return [copy.deepcopy(there.connections[name]) for name in names if name in there.connections]

        name = "list connections" if path == CONNECTIONS else "list rules"
        return Listed(tuple(self._azure.points.through(name, answer)), 1)

    def get_connection(self, target: ResourceId, name: str) -> Json:
        def answer() -> Json:
            connections = self._there(target).connections
            if name not in connections:
                raise NotFoundError(f"GET {target}{CONNECTIONS}/{name}: 404", code="NotFound")
            found: Json = copy.deepcopy(connections[name])
            return found

        return self._azure.points.through("GET connection", answer)

    def put_connection(self, target: ResourceId, name: str, body: Json) -> Operation | None:
        return self._azure.points.through("PUT connection", lambda: self._put(target, name, copy.deepcopy(body)))

    def send(self, target: ResourceId, request: FirewallRequest) -> Operation | None:
        return self._azure.points.through("PATCH firewall", lambda: self._write(target, request))

    def _there(self, target: ResourceId) -> MemoryTarget:
        self._azure.catch_up()
        found = self._azure.targets.get(target.key)
        if found is None or found.gone:
            raise NotFoundError(f"{target}: 404", code="ResourceNotFound")
        return found

    def _put(self, target: ResourceId, name: str, body: Json) -> Operation | None:
        there = self._there(target)
        connection = there.connections.get(name)
        if connection is None:
            raise NotFoundError(f"PUT {target}{CONNECTIONS}/{name}: 404", code="NotFound")
        properties, state = connection["properties"], body["properties"]["privateLinkServiceConnectionState"]
        shown = properties["privateLinkServiceConnectionState"]
        if properties["provisioningState"] in ("Updating", "Approving"):
            raise TransientError("409 Conflict: another operation is in progress", code="Conflict")
        if shown["status"] != "Pending" and there.kind is not KUSTO:
            raise PermanentError("400: the status is not Pending", code="InvalidValuesForRequestParameters")
        self._azure.puts.append((connection["id"], state["description"]))
        if not there.kind.decides_in:
            shown.update(state)
            return None
        if there.kind.shows_at_once:
            shown.update(state)
            properties["provisioningState"] = "Updating"
        elif there.kind is SQL:
            properties["provisioningState"] = "Approving"

        def finish() -> None:
            shown.update(state)
            properties["provisioningState"] = MemoryAzure._ready(there)

        def fail() -> None:  # what Data Explorer does is not known: nothing shows
            properties["provisioningState"] = "Succeeded" if there.kind is KUSTO else "Failed"

        return self._azure.start(finish, fail, there.kind.decides_in)

    def _write(self, target: ResourceId, request: FirewallRequest) -> Operation | None:
        there = self._there(target)
        self._azure.writes.append((self._azure.time.seconds, f"{request.method} {request.path}".strip()))

        def finish() -> None:
            if not there.ignores_writes:
                there.parts = resources.applied(there.parts, request)

        if not there.kind.writes_in:
            finish()
            return None
        return self._azure.start(finish, lambda: None, there.kind.writes_in)


@dataclass(frozen=True)
class MemorySides:
    """What requesters' own resources show."""

    azure: MemoryAzure

    def read(self, requester: ServiceRequester) -> RequesterSide:
        def answer() -> RequesterSide:
            found = self.azure.endpoints.values()
            return RequesterSide(tuple(e for e in found if e.id.startswith(requester.resource.key)))

        return self.azure.points.through("read side", answer)


@dataclass(frozen=True)
class MemoryTenants:
    """The tenants of subscriptions."""

    known: Mapping[str, str | None] = field(default_factory=lambda: TENANTS)

    def of(self, subscription_ids: Iterable[str], *, fresh: bool = False) -> dict[str, TenantAnswer]:
        del fresh
        return {one: TenantAnswer(self.known.get(one)) for one in subscription_ids}


class MemoryViews:
    """Private endpoints that nobody may read."""

    def view(self, endpoint: ResourceId, target: ResourceId) -> PrivateEndpointView:
        del endpoint, target
        return PrivateEndpointView(readable=False)
