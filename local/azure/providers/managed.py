"""Managed private endpoints: what Data Explorer, Synapse and Data Factory do alike for a resource of their customer.

A managed endpoint is asked for; after a while its private endpoint exists in a subscription of Microsoft's and the
connection waits at the target; some time later the service says that it is ready, and from then on it shows the
connection's state, later than the target does.
"""

from __future__ import annotations

from dataclasses import dataclass

from local.azure.cloud import Cloud
from local.azure.private_link import Wanted
from local.azure.state import Connection, Resource
from local.azure.wire import AzureError, Json


@dataclass(frozen=True, slots=True)
class Timing:
    """Azure's seconds until the connection is at the target, the endpoint ready, a deleted one gone, a decision noticed."""

    appears: float
    ready: float
    deleted: float
    lag: float


class ManagedEndpoints:
    """The life of a service's managed private endpoints; how they are shown and asked for is the service's affair."""

    service: str
    creating: str
    timing: Timing

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.state = cloud.state
        self.clock = cloud.clock
        for job in (self.appears, self.ready, self.gone, self.notices):
            self.clock.on(f"{self.service}.{job.__name__}", job)
        cloud.links.follow(self.service, self.connection_changed)

    def endpoint_name(self, endpoint: Resource) -> str:
        """The name of the private endpoint that is made for a managed endpoint."""
        raise NotImplementedError

    def message(self, endpoint: Resource) -> str:
        """The description that the connection gets at the target."""
        raise NotImplementedError

    def owner(self, endpoint: Resource) -> Resource | None:
        """The cluster, workspace or factory that a managed endpoint belongs to."""
        raise NotImplementedError

    def connection_state(self, connection: Connection | None) -> Json | None:
        """How the service shows a connection's state (None: not made yet); None for a service that shows none."""
        del connection
        return None

    def begin(self, endpoint: Resource) -> None:
        """Start to make what a new managed endpoint needs."""
        endpoint.properties["provisioningState"] = self.creating
        self._show_state(endpoint, None)
        self._later(self.timing.appears, "appears", endpoint)
        self._later(self.timing.ready, "ready", endpoint)

    def end(self, endpoint: Resource) -> None:
        """Start to delete a managed endpoint."""
        endpoint.properties["provisioningState"] = "Deleting"
        self._later(self.timing.deleted, "gone", endpoint)

    def discard(self, owner: Resource, arm_type: str) -> None:
        """Delete all managed endpoints of a resource that goes."""
        for endpoint in self.state.children(owner.key, arm_type):
            self.cloud.links.delete_managed(endpoint.body.get("endpoint", ""))

    def appears(self, key: str, made_at: str) -> None:
        """The private endpoint is made, and its connection is pending at the target."""
        endpoint = self._same(key, made_at)
        if endpoint is None or endpoint.properties["provisioningState"] != self.creating:
            return
        owner = self.owner(endpoint)
        if owner is None:
            return
        properties = endpoint.properties
        wanted = Wanted(properties["privateLinkResourceId"], properties["groupId"], self.message(endpoint), endpoint.id)
        try:
            pool = "any" if self.cloud.quirks["oneManagedSubscription"] else f"{self.service}{_network(key)}"
            region, name = owner.body["location"], self.endpoint_name(endpoint)
            made = self.cloud.links.create_managed(self.service, region, name, wanted, pool=pool)
        except AzureError:  # the target has gone meanwhile
            properties["provisioningState"] = "Failed"
        else:
            endpoint.body["endpoint"] = made.id

    def ready(self, key: str, made_at: str) -> None:
        """The service says that the endpoint is ready, and shows its connection's state from now on."""
        endpoint = self._same(key, made_at)
        if endpoint is not None and endpoint.properties["provisioningState"] == self.creating:
            endpoint.properties["provisioningState"] = "Succeeded"
            self._notice(endpoint)

    def gone(self, key: str, made_at: str) -> None:
        """A deleted endpoint is gone, with its private endpoint and its connection."""
        endpoint = self._same(key, made_at)
        if endpoint is not None:
            self.cloud.links.delete_managed(endpoint.body.get("endpoint", ""))
            self.state.remove(key)

    def connection_changed(self, connection: Connection) -> None:
        """The target's owner has decided, or dropped the connection: the service will notice."""
        self.clock.after(self.timing.lag, f"{self.service}.notices", connection.requester)

    def notices(self, key: str) -> None:
        """The service looks at the target and shows what it sees."""
        endpoint = self.state.resource(key)
        if endpoint is not None and endpoint.properties["provisioningState"] == "Succeeded":
            self._notice(endpoint)

    def _later(self, seconds: float, job: str, endpoint: Resource) -> None:
        self.clock.after(seconds, f"{self.service}.{job}", endpoint.key, endpoint.created_at)

    def _same(self, key: str, made_at: str) -> Resource | None:
        """The endpoint that a job was meant for, and not one that was made under its name since."""
        endpoint = self.state.resource(key)
        return endpoint if endpoint is not None and endpoint.created_at == made_at else None

    def _notice(self, endpoint: Resource) -> None:
        connections = self.cloud.links.of_endpoint(endpoint.body.get("endpoint", ""))
        lost = Connection("", "", "", "", "", "", "", "", status="Disconnected")
        self._show_state(endpoint, connections[0] if connections else lost)

    def _show_state(self, endpoint: Resource, connection: Connection | None) -> None:
        shown = self.connection_state(connection)
        if shown is not None:
            endpoint.properties["connectionState"] = shown


def _network(key: str) -> str:
    """What tells the managed virtual network of an endpoint (by its key) from the default one: each keeps its own."""
    _, found, rest = key.partition("/managedvirtualnetworks/")
    name = rest.partition("/")[0]
    return f" {name}" if found and name != "default" else ""
