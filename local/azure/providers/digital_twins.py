"""Microsoft.DigitalTwins: instances as they are on the wire (docs/azure-on-the-wire.md).

Their oddities: the sub-resource is called `API`, and `digitalTwinsInstance` is understood too; every write is 202 (201 for a
new instance) with both headers and `Retry-After: 10`; a decision needs a description.
"""

from __future__ import annotations

import uuid

from local.azure.cloud import Cloud
from local.azure.providers.base import envelope, location_of, system_data
from local.azure.providers.long_running import Form, LongRunning
from local.azure.providers.target import TargetProvider
from local.azure.router import Call, route
from local.azure.state import Connection, Resource
from local.azure.wire import Answer, AzureError, Json, as_object, merge
from shared.resource_id import fold

VERSIONS = ("2020-12-01", "2022-05-31", "2022-10-31", "2023-01-31")
CREATION_SECONDS = 60
UPDATE_SECONDS = 20
_ALIASES = ("digitaltwinsinstance", "digitaltwinsinstances")


class Instances(TargetProvider):
    """Digital Twins instances."""

    type = "Microsoft.DigitalTwins/digitalTwinsInstances"
    connection_type = "Microsoft.DigitalTwins/digitalTwinsInstances/privateEndpointConnections"
    versions = VERSIONS
    groups = {"API": ("API",)}  # noqa: RUF012  # a table
    zones = {"API": ("privatelink.digitaltwins.azure.net",)}  # noqa: RUF012  # a table

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        form = Form(
            "Microsoft.DigitalTwins", "locations/{}/operationStatuses", "locations/{}/operationResults", retry_after=10
        )
        self.long = LongRunning(cloud, form, VERSIONS)

    def show(self, resource: Resource) -> Json:
        """The instance with its connections."""
        connections = [self.show_connection(connection) for connection in self.state.connections(resource.key)]
        properties = {**resource.properties, "privateEndpointConnections": connections}
        return {**envelope(resource), "systemData": system_data(resource), "properties": properties}

    def put(self, call: Call) -> Answer:
        """PUT: 201 with `Provisioning` for a new instance, 200 for a known one."""
        body, known = call.body, self.state.resource(call.id)
        if known is not None:
            self._change(known, body)
            return Answer(200, self.show(known))
        now = self.clock.stamp()
        defaults = {
            "createdTime": now,
            "lastUpdatedTime": now,
            "provisioningState": "Provisioning",
            "hostName": f"{call.path.names[0]}.api.weu.digitaltwins.azure.net",
            "publicNetworkAccess": "Enabled",
        }
        kept = {
            "location": location_of(body),
            "tags": as_object(body.get("tags")),
            "identity": body.get("identity"),
            "properties": merge(defaults, as_object(body.get("properties"))),
        }
        resource, _ = self.keep(call, self.type, kept)
        return self._started(call, 201, resource, CREATION_SECONDS)

    def patch(self, call: Call) -> Answer:
        """PATCH: 202 with `Updating` and the new values."""
        resource = self.top(call)
        if resource.properties["provisioningState"] == "Updating":
            raise AzureError(409, "Conflict", f"The instance '{resource.name}' is being updated. Try again later.")
        self._change(resource, call.body)
        resource.properties["provisioningState"] = "Updating"
        return self._started(call, 202, resource, UPDATE_SECONDS)

    def ready(self, key: str) -> None:
        """A creation or update has ended."""
        resource = self.state.resource(key)
        if resource is not None:
            resource.properties.update(provisioningState="Succeeded", lastUpdatedTime=self.clock.stamp())
            self.changed(resource)

    def group_of(self, target: Resource, wanted: str) -> str | None:
        """`API`, by any of its names."""
        return "API" if fold(wanted) in _ALIASES else super().group_of(target, wanted)

    def connection_name(self, target: Resource, endpoint_name: str) -> str:
        """A bare GUID."""
        del target, endpoint_name
        return str(uuid.uuid4())

    def show_connection(self, connection: Connection) -> Json:
        """A connection with its `groupIds`."""
        shown = super().show_connection(connection)
        shown["properties"]["groupIds"] = [connection.group]
        return shown

    def decide(self, call: Call, connection: Connection, status: str, description: str) -> Answer:
        """202 with the connection as it was; the state changes when the operation ends."""
        if not description:
            raise AzureError(400, "BadRequest", "privateLinkServiceConnectionState.description is required.")
        if connection.status == "Rejected":
            raise AzureError(400, "BadRequest", f"The connection '{connection.name}' is Rejected.")
        then = ("twins.decided", connection.target, connection.name, status, description)
        operation = self.cloud.operations.start(call, UPDATE_SECONDS, *then, working="Accepted")
        headers = self.long.headers(call, self.top(call).body["location"], operation)
        return Answer(202, self.show_connection(connection), headers, finished=False)

    def decided(self, target: str, name: str, status: str, description: str) -> None:
        """A decision is in force."""
        connection = self.state.connection(target, name)
        if connection is not None:
            self.set_state(connection, status, description, "Succeeded")

    def _change(self, resource: Resource, body: Json) -> None:
        resource.body["properties"] = merge(resource.properties, as_object(body.get("properties")))
        for name in ("tags", "identity"):
            if body.get(name) is not None:
                resource.body[name] = body[name]
        self.changed(resource)

    def _started(self, call: Call, status: int, resource: Resource, seconds: float) -> Answer:
        operation = self.cloud.operations.start(call, seconds, "twins.ready", resource.key)
        headers = self.long.headers(call, resource.body["location"], operation)
        return Answer(status, self.show(resource), headers, finished=False)


def register(cloud: Cloud) -> None:
    """Serve Digital Twins instances."""
    instances = Instances(cloud)
    handlers = {"GET": instances.get, "PUT": instances.put, "PATCH": instances.patch, "DELETE": instances.delete}
    cloud.router.add(
        [
            route(instances.type, VERSIONS, GET=instances.list),
            route(f"{instances.type}/{{}}", VERSIONS, **handlers),
            *instances.long.routes(),
            *instances.connection_routes(),
        ]
    )
    cloud.links.register(instances)
    cloud.clock.on("twins.ready", instances.ready)
    cloud.clock.on("twins.decided", instances.decided)
    cloud.show_with(instances.type, instances.show)
