"""Microsoft.Synapse: workspaces in ARM, and their development endpoint where managed private endpoints live.

Oddities (docs/azure-on-the-wire.md): the endpoint has its own token audience; `connectionState`
is `{}` while an endpoint is made; the state follows the target's late; a missing one is 404 `UnknownError` with the truth
inside the message; `nextLink` is "".
"""

from __future__ import annotations

import json
import uuid

from local.azure import access, tenants
from local.azure.cloud import Cloud
from local.azure.private_link import Wanted
from local.azure.providers.base import Provider, envelope, location_of
from local.azure.providers.managed import ManagedEndpoints, Timing
from local.azure.router import Call, route
from local.azure.state import Connection, Resource
from local.azure.tenants import Caller
from local.azure.wire import Answer, AzureError, Json, Request, as_object, merge
from shared.resource_id import fold

VERSIONS = ("2019-06-01-preview", "2020-12-01", "2021-03-01", "2021-05-01", "2021-06-01", "2021-06-01-preview")
DATA_VERSIONS = ("2019-06-01-preview", "2020-12-01", "2021-06-01-preview")
AUDIENCE = "https://dev.azuresynapse.net"
CREATION_SECONDS = 300
WORKSPACE = "Microsoft.Synapse/workspaces"
MANAGED_ENDPOINT = f"{WORKSPACE}/managedVirtualNetworks/managedPrivateEndpoints"
_PERMISSION = f"{WORKSPACE}/managedPrivateEndpoint"


class WorkspaceEndpoints(ManagedEndpoints):
    """Managed private endpoints of a workspace."""

    service = "synapse"
    creating = "Provisioning"
    timing = Timing(appears=30, ready=75, deleted=30, lag=30)

    def owner(self, endpoint: Resource) -> Resource | None:
        """The workspace."""
        return self.state.resource(endpoint.id.partition("/managedVirtualNetworks/")[0])

    def endpoint_name(self, endpoint: Resource) -> str:
        """`<workspace>.<endpoint>`."""
        owner = self.owner(endpoint)
        return f"{owner.name if owner else ''}.{endpoint.name}"

    def message(self, endpoint: Resource) -> str:
        """None that anybody has chosen."""
        del endpoint
        return ""

    def connection_state(self, connection: Connection | None) -> Json:
        """`{}` until it is made."""
        if connection is None:
            return {}
        description = "" if connection.status == "Pending" else connection.description
        return {"status": connection.status, "description": description, "actionsRequired": ""}


