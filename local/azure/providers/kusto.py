"""Microsoft.Kusto: clusters, and clusters as targets.

Their oddities (docs/azure-on-the-wire.md): ids say `/Clusters/`; the PUT of a connection answers your own body wrapped
once more, and a GET shows the old status until the operation has ended.
"""

from __future__ import annotations

import uuid

from local.azure.cloud import Cloud
from local.azure.providers import kusto_endpoints
from local.azure.providers.base import envelope, location_of, system_data
from local.azure.providers.kusto_endpoints import ClusterEndpoints
from local.azure.providers.target import TargetProvider
from local.azure.router import Call, route
from local.azure.state import Connection, Resource
from local.azure.wire import Answer, AzureError, Json, as_object, merge

VERSIONS = ("2021-01-01", "2021-08-27", "2022-02-01", "2022-07-07", "2022-11-11", "2022-12-29", "2023-05-02", "2023-08-15",
            "2024-04-13", "2025-02-14")  # fmt: skip
CREATION_SECONDS = 600
UPDATE_SECONDS = 60
DECISION_SECONDS = 35


class Clusters(TargetProvider):
    """Data Explorer clusters."""

    type = "Microsoft.Kusto/Clusters"
    connection_type = "Microsoft.Kusto/Clusters/PrivateEndpointConnections"
    versions = VERSIONS
    pages = False
    groups = {"cluster": ("Engine", "DataManagement")}  # noqa: RUF012  # a table
    zones = {"cluster": ("privatelink.westeurope.kusto.windows.net",)}  # noqa: RUF012  # a table

    def __init__(self, cloud: Cloud, endpoints: ClusterEndpoints) -> None:
        super().__init__(cloud)
        self.endpoints = endpoints

    def show(self, resource: Resource) -> Json:
        """The cluster with its connections."""
        connections = [self.show_connection(connection) for connection in self.state.connections(resource.key)]
        return {
            **envelope(resource),
            "etag": f'"{resource.changed_at}"',
            "systemData": system_data(resource),
            "properties": {**resource.properties, "privateEndpointConnections": connections},
        }

    def put(self, call: Call) -> Answer:
        """PUT: 201 with `Creating` for a new cluster; it can be asked for managed endpoints at once."""
        known = self.state.resource(call.id)
        if known is not None:
            return self.patch(call)
        body = call.body
        location = location_of(body)
        if not as_object(body.get("sku")).get("name"):
            raise AzureError(400, "InvalidRequest", "The property sku is required.")
        name = call.path.names[0]
        properties = merge(_defaults(name, location), as_object(body.get("properties")))
        kept = {
            "location": location,
            "tags": as_object(body.get("tags")),
            "sku": {"capacity": 2, **body["sku"]},
            "identity": body.get("identity"),
            "properties": properties,
        }
        resource, _ = self.keep(call, self.type, kept)
        operation = self.cloud.operations.start(call, CREATION_SECONDS, "kusto.running", resource.key)
        return Answer(
            201,
            self.show(resource),
            self.endpoints.long.headers(call, self.top(call).body["location"], operation),
            finished=False,
        )

    def patch(self, call: Call) -> Answer:
        """PATCH: 202 with the new values, `Updating` until the operation ends; If-Match is looked at."""
        resource = self.top(call)
        expected = call.request.headers.get("If-Match")
        if expected not in (None, "*", f'"{resource.changed_at}"'):
            raise AzureError(412, "PreconditionFailed", "The etag in If-Match is not the cluster's.")
        if resource.properties["provisioningState"] == "Updating":
            raise AzureError(409, "ConflictError", f"[Conflict] The cluster '{resource.name}' is being updated.")
        body = call.body
        for name in ("tags", "sku", "identity"):
            if body.get(name) is not None:
                resource.body[name] = merge(as_object(resource.body.get(name)), body[name])
        resource.body["properties"] = merge(resource.properties, as_object(body.get("properties")))
        resource.properties["provisioningState"] = "Updating"
        self.changed(resource)
        operation = self.cloud.operations.start(call, UPDATE_SECONDS, "kusto.running", resource.key)
        return Answer(
            202,
            self.show(resource),
            self.endpoints.long.headers(call, self.top(call).body["location"], operation),
            finished=False,
        )

    def running(self, key: str) -> None:
        """A cluster's creation or update has ended."""
        resource = self.state.resource(key)
        if resource is not None:
            resource.properties.update(provisioningState="Succeeded", state="Running")
            self.changed(resource)

    def remove(self, resource: Resource) -> None:
        """A cluster goes with its managed endpoints, and their private endpoints and connections."""
        self.endpoints.discard(resource, ClusterEndpoints.type)
        super().remove(resource)

    def connection_name(self, target: Resource, endpoint_name: str) -> str:
        """`{private endpoint}-{guid}`."""
        del target
        return f"{endpoint_name}-{uuid.uuid4()}"

    def show_connection(self, connection: Connection) -> Json:
        """A connection with its read-only `groupId`."""
        shown = super().show_connection(connection)
        shown["properties"]["groupId"] = connection.group
        return shown

    def decide(self, call: Call, connection: Connection, status: str, description: str) -> Answer:
        """200 with the caller's own body wrapped once more; the status is the old one until the operation has ended."""
        if connection.status == "Rejected":
            message = f"[BadRequest] The private endpoint connection '{connection.name}' is Rejected."
            raise AzureError(400, "BadRequest", message)
        then = ("kusto.decided", connection.target, connection.name, status, description)
        operation = self.cloud.operations.start(call, DECISION_SECONDS, *then, working="Running")
        body = {
            "id": f"{connection.target}/PrivateEndpointConnections/{connection.name}",
            "name": connection.name,
            "type": self.connection_type,
            "properties": {**call.body, "provisioningState": "Accepted"},
        }
        return Answer(
            200, body, self.endpoints.long.headers(call, self.top(call).body["location"], operation), finished=False
        )

    def decided(self, target: str, name: str, status: str, description: str) -> None:
        """A decision shows at last."""
        connection = self.state.connection(target, name)
        if connection is not None:
            self.set_state(connection, status, description, "Succeeded")


def _defaults(name: str, location: str) -> Json:
    return {
        "state": "Creating",
        "provisioningState": "Creating",
        "uri": f"https://{name}.{location}.kusto.windows.net",
        "dataIngestionUri": f"https://ingest-{name}.{location}.kusto.windows.net",
        "enableDiskEncryption": False,
        "enableStreamingIngest": False,
        "enablePurge": False,
        "enableDoubleEncryption": False,
        "enableAutoStop": True,
        "engineType": "V3",
        "publicNetworkAccess": "Enabled",
        "publicIPType": "IPv4",
        "allowedIpRangeList": [],
        "restrictOutboundNetworkAccess": "Disabled",
        "allowedFqdnList": [],
    }


def register(cloud: Cloud) -> None:
    """Serve clusters and their managed private endpoints."""
    clusters = Clusters(cloud, kusto_endpoints.register(cloud))
    cloud.router.add(
        [
            route(Clusters.type, VERSIONS, GET=clusters.list),
            route(f"{Clusters.type}/{{}}", VERSIONS, GET=clusters.get, PUT=clusters.put, PATCH=clusters.patch,
                  DELETE=clusters.delete),
            *clusters.connection_routes(),
        ]
    )  # fmt: skip
    cloud.links.register(clusters)
    cloud.clock.on("kusto.running", clusters.running)
    cloud.clock.on("kusto.decided", clusters.decided)
    cloud.show_with(Clusters.type, clusters.show)
