"""A target of private endpoints: its connections and its private link resources. The differences are overridden."""

from __future__ import annotations

import uuid

from local.azure.providers.base import Provider, paged
from local.azure.router import Call, Route, route
from local.azure.state import Connection, Resource
from local.azure.wire import Answer, AzureError, Json, as_object
from shared.resource_id import fold

DECISIONS = ("Approved", "Rejected")
SMALL_PAGE = 3
"""Connections on a page of a list that comes in pages, where the quirk `smallPages` asks for it."""


class TargetProvider(Provider):
    """A type that private endpoints connect to. `groups` maps each sub-resource to its required members."""

    versions: tuple[str, ...]
    groups: dict[str, tuple[str, ...]]
    zones: dict[str, tuple[str, ...]]
    connection_type: str
    """The type as a connection shows it; the route's type is `<type>/privateEndpointConnections`."""
    shows_action = "actionsRequired"
    """The key of the action in a connection's state; "" where there is none."""
    pages_connections = False
    """Whether the list of connections has a nextLink."""

    def connection_routes(self) -> list[Route]:
        """The four routes that every target has."""
        one = f"{self.type}/{{}}/privateEndpointConnections/{{}}"
        return [
            route(f"{self.type}/{{}}/privateEndpointConnections", self.versions, GET=self.list_connections),
            route(one, self.versions, GET=self.get_connection, PUT=self.put_connection, DELETE=self.delete_connection),
            route(f"{self.type}/{{}}/privateLinkResources", self.versions, GET=self.private_link_resources),
            route(f"{self.type}/{{}}/privateLinkResources/{{}}", self.versions, GET=self.private_link_resource),
        ]

    def group_ids(self, target: Resource) -> tuple[str, ...]:
        """The sub-resources that the target has."""
        del target  # the same for every resource of most types
        return tuple(self.groups)

    def group_of(self, target: Resource, wanted: str) -> str | None:
        """The sub-resource that a name means, in any case; None if there is no such one."""
        return next((group for group in self.group_ids(target) if fold(group) == fold(wanted)), None)

    def connection_name(self, target: Resource, endpoint_name: str) -> str:
        """The name that the provider gives to a new connection (each type's form: docs/azure-on-the-wire.md)."""
        raise NotImplementedError

    def initial_provisioning(self, *, approved: bool) -> str:
        """The provisioning state of a connection that nobody has written yet: it never tells whether it is approved."""
        del approved
        return "Succeeded"

    def show_connection(self, connection: Connection) -> Json:
        """A connection as the list and a GET show it."""
        state = {"status": connection.status, "description": connection.description}
        if self.shows_action:
            state[self.shows_action] = "None"
        return {
            "id": f"{connection.target}/privateEndpointConnections/{connection.name}",
            "name": connection.name,
            "type": self.connection_type,
            "properties": {
                "provisioningState": connection.provisioning,
                "privateEndpoint": {"id": connection.endpoint},
                "privateLinkServiceConnectionState": state,
            },
        }

    def list_connections(self, call: Call) -> Answer:
        """GET of all connections."""
        found = self.state.connections(self.top(call).key)
        if self.pages_connections:
            small = {"size": SMALL_PAGE} if self.cloud.quirks["smallPages"] else {}
            return paged(call, found, self.show_connection, **small)
        return Answer(200, {"value": [self.show_connection(connection) for connection in found]})

    def get_connection(self, call: Call) -> Answer:
        """GET of one."""
        return Answer(200, self.show_connection(self.find_connection(call)))

    def put_connection(self, call: Call) -> Answer:
        """PUT of one: the owner's decision."""
        connection = self.find_connection(call)
        status, description = wanted_state(call.body)
        return self.decide(call, connection, status, description)

    def decide(self, call: Call, connection: Connection, status: str, description: str) -> Answer:
        """Take a decision on, in the provider's own manner."""
        raise NotImplementedError

    def delete_connection(self, call: Call) -> Answer:
        """DELETE of one; the private endpoint then shows Disconnected."""
        connection = self.state.connection(self.top(call).key, call.path.names[1])
        if connection is None:
            return Answer(204)
        self.drop(connection)
        return Answer(200)

    def drop(self, connection: Connection) -> None:
        """Forget a connection that its owner has deleted."""
        self.state.remove_connection(connection)
        self.cloud.links.changed(connection)
        self._target_changed(connection)

    def set_state(self, connection: Connection, status: str, description: str, provisioning: str) -> None:
        """Write a decision into the connection, with a new etag."""
        connection.status, connection.description, connection.provisioning = status, description, provisioning
        connection.etag = uuid.uuid4().hex
        self.cloud.links.changed(connection)
        self._target_changed(connection)

    def remove(self, resource: Resource) -> None:
        """A target goes with its connections; the private endpoints stay and are Disconnected."""
        connections = self.state.connections(resource.key)
        super().remove(resource)
        for connection in connections:
            self.cloud.links.changed(connection)

    def _target_changed(self, connection: Connection) -> None:
        target = self.state.resource(connection.target)
        if target is not None:
            self.changed(target)

    def find_connection(self, call: Call) -> Connection:
        """The connection that a call names.

        Raises:
            AzureError: 404, no such target or connection.
        """
        target, name = self.top(call), call.path.names[1]
        connection = self.state.connection(target.key, name)
        if connection is None:
            message = f"The private endpoint connection '{name[:128]}' of '{target.id}' was not found."
            raise AzureError(404, "ResourceNotFound", message)
        return connection

    def private_link_resources(self, call: Call) -> Answer:
        """GET of the sub-resources."""
        target = self.top(call)
        return Answer(200, {"value": [self.show_link_resource(target, group) for group in self.group_ids(target)]})

    def private_link_resource(self, call: Call) -> Answer:
        """GET of one sub-resource."""
        target = self.top(call)
        for group in self.group_ids(target):
            if fold(group) == fold(call.path.names[1]):
                return Answer(200, self.show_link_resource(target, group))
        raise AzureError(404, "ResourceNotFound", f"There is no private link resource '{call.path.names[1][:128]}'.")

    def show_link_resource(self, target: Resource, group: str) -> Json:
        """A sub-resource as the list shows it."""
        return {
            "id": f"{target.id}/privateLinkResources/{group}",
            "name": group,
            "type": f"{self.type}/privateLinkResources",
            "properties": {
                "groupId": group,
                "requiredMembers": list(self.groups[group]),
                "requiredZoneNames": list(self.zones.get(group, ())),
            },
        }


def wanted_state(body: Json) -> tuple[str, str]:
    """Status and description that the PUT of a connection asks for.

    Raises:
        AzureError: 400, no status that an owner may write.
    """
    state = as_object(as_object(body.get("properties")).get("privateLinkServiceConnectionState"))
    status = next((known for known in DECISIONS if fold(known) == fold(str(state.get("status", "")))), "")
    if not status:
        raise AzureError(400, "BadRequest", "privateLinkServiceConnectionState.status must be Approved or Rejected.")
    return status, str(state.get("description") or "")
