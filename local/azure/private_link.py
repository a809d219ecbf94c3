"""Private endpoints and their connections at the targets: the one place where a connection comes, changes and goes.

The flow is Azure's (docs/azure-on-the-wire.md): Microsoft.Network writes a proxy at the target, the target's provider
makes a connection of it under a name of its own, the owner decides by writing the connection, the endpoint follows.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from local.azure.clock import Clock
from local.azure.events import NETWORK_PROVIDER, Events
from local.azure.state import Connection, Resource, State, Subscription
from local.azure.tenants import MICROSOFT_TENANTS
from local.azure.wire import AzureError, Json
from shared.resource_id import fold

PRIVATE_ENDPOINT = "Microsoft.Network/privateEndpoints"
AUTO_APPROVED = "Auto-Approved"


class Target(Protocol):
    """What private link needs to know of a target's provider."""

    type: str

    def group_of(self, target: Resource, wanted: str) -> str | None:
        """The target's sub-resource that is meant by a name, as the target writes it; None if it has no such one."""

    def show_connection(self, connection: Connection) -> Json:
        """A connection as the provider shows it."""

    def connection_name(self, target: Resource, endpoint_name: str) -> str:
        """The name that the provider gives to a new connection."""

    def initial_provisioning(self, *, approved: bool) -> str:
        """The provisioning state of a connection that nobody has written yet."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A connection that a private endpoint asks for. `requester` is the resource on whose behalf it is made."""

    target: str
    group: str
    message: str
    requester: str
    approved: bool = False