class Workspaces(Provider):
    """Workspaces in ARM."""

    type = WORKSPACE

    def __init__(self, cloud: Cloud, endpoints: WorkspaceEndpoints) -> None:
        super().__init__(cloud)
        self._endpoints = endpoints

    def show(self, resource: Resource) -> Json:
        """The workspace with its endpoints' addresses; `dev` is where this local Azure serves it."""
        name = resource.name
        addresses = {
            "web": f"https://web.azuresynapse.net?workspace={resource.id}",
            "dev": f"{self.cloud.url}/synapse/{name}",
            "sqlOnDemand": f"{name}-ondemand.sql.azuresynapse.net",
            "sql": f"{name}.sql.azuresynapse.net",
        }
        return {**envelope(resource), "properties": {"connectivityEndpoints": addresses, **resource.properties}}

    def put(self, call: Call) -> Answer:
        """PUT: 202 with both headers for a new workspace, 200 for a known one."""
        body, known = call.body, self.state.resource(call.id)
        location = location_of(body)
        if known is None and self.state.named(self.type, call.path.names[0]):
            message = f"The workspace name '{call.path.names[0][:64]}' is already taken."
            raise AzureError(409, "WorkspaceNameUnavailable", message)
        before = known.properties if known else self._defaults(call)
        kept = {
            "location": location,
            "tags": as_object(body.get("tags")),
            "identity": body.get("identity"),
            "properties": merge(before, as_object(body.get("properties"))),
        }
        resource, created = self.keep(call, self.type, kept)
        if not created:
            return Answer(200, self.show(resource))
        operation = self.cloud.operations.start(call, CREATION_SECONDS, "synapse.created", resource.key)
        results = (
            f"{call.host}/subscriptions/{resource.subscription}/resourceGroups/{resource.group}/providers/{self.type}"
        )
        address = f"{results}/{resource.name}/{{}}/{operation.id}?api-version={call.api_version}"
        headers = {
            "Azure-AsyncOperation": address.format("operationStatuses"),
            "Location": address.format("operationResults"),
        }
        return Answer(202, self.show(resource), headers, finished=False)

    def operation(self, call: Call) -> Answer:
        """GET of a creation's operation."""
        operation = self.cloud.operations.get(call.path.names[1])
        body = {"id": operation.id, "name": operation.id, "status": operation.status, "startTime": operation.started_at}
        return Answer(200, {**body, "endTime": operation.ended_at} if operation.ended_at else body)

    def result(self, call: Call) -> Answer:
        """GET of a creation's result: 202 until it is there."""
        operation = self.cloud.operations.get(call.path.names[1])
        resource = self.state.resource(operation.resource)
        return Answer(200, self.show(resource)) if operation.ended_at and resource else Answer(202)

    def created(self, key: str) -> None:
        """A new workspace is there."""
        resource = self.state.resource(key)
        if resource is not None:
            resource.properties["provisioningState"] = "Succeeded"
            self.changed(resource)

    def remove(self, resource: Resource) -> None:
        """A workspace goes with its managed endpoints; its name is free again for everybody."""
        self._endpoints.discard(resource, MANAGED_ENDPOINT)
        super().remove(resource)

    def _defaults(self, call: Call) -> Json:
        return {
            "provisioningState": "Provisioning",
            "managedVirtualNetwork": "default",
            "publicNetworkAccess": "Enabled",
            "workspaceUID": str(uuid.uuid5(uuid.NAMESPACE_URL, call.path.key)),
            "privateEndpointConnections": [],
            "extraProperties": {"WorkspaceType": "Normal", "IsScopeEnabled": False},
        }


