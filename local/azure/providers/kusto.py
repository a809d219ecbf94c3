"""Microsoft.Kusto: clusters, as requesters (managed private endpoints) and as targets.

Their oddities (facts/azure-resource-manager.md): ids say `/Clusters/`; a managed endpoint is named `cluster/endpoint`, shows
no connection state and takes three minutes; the PUT of a connection answers your own body wrapped once more, and a GET shows
the old status until the operation has ended.
"""

from __future__ import annotations

import uuid

from local.azure.cloud import Cloud
from local.azure.operations import status_body
from local.azure.private_link import Wanted
from local.azure.providers.base import Provider, envelope, location_of, require, system_data
from local.azure.providers.target import TargetProvider
from local.azure.router import Call, route
from local.azure.state import Connection, Operation, Resource
from local.azure.wire import Answer, AzureError, Json, as_object, merge

VERSIONS = ("2021-01-01", "2021-08-27", "2022-02-01", "2022-07-07", "2022-11-11", "2022-12-29", "2023-05-02", "2023-08-15",
            "2024-04-13", "2025-02-14")  # fmt: skip
CREATION_SECONDS = 600
UPDATE_SECONDS = 60
APPEARS_SECONDS = 60
PROVISIONED_SECONDS = 180
DELETION_SECONDS = 60
DECISION_SECONDS = 35
_MESSAGE_LENGTH = 140


class Clusters(TargetProvider):
    """Data Explorer clusters."""

    type = "Microsoft.Kusto/Clusters"
    connection_type = "Microsoft.Kusto/Clusters/PrivateEndpointConnections"
    versions = VERSIONS
    groups = {"cluster": ("Engine", "DataManagement")}  # noqa: RUF012  # a table
    zones = {"cluster": ("privatelink.westeurope.kusto.windows.net",)}  # noqa: RUF012  # a table

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
        return Answer(201, self.show(resource), self._headers(call, resource, operation), finished=False)

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
        return Answer(202, self.show(resource), self._headers(call, resource, operation), finished=False)

    def running(self, key: str) -> None:
        """A cluster's creation or update has ended."""
        resource = self.state.resource(key)
        if resource is not None:
            resource.properties.update(provisioningState="Succeeded", state="Running")
            self.changed(resource)

    def operation(self, call: Call) -> Answer:
        """GET of an operation."""
        operation = self.cloud.operations.get(call.path.names[1])
        return Answer(200, {"id": call.path.text, **status_body(operation)})

    def remove(self, resource: Resource) -> None:
        """A cluster goes with its managed endpoints, and their private endpoints and connections."""
        for endpoint in self.state.children(resource.key, ManagedEndpoints.type):
            self.cloud.links.delete_managed(endpoint.body.get("endpoint", ""))
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
        target = self.top(call)
        body = {
            "id": f"{connection.target}/PrivateEndpointConnections/{connection.name}",
            "name": connection.name,
            "type": self.connection_type,
            "properties": {**call.body, "provisioningState": "Accepted"},
        }
        return Answer(200, body, self._headers(call, target, operation), finished=False)

    def decided(self, target: str, name: str, status: str, description: str) -> None:
        """A decision shows at last."""
        connection = self.state.connection(target, name)
        if connection is not None:
            self.set_state(connection, status, description, "Succeeded")

    def _headers(self, call: Call, resource: Resource, operation: Operation) -> dict[str, str]:
        return operation_headers(call, resource.body["location"], operation)


