"""Microsoft.Kusto: the managed private endpoints of a cluster, the requester's side of a connection.

Their oddities (docs/azure-on-the-wire.md): ids say `/Clusters/`; an endpoint is named `cluster/endpoint`, shows no
connection state and takes three minutes.
"""

from __future__ import annotations

import uuid

from local.azure.cloud import Cloud
from local.azure.private_link import Wanted
from local.azure.providers.base import require, system_data
from local.azure.providers.long_running import Form, LongRunning
from local.azure.providers.managed import ManagedEndpoints, Timing
from local.azure.router import Call, route
from local.azure.state import Resource
from local.azure.wire import Answer, AzureError, Json, as_object
from shared.resource_id import fold

VERSIONS = (
    "2021-08-27",
    "2022-02-01",
    "2022-07-07",
    "2022-11-11",
    "2022-12-29",
    "2023-05-02",
    "2023-08-15",
    "2024-04-13",
    "2025-02-14",
)
CLUSTER = "Microsoft.Kusto/Clusters"
_MESSAGE_LENGTH = 140


class ClusterEndpoints(ManagedEndpoints):
    """Managed private endpoints of a cluster: the requester's side of a connection."""

    type = "Microsoft.Kusto/Clusters/ManagedPrivateEndpoints"
    service = "kusto"
    creating = "Creating"
    timing = Timing(appears=60, ready=180, deleted=60, lag=0)

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self.long = LongRunning(cloud, Form("Microsoft.Kusto", "locations/{}/operationResults"), VERSIONS)

    def show(self, endpoint: Resource) -> Json:
        """The endpoint as the guide shows it; no connection state."""
        cluster = endpoint.id.split("/")[8]
        return {
            "id": endpoint.id,
            "name": f"{cluster}/{endpoint.name}",
            "type": self.type,
            "location": "DummyLocation",
            "systemData": system_data(endpoint),
            "properties": endpoint.properties,
        }

    def owner(self, endpoint: Resource) -> Resource | None:
        """The cluster."""
        return self.state.resource(endpoint.id.rpartition("/ManagedPrivateEndpoints/")[0])

    def endpoint_name(self, endpoint: Resource) -> str:
        """`{endpoint}.{guid}`: all that is known of the real name is that the endpoint's is in it."""
        return f"{endpoint.name}.{uuid.uuid4()}"

    def message(self, endpoint: Resource) -> str:
        """The requester's own message."""
        return str(endpoint.properties["requestMessage"])

    def cluster(self, call: Call) -> Resource:
        """The cluster that a call lies under."""
        cluster_id = f"{call.path.scope}/providers/{CLUSTER}/{call.path.names[0]}"
        return require(self.cloud, call, cluster_id, CLUSTER)

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
            return self._again(known, properties)
        self.cloud.links.check(Wanted(target, group, message, call.id))
        kept = {
            "privateLinkResourceId": target,
            "privateLinkResourceRegion": properties.get("privateLinkResourceRegion") or cluster.body["location"],
            "groupId": group,
            "requestMessage": message,
        }
        endpoint = Resource(call.id, self.type, {"properties": kept}, self.clock.stamp(), call.caller.object_id)
        self.state.add(endpoint)
        self.begin(endpoint)
        operation = self.cloud.operations.start(call, self.timing.ready)
        headers = self.long.headers(call, cluster.body["location"], operation)
        return Answer(201, self.show(endpoint), headers, finished=False)

    def patch(self, call: Call) -> Answer:
        """PATCH: as PUT, with what is not in the body as it was."""
        return self._again(self.find(call), as_object(call.body.get("properties")))

    def delete(self, call: Call) -> Answer:
        """DELETE: 202; then endpoint, private endpoint and connection are gone."""
        cluster = self.cluster(call)
        endpoint = self.state.resource(call.id)
        if endpoint is None:
            return Answer(204)
        self.end(endpoint)
        operation = self.cloud.operations.start(call, self.timing.deleted)
        return Answer(202, None, self.long.headers(call, cluster.body["location"], operation), finished=False)

    def _again(self, endpoint: Resource, properties: Json) -> Answer:
        """Only the message of an endpoint can be changed; the connection keeps the one that it was asked for with."""
        for name in ("privateLinkResourceId", "groupId"):
            if fold(str(properties.get(name, endpoint.properties[name]))) != fold(endpoint.properties[name]):
                raise AzureError(400, "InvalidRequest", f"{name} of a managed private endpoint cannot be changed.")
        endpoint.properties["requestMessage"] = str(
            properties.get("requestMessage", endpoint.properties["requestMessage"])
        )
        endpoint.changed_at = self.clock.stamp()
        return Answer(200, self.show(endpoint))


def register(cloud: Cloud) -> ClusterEndpoints:
    """Serve managed private endpoints."""
    endpoints = ClusterEndpoints(cloud)
    managed = f"{CLUSTER}/{{}}/ManagedPrivateEndpoints"
    one = {"GET": endpoints.get, "PUT": endpoints.put, "PATCH": endpoints.patch, "DELETE": endpoints.delete}
    cloud.router.add(
        [
            *endpoints.long.routes(),
            route(managed, VERSIONS, GET=endpoints.list),
            route(f"{managed}/{{}}", VERSIONS, **one),
        ]
    )
    cloud.show_with(ClusterEndpoints.type, endpoints.show)
    return endpoints