class DevelopmentEndpoint:
    """`{workspace}.dev.azuresynapse.net`, served here as `/synapse/{workspace}/...`."""

    def __init__(self, cloud: Cloud, endpoints: WorkspaceEndpoints) -> None:
        self._cloud = cloud
        self._state = cloud.state
        self._endpoints = endpoints

    def answer(self, request: Request) -> Answer:
        """GET, PUT and DELETE of managed private endpoints."""
        _, _, name, *path = request.path.rstrip("/").split("/")
        workspace = self._state.named(WORKSPACE, name)
        if workspace is None:
            raise AzureError(404, "WorkspaceNotFound", f"There is no workspace '{name[:64]}'.")
        self._authorize(request, workspace)
        if request.query.get("api-version") not in DATA_VERSIONS:
            raise AzureError(
                400, "UnsupportedApiVersion", f"The api-version must be one of {', '.join(DATA_VERSIONS)}."
            )
        match request.method, path:
            case "GET", ["managedVirtualNetworks", network, "managedPrivateEndpoints"]:
                found = self._state.children(self._network(workspace, network), MANAGED_ENDPOINT)
                return Answer(200, {"value": [_show(endpoint) for endpoint in found], "nextLink": ""})
            case "GET", ["managedVirtualNetworks", network, "managedPrivateEndpoints", endpoint]:
                return Answer(200, _show(self._find(workspace, network, endpoint)))
            case "PUT", ["managedVirtualNetworks", network, "managedPrivateEndpoints", endpoint]:
                return self._put(
                    request, workspace, f"{self._network(workspace, network)}/managedPrivateEndpoints/{endpoint}"
                )
            case "DELETE", ["managedVirtualNetworks", network, "managedPrivateEndpoints", endpoint]:
                self._endpoints.end(self._find(workspace, network, endpoint))
                return Answer(202)
        raise AzureError(404, "NotFound", "Only managed private endpoints are served here.")

    def _put(self, request: Request, workspace: Resource, endpoint_id: str) -> Answer:
        """200 with `Provisioning`, long before anything is there."""
        properties = as_object(request.json().get("properties"))
        target, group = properties.get("privateLinkResourceId"), properties.get("groupId")
        if not isinstance(target, str) or not isinstance(group, str):
            raise AzureError(400, "InvalidRequest", "privateLinkResourceId and groupId are required.")
        known = self._state.resource(endpoint_id)
        if known is not None:
            if fold(known.properties["privateLinkResourceId"]) != fold(target):
                raise AzureError(409, "ManagedPrivateEndpointInUse", "The target of an endpoint cannot be changed.")
            return Answer(200, _show(known))
        self._cloud.links.check(Wanted(target, group, "", endpoint_id))
        kept = {
            "name": endpoint_id.rpartition("/")[2],
            "privateLinkResourceId": target,
            "groupId": group,
            "fqdns": properties.get("fqdns") or [],
            "isReserved": False,
            "isCompliant": True,
        }
        endpoint = Resource(
            endpoint_id, MANAGED_ENDPOINT, {"properties": kept}, self._cloud.clock.stamp(), workspace.name
        )
        self._state.add(endpoint)
        self._endpoints.begin(endpoint)
        return Answer(200, _show(endpoint))

    def _find(self, workspace: Resource, network: str, name: str) -> Resource:
        found = self._state.resource(f"{self._network(workspace, network)}/managedPrivateEndpoints/{name}")
        if found is None:
            truth = {
                "code": "PrivateEndpointNotFound",
                "message": f"Managed private endpoint '{name[:64]}' was not found.",
            }
            raise AzureError(404, "UnknownError", json.dumps(truth))
        return found

    def _network(self, workspace: Resource, network: str) -> str:
        if fold(network) != fold(str(workspace.properties.get("managedVirtualNetwork", ""))):
            message = f"The workspace has no managed virtual network '{network[:64]}'."
            raise AzureError(404, "ManagedVirtualNetworkNotFound", message)
        return f"{workspace.id}/managedVirtualNetworks/{network}"

    def _authorize(self, request: Request, workspace: Resource) -> None:
        """A token for this audience, of the workspace's tenant, with the role that reads or writes endpoints.

        Raises:
            AzureError: 401 or 403.
        """
        caller: Caller | None = tenants.read(request.headers.get("Authorization", ""))
        if caller is None or caller.audience.rstrip("/") != AUDIENCE:
            raise AzureError(401, "AuthenticationFailed", "Token Authentication failed: a token for Synapse is needed.")
        permission = f"{_PERMISSION}/{'read' if request.method == 'GET' else 'write'}"
        tenant = self._state.subscriptions[workspace.subscription].tenant
        if caller.tenant != tenant or access.denied(self._state, caller, permission, workspace.id):
            message = (
                f"The principal '{caller.object_id}' does not have the required Synapse RBAC permission to perform this "
                f"action. Required permission: Action: {permission}, Scope: workspaces/{workspace.name}."
            )
            raise AzureError(403, "AccessControlUnauthorized", message)


def _show(endpoint: Resource) -> Json:
    return {"id": endpoint.id, "type": MANAGED_ENDPOINT, "name": endpoint.name, "properties": endpoint.properties}


def register(cloud: Cloud) -> None:
    """Serve workspaces and their development endpoints."""
    endpoints = WorkspaceEndpoints(cloud)
    workspaces = Workspaces(cloud, endpoints)
    one = f"{WORKSPACE}/{{}}"
    cloud.router.add(
        [
            route(WORKSPACE, VERSIONS, GET=workspaces.list),
            route(one, VERSIONS, GET=workspaces.get, PUT=workspaces.put, DELETE=workspaces.delete),
            route(f"{one}/operationStatuses/{{}}", VERSIONS, GET=workspaces.operation),
            route(f"{one}/operationResults/{{}}", VERSIONS, GET=workspaces.result),
        ]
    )
    cloud.clock.on("synapse.created", workspaces.created)
    cloud.show_with(WORKSPACE, workspaces.show)
    cloud.data_planes["synapse"] = DevelopmentEndpoint(cloud, endpoints).answer