class ManagedEndpoints(Provider):
    """Managed private endpoints of a cluster: the requester's side of a connection."""

    type = "Microsoft.Kusto/Clusters/ManagedPrivateEndpoints"

    def show(self, resource: Resource) -> Json:
        """The endpoint as the guide shows it; no connection state."""
        cluster = resource.id.split("/")[8]
        return {
            "id": resource.id,
            "name": f"{cluster}/{resource.name}",
            "type": self.type,
            "location": "DummyLocation",
            "systemData": system_data(resource),
            "properties": resource.properties,
        }

    def cluster(self, call: Call) -> Resource:
        """The cluster that a call lies under."""
        cluster_id = f"{call.path.scope}/providers/{Clusters.type}/{call.path.names[0]}"
        return require(self.cloud, call, cluster_id, Clusters.type)

    def find(self, call: Call) -> Resource:
        """The managed endpoint that a call names."""
        self.cluster(call)
        return require(self.cloud, call, call.id, self.type)

    def get(self, call: Call) -> Answer:
        """GET of one."""
        return Answer(200, self.show(self.find(call)))

    def list(self, call: Call) -> Answer:
        """GET of all."""
        found = self.state.children(self.cluster(call).key, self.type)
        return Answer(200, {"value": [self.show(endpoint) for endpoint in found]})

    def put(self, call: Call) -> Answer:
        """PUT: 201 with `Creating`; the connection appears at the target after a while, the end comes after minutes."""
        cluster = self.cluster(call)
        properties = as_object(call.body.get("properties"))
        target, group = properties.get("privateLinkResourceId"), properties.get("groupId")
        message = str(properties.get("requestMessage") or "")
        if not isinstance(target, str) or not isinstance(group, str) or not target or not group:
            raise AzureError(400, "InvalidRequest", "privateLinkResourceId and groupId are required.")
        if len(message) > _MESSAGE_LENGTH:
            raise AzureError(400, "InvalidRequest", f"requestMessage is longer than {_MESSAGE_LENGTH} characters.")
        known = self.state.resource(call.id)
        if known is not None:
            return self._again(known, target, group, message)
        self.cloud.links.check(Wanted(target, group, message, call.id))
        kept = {
            "privateLinkResourceId": target,
            "privateLinkResourceRegion": cluster.body["location"],
            "groupId": group,
            "requestMessage": message,
            "provisioningState": "Creating",
        }
        resource, _ = self.keep(call, self.type, {"properties": kept})
        self.clock.after(APPEARS_SECONDS, "kusto.endpoint.appears", resource.key)
        operation = self.cloud.operations.start(call, PROVISIONED_SECONDS, "kusto.endpoint.provisioned", resource.key)
        headers = operation_headers(call, cluster.body["location"], operation)
        return Answer(201, self.show(resource), headers, finished=False)

    def patch(self, call: Call) -> Answer:
        """PATCH: as PUT, with what is not in the body as it was."""
        return self._again(self.find(call), "", "", as_object(call.body.get("properties")).get("requestMessage"))

    def delete(self, call: Call) -> Answer:
        """DELETE: 202; then endpoint, private endpoint and connection are gone."""
        cluster = self.cluster(call)
        resource = self.state.resource(call.id)
        if resource is None:
            return Answer(204)
        resource.properties["provisioningState"] = "Deleting"
        operation = self.cloud.operations.start(call, DELETION_SECONDS, "kusto.endpoint.deleted", resource.key)
        return Answer(202, None, operation_headers(call, cluster.body["location"], operation), finished=False)

    def appears(self, key: str) -> None:
        """The private endpoint is made: its connection is pending at the target."""
        resource = self.state.resource(key)
        if resource is None or resource.properties["provisioningState"] != "Creating":
            return
        wanted = Wanted(
            resource.properties["privateLinkResourceId"],
            resource.properties["groupId"],
            resource.properties["requestMessage"],
            resource.id,
        )
        cluster = self.state.resource(resource.id.rpartition("/ManagedPrivateEndpoints/")[0])
        region = cluster.body["location"] if cluster else "westeurope"
        try:
            name = f"{resource.name}.{uuid.uuid4()}"
            resource.body["endpoint"] = self.cloud.links.create_managed("kusto", region, name, wanted).id
        except AzureError:
            resource.properties["provisioningState"] = "Failed"  # the target has gone meanwhile

    def provisioned(self, key: str) -> None:
        """The managed endpoint is ready."""
        resource = self.state.resource(key)
        if resource is not None and resource.properties["provisioningState"] in ("Creating", "Updating"):
            resource.properties["provisioningState"] = "Succeeded"
            self.changed(resource)

    def deleted(self, key: str) -> None:
        """The managed endpoint is gone, with all that was made for it."""
        resource = self.state.resource(key)
        if resource is not None:
            self.cloud.links.delete_managed(resource.body.get("endpoint", ""))
            self.remove(resource)

    def _again(self, resource: Resource, target: str, group: str, message: object) -> Answer:
        same = (target.lower(), group.lower()) in (
            ("", ""),
            (resource.properties["privateLinkResourceId"].lower(), resource.properties["groupId"].lower()),
        )
        if not same:
            raise AzureError(
                400, "InvalidRequest", "privateLinkResourceId and groupId of an endpoint cannot be changed."
            )
        if message is not None:
            resource.properties["requestMessage"] = str(message)
        self.changed(resource)
        return Answer(200, self.show(resource))


def operation_headers(call: Call, location: str, operation: Operation) -> dict[str, str]:
    """Azure-AsyncOperation alone, as Kusto sends it."""
    url = (
        f"{call.host}/subscriptions/{call.path.subscription}/providers/Microsoft.Kusto/locations/{location}"
        f"/operationResults/{operation.id}?api-version={call.api_version}"
    )
    return {"Azure-AsyncOperation": url}


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
    clusters, endpoints = Clusters(cloud), ManagedEndpoints(cloud)
    managed = f"{Clusters.type}/{{}}/ManagedPrivateEndpoints"
    cloud.router.add(
        [
            route(Clusters.type, VERSIONS, GET=clusters.list),
            route(f"{Clusters.type}/{{}}", VERSIONS, GET=clusters.get, PUT=clusters.put, PATCH=clusters.patch,
                  DELETE=clusters.delete),
            route("Microsoft.Kusto/locations/{}/operationResults/{}", VERSIONS, GET=clusters.operation),
            route(managed, VERSIONS, GET=endpoints.list),
            route(f"{managed}/{{}}", VERSIONS, GET=endpoints.get, PUT=endpoints.put, PATCH=endpoints.patch,
                  DELETE=endpoints.delete),
            *clusters.connection_routes(),
        ]
    )  # fmt: skip
    cloud.links.register(clusters)
    cloud.clock.on("kusto.running", clusters.running)
    cloud.clock.on("kusto.decided", clusters.decided)
    cloud.clock.on("kusto.endpoint.appears", endpoints.appears)
    cloud.clock.on("kusto.endpoint.provisioned", endpoints.provisioned)
    cloud.clock.on("kusto.endpoint.deleted", endpoints.deleted)
    cloud.show_with(Clusters.type, clusters.show)
    cloud.show_with(ManagedEndpoints.type, endpoints.show)
