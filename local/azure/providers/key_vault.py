"""Microsoft.KeyVault: vaults as they are on the wire (docs/azure-on-the-wire.md).

Their oddities: a decision is answered with 200, `Updating` and a new etag, and its operation's URL is the connection's own
with one parameter more; a GET of a connection that is not there is 204; writes while a connection is updated are 409
`ConflictError`; networkAcls are replaced as a whole (the harsher reading of what is not documented).
"""

from __future__ import annotations

import base64
import ipaddress
import uuid

from local.azure.cloud import Cloud
from local.azure.providers.base import envelope, location_of, system_data
from local.azure.providers.target import TargetProvider
from local.azure.router import Call, route
from local.azure.state import Connection, Resource
from local.azure.wire import Answer, AzureError, Json, as_object, objects
from shared.resource_id import fold

VERSIONS = ("2018-02-14", "2019-09-01", "2021-10-01", "2022-07-01", "2023-02-01", "2023-07-01", "2024-11-01", "2025-05-01",
            "2026-05-15")  # fmt: skip
CREATION_SECONDS = 30
DECISION_SECONDS = 18


class Vaults(TargetProvider):
    """Key vaults."""

    type = "Microsoft.KeyVault/vaults"
    connection_type = "Microsoft.KeyVault/vaults/privateEndpointConnections"
    versions = VERSIONS
    pages_connections = True
    groups = {"vault": ("default",)}  # noqa: RUF012  # a table
    zones = {"vault": ("privatelink.vaultcore.azure.net",)}  # noqa: RUF012  # a table

    def show(self, resource: Resource) -> Json:
        """The vault; its connections are shown in short, and only if there are any."""
        properties = dict(resource.properties)
        connections = self.state.connections(resource.key)
        if connections:
            properties["privateEndpointConnections"] = [self._short(connection) for connection in connections]
        return {**envelope(resource), "systemData": system_data(resource), "properties": properties}

    def put(self, call: Call) -> Answer:
        """PUT: 201 for a new vault, 200 for a known one, whose properties it replaces."""
        body, known = call.body, self.state.resource(call.id)
        given = as_object(body.get("properties"))
        if not given.get("tenantId") or not as_object(given.get("sku")).get("name"):
            raise AzureError(400, "BadRequest", "properties.tenantId and properties.sku are required.")
        if known is None and self.state.named(self.type, call.path.names[0]):
            message = f"The vault name '{call.path.names[0][:64]}' is already in use."
            raise AzureError(409, "VaultAlreadyExists", message)
        if known is not None:
            self._idle(known)
        name = call.path.names[0]
        properties = {
            "accessPolicies": [],
            "enabledForDeployment": False,
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": 90,
            "enableRbacAuthorization": False,
            "vaultUri": f"https://{name}.vault.azure.net/",
            "publicNetworkAccess": "Enabled",
            **_clean(given),
            "provisioningState": known.properties["provisioningState"] if known else "RegisteringDns",
        }
        kept = {"location": location_of(body), "tags": as_object(body.get("tags")), "properties": properties}
        resource, created = self.keep(call, self.type, kept)
        if created:
            self.clock.after(CREATION_SECONDS, "vault.registered", resource.key)
        return Answer(201 if created else 200, self.show(resource))

    def patch(self, call: Call) -> Answer:
        """PATCH: the properties in the body change, each as a whole."""
        resource = self.top(call)
        self._idle(resource)
        resource.properties.update(_clean(as_object(call.body.get("properties"))))
        if call.body.get("tags") is not None:
            resource.body["tags"] = call.body["tags"]
        self.changed(resource)
        return Answer(200, self.show(resource))

    def registered(self, key: str) -> None:
        """A new vault has its name."""
        resource = self.state.resource(key)
        if resource is not None:
            resource.properties["provisioningState"] = "Succeeded"
            self.changed(resource)

    def connection_name(self, target: Resource, endpoint_name: str) -> str:
        """`{private endpoint}-conn`; with a GUID where that is taken."""
        name = f"{endpoint_name}-conn"
        return name if self.state.connection(target.key, name) is None else f"{name}-{uuid.uuid4()}"

    def show_connection(self, connection: Connection) -> Json:
        """A connection with etag and location, as recorded."""
        target = self.state.resource(connection.target)
        shown = super().show_connection(connection)
        return {**shown, "etag": connection.etag, "location": target.body["location"] if target else ""}

    def list_connections(self, call: Call) -> Answer:
        """GET of all: on the last page nextLink is there and null, as in the official example."""
        answer = super().list_connections(call)
        answer.body.setdefault("nextLink", None)
        return answer

    def get_connection(self, call: Call) -> Answer:
        """GET of one: 204 where there is none. Also the URL of its own operation: the answer is the same."""
        connection = self.state.connection(self.top(call).key, call.path.names[1])
        return Answer(200, self.show_connection(connection)) if connection else Answer(204)

    def decide(self, call: Call, connection: Connection, status: str, description: str) -> Answer:
        """200 with `Updating`; the operation's URL is the connection's own with `kv-operation`."""
        self._idle(self.top(call))
        if connection.status not in ("Pending", status):
            message = f"The connection '{connection.name}' is {connection.status} and cannot become {status}."
            raise AzureError(400, "BadRequest", message)
        self.set_state(connection, status, description, "Updating")
        operation = self.cloud.operations.start(
            call, DECISION_SECONDS, "vault.settled", connection.target, connection.name
        )
        mark = base64.urlsafe_b64encode(operation.id.encode()).decode().rstrip("=")
        url = f"{call.host}{call.path.text}?api-version={call.api_version}&kv-operation={mark}"
        return Answer(200, self.show_connection(connection), {"Azure-AsyncOperation": url}, finished=False)

    def settled(self, target: str, name: str) -> None:
        """A decision has settled."""
        connection = self.state.connection(target, name)
        if connection is not None:
            self.set_state(connection, connection.status, connection.description, "Succeeded")

    def _idle(self, resource: Resource) -> None:
        """Raise 409 ConflictError while a connection of the vault is updated."""
        if any(connection.provisioning == "Updating" for connection in self.state.connections(resource.key)):
            message = f"A conflict occurred that prevented performing the operation on the vault '{resource.name}'."
            raise AzureError(409, "ConflictError", message)

    def _short(self, connection: Connection) -> Json:
        shown = self.show_connection(connection)
        return {"id": shown["id"], "etag": shown["etag"], "properties": shown["properties"]}