class PrivateLink:
    """Makes and ends connections, and tells who follows them."""

    def __init__(self, state: State, clock: Clock, events: Events) -> None:
        self._state = state
        self._clock = clock
        self._events = events
        self._targets: dict[str, Target] = {}
        self._followers: dict[str, Callable[[Connection], None]] = {}

    def register(self, target: Target) -> None:
        """Make a type connectable."""
        self._targets[fold(target.type)] = target

    def follow(self, service: str, changed: Callable[[Connection], None]) -> None:
        """Say who is told when a connection of a service's managed endpoints has changed at its target."""
        self._followers[service] = changed

    def changed(self, connection: Connection) -> None:
        """Tell the service that made a connection that its state is another, or that it is gone."""
        endpoint = self._state.resource(connection.endpoint)
        follower = self._followers.get(endpoint.created_by) if endpoint else None
        if follower is not None:
            follower(connection)

    def provider(self, resource: Resource) -> Target:
        """The provider of a target.

        Raises:
            AzureError: 400, the type takes no private endpoints.
        """
        found = self._targets.get(fold(resource.type))
        if found is None:
            message = f"The resource type '{resource.type}' does not support private endpoints."
            raise AzureError(400, "PrivateLinkServiceTypeNotSupported", message)
        return found

    def check(self, wanted: Wanted) -> Resource:
        """The target of a wanted connection.

        Raises:
            AzureError: 404, there is no such target; 400, it has no such sub-resource.
        """
        target = self._state.resource(wanted.target)
        if target is None:
            message = f"The Resource '{wanted.target}' was not found."
            raise AzureError(404, "ResourceNotFound", message)
        if self.provider(target).group_of(target, wanted.group) is None:
            message = f"The group id '{wanted.group[:64]}' is not valid for '{target.id}'."
            raise AzureError(400, "InvalidGroupId", message)
        return target

    def show(self, connection: Connection) -> Json:
        """A connection as its target's provider shows it."""
        return self._targets[_type_of(connection.target)].show_connection(connection)

    def connect(self, endpoint: str, wanted: Wanted) -> Connection:
        """Make the connection of a private endpoint at its target, and the event of its proxy."""
        target = self.check(wanted)
        provider = self.provider(target)
        endpoint_name = endpoint.rpartition("/")[2]
        connection = Connection(
            target=target.id,
            name=provider.connection_name(target, endpoint_name),
            endpoint=endpoint,
            group=provider.group_of(target, wanted.group) or wanted.group,
            message=wanted.message,
            requester=wanted.requester,
            created_at=self._clock.stamp(),
            proxy=f"{endpoint_name}.{uuid.uuid4()}",
            status="Approved" if wanted.approved else "Pending",
            description=AUTO_APPROVED if wanted.approved else wanted.message,
            provisioning=provider.initial_provisioning(approved=wanted.approved),
            etag=uuid.uuid4().hex,
        )
        self._state.add_connection(connection)
        self._proxy_event(connection, "write")
        self._events.resource_changed(target)
        return connection

    def resubmit(self, connection: Connection, wanted: Wanted) -> None:
        """The requester asks again: a rejected connection is pending once more, as in Azure."""
        connection.message = wanted.message
        if connection.status == "Rejected":
            connection.status, connection.description = "Pending", wanted.message
            self._proxy_event(connection, "write")

    def disconnect(self, connection: Connection) -> None:
        """The private endpoint is gone: its connection leaves the target."""
        self._state.remove_connection(connection)
        self._proxy_event(connection, "delete")
        target = self._state.resource(connection.target)
        if target is not None:
            self._events.resource_changed(target)

    def of_endpoint(self, endpoint: str) -> list[Connection]:
        """The connections that a private endpoint has (one for each of its links, unless the target dropped it)."""
        key = fold(endpoint)
        resource = self._state.resource(key)
        links = resource.body.get("links", []) if resource else []
        found = (self._state.connection(link["target"], link["connection"]) for link in links)
        return [connection for connection in found if connection is not None]

    def create_managed(self, service: str, region: str, name: str, wanted: Wanted, *, pool: str) -> Resource:
        """Make a managed private endpoint's own private endpoint, in a subscription of Microsoft's.

        `pool`: services that share one keep theirs in the same subscription. Whether any do is not known.
        """
        subscription = managed_subscription(self._state, pool, region)
        endpoint = Resource(
            id=f"{managed_group(subscription, region)}/providers/{PRIVATE_ENDPOINT}/{name}",
            type=PRIVATE_ENDPOINT,
            body={"location": region, "properties": {}, "links": []},
            created_at=self._clock.stamp(),
            created_by=service,
        )
        if self._state.resource(endpoint.id) is not None:
            raise AzureError(409, "AnotherPrivateEndpoint", f"There is a private endpoint {endpoint.id} already.")
        connection = self.connect(endpoint.id, wanted)
        endpoint.body["links"] = [link_of(connection, manual=True)]
        self._state.add(endpoint)
        return endpoint

    def delete_managed(self, endpoint: str) -> None:
        """Delete a managed private endpoint's private endpoint and with it the connection."""
        for connection in self.of_endpoint(endpoint):
            self.disconnect(connection)
        self._state.remove(endpoint)

    def _proxy_event(self, connection: Connection, what: str) -> None:
        kind = f"{self._targets[_type_of(connection.target)].type}/privateEndpointConnectionProxies"
        resource = f"{connection.target}/privateEndpointConnectionProxies/{connection.proxy}"
        self._events.arm_success(resource, f"{kind}/{what}", NETWORK_PROVIDER)


def link_of(connection: Connection, *, manual: bool, name: str = "") -> Json:
    """A private endpoint's link as it is kept in the endpoint's body: where its connection is, and what was asked for."""
    return {
        "name": name or connection.endpoint.rpartition("/")[2],
        "manual": manual,
        "target": connection.target,
        "connection": connection.name,
        "group": connection.group,
        "message": connection.message,
    }


def managed_subscription(state: State, service: str, region: str) -> str:
    """The Microsoft subscription that holds a service's managed private endpoints of a region; made when first needed."""
    subscription = str(uuid.uuid5(uuid.NAMESPACE_URL, f"managed/{service}/{region}"))
    if subscription not in state.subscriptions:
        tenant = MICROSOFT_TENANTS[1 if service == "kusto" else 0]
        state.subscriptions[subscription] = Subscription(subscription, tenant, f"{service} {region}")
    return subscription


def managed_group(subscription: str, region: str) -> str:
    """The resource group there, named as Synapse's is: `vnet-<first 8 digits of the subscription>-<region>-<n>-rg`."""
    number = int(subscription[9:13], 16) % 90 + 10
    return f"/subscriptions/{subscription}/resourceGroups/vnet-{subscription[:8]}-{region}-{number}-rg"


def _type_of(resource_id: str) -> str:
    namespace, kind, _ = fold(resource_id).rpartition("/providers/")[2].split("/", 2)
    return f"{namespace}/{kind}"