def _clean(properties: Json) -> Json:
    """Properties with networkAcls as the service writes them: addresses with their length, subnets in lower case."""
    acls = properties.get("networkAcls")
    if not isinstance(acls, dict):
        return properties
    if acls.get("defaultAction", "Allow") not in ("Allow", "Deny") or acls.get("bypass", "None") not in (
        "None",
        "AzureServices",
    ):
        raise AzureError(400, "BadRequest", "networkAcls.defaultAction or networkAcls.bypass is not valid.")
    try:
        addresses = [{"value": str(ipaddress.ip_network(rule["value"]))} for rule in acls.get("ipRules") or []]
    except (ValueError, KeyError, TypeError) as error:
        raise AzureError(400, "BadRequest", f"networkAcls.ipRules: {error}") from error
    networks = [
        {**rule, "id": fold(str(rule.get("id", "")))}
        for rule in objects(acls.get("virtualNetworkRules"), "virtualNetworkRules")
    ]
    clean = {
        "bypass": acls.get("bypass", "AzureServices"),
        "defaultAction": acls.get("defaultAction", "Allow"),
        "ipRules": addresses,
        "virtualNetworkRules": networks,
    }
    return {**properties, "networkAcls": clean}


def register(cloud: Cloud) -> None:
    """Serve key vaults."""
    vaults = Vaults(cloud)
    handlers = {"GET": vaults.get, "PUT": vaults.put, "PATCH": vaults.patch, "DELETE": vaults.delete}
    cloud.router.add(
        [
            route(vaults.type, VERSIONS, GET=vaults.list),
            route(f"{vaults.type}/{{}}", VERSIONS, **handlers),
            *vaults.connection_routes(),
        ]
    )
    cloud.links.register(vaults)
    cloud.clock.on("vault.registered", vaults.registered)
    cloud.clock.on("vault.settled", vaults.settled)
    cloud.show_with(vaults.type, vaults.show)
