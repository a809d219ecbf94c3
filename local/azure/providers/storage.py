"""Microsoft.Storage: storage accounts as they are on the wire (docs/azure-on-the-wire.md).

Their oddities: a connection is named `{account}.{guid}`, shows no sub-resource, and cannot be approved twice; networkAcls
merge field by field, lists replace; a new account is answered with 202 and no body. Rules get the default of `action`
(Allow, as the OpenAPI has it) when they are written; with the quirk `storageRulesAsGiven` a new account keeps and shows its
rules as they were given, and any later write fills it in.
"""

from __future__ import annotations

import re
import uuid

from local.azure.cloud import Cloud
from local.azure.operations import status_body
from local.azure.providers.base import envelope, location_of
from local.azure.providers.target import TargetProvider, wanted_state
from local.azure.router import Call, route
from local.azure.state import Connection, Resource
from local.azure.wire import Answer, AzureError, Json, as_object, invalid_content, merge, objects
from shared.resource_id import fold

VERSIONS = ("2019-06-01", "2021-09-01", "2022-09-01", "2023-01-01", "2023-05-01", "2024-01-01", "2025-01-01",
            "2025-06-01", "2025-08-01", "2026-09-01")  # fmt: skip
CREATION_SECONDS = 17
_SERVICES = ("blob", "table", "queue", "file", "web", "dfs")
_NAME = re.compile(r"[a-z0-9]{3,24}", re.ASCII)
_ACLS = {
    "resourceAccessRules": [],
    "bypass": "AzureServices",
    "virtualNetworkRules": [],
    "ipRules": [],
    "defaultAction": "Allow",
}


class StorageAccounts(TargetProvider):
    """Storage accounts."""

    type = "Microsoft.Storage/storageAccounts"
    connection_type = "Microsoft.Storage/storageAccounts/privateEndpointConnections"
    versions = VERSIONS
    shows_action = "actionRequired"
    groups = {name: (name,) for service in _SERVICES for name in (service, f"{service}_secondary")}  # noqa: RUF012
    zones = {  # noqa: RUF012  # a table, as groups is
        name: (f"privatelink.{service}.core.windows.net",)
        for service in _SERVICES
        for name in (service, f"{service}_secondary")
    }

    def show(self, resource: Resource) -> Json:
        """The account with everything that a GET answers."""
        properties = dict(resource.properties)
        properties["privateEndpointConnections"] = [
            self.show_connection(connection) for connection in self.state.connections(resource.key)
        ]
        return {**envelope(resource), "properties": properties}

    def put(self, call: Call) -> Answer:
        """PUT: a new account (202, then Location), or an update of what is there (200)."""
        name, body = call.path.names[0], call.body
        known = self.state.resource(call.id)
        if known is not None:
            return self._update(known, body)
        if not _NAME.fullmatch(name):
            message = f"{name[:64]} is not a valid storage account name. 3 to 24 lower-case letters and digits only."
            raise AzureError(400, "AccountNameInvalid", message)
        if self.state.named(self.type, name):
            message = f"The storage account named {name} is already taken."
            raise AzureError(409, "StorageAccountAlreadyTaken", message)
        location = location_of(body)
        properties = merge(self._defaults(name, location), _given(body))
        kept = {
            "location": location,
            "tags": as_object(body.get("tags")),
            "sku": {"tier": "Standard", **(as_object(body.get("sku")) or {"name": "Standard_LRS"})},
            "kind": body.get("kind") or "StorageV2",
            "identity": body.get("identity"),
            "properties": properties if self.cloud.quirks["storageRulesAsGiven"] else _clean(properties),
        }
        resource, _ = self.keep(call, self.type, kept)
        operation = self.cloud.operations.start(call, CREATION_SECONDS, "storage.created", resource.key)
        url = (
            f"{call.host}/subscriptions/{resource.subscription}/providers/Microsoft.Storage/locations/{location}"
            f"/asyncoperations/{operation.id}?monitor=true&api-version={call.api_version}"
        )
        headers = {"Location": url, "Retry-After": str(self.clock.wait(CREATION_SECONDS))}
        return Answer(202, None, headers, finished=False)

    def patch(self, call: Call) -> Answer:
        """PATCH: only what is in the body changes; networkAcls merge field by field."""
        return self._update(self.top(call), call.body)

    def operation(self, call: Call) -> Answer:
        """The Location of a new account: 202 until it is there, then the account."""
        operation = self.cloud.operations.get(call.path.names[1])
        if not operation.ended_at:
            url = f"{call.host}{call.path.text}?monitor=true&api-version={call.api_version}"
            return Answer(202, None, {"Location": url, "Retry-After": str(self.clock.wait(CREATION_SECONDS))})
        resource = self.state.resource(operation.resource)
        return Answer(200, self.show(resource) if resource else status_body(operation))

    def keys(self, call: Call) -> Answer:
        """POST listKeys: two keys that open nothing."""
        resource = self.top(call)
        keys = [
            {"keyName": f"key{n}", "value": uuid.uuid5(uuid.NAMESPACE_URL, f"{resource.key}{n}").hex, "permissions": "FULL",
             "creationTime": resource.created_at}
            for n in (1, 2)
        ]  # fmt: skip
        return Answer(200, {"keys": keys})

    def connection_name(self, target: Resource, endpoint_name: str) -> str:
        """`{account}.{guid}`."""
        del endpoint_name  # it does not show
        return f"{target.name}.{uuid.uuid4()}"

    def decide(self, call: Call, connection: Connection, status: str, description: str) -> Answer:
        """200 at once; an approved or rejected connection takes no second decision of the same kind."""
        properties = as_object(call.body.get("properties"))
        endpoint = as_object(properties.get("privateEndpoint")).get("id")
        if endpoint is not None and fold(str(endpoint)) != fold(connection.endpoint):
            raise _invalid("privateEndpoint.id")
        if connection.status == status or connection.status not in ("Pending", "Approved"):
            raise _invalid("privateLinkServiceConnectionState.status")
        self.set_state(connection, status, description, "Succeeded")
        return Answer(200, self.show_connection(connection))

    def put_connection(self, call: Call) -> Answer:
        """PUT of a connection; the description may be left out."""
        connection = self.find_connection(call)
        try:
            status, description = wanted_state(call.body)
        except AzureError as error:
            raise _invalid("privateLinkServiceConnectionState.status") from error
        return self.decide(call, connection, status, description or connection.description)

    def _update(self, resource: Resource, body: Json) -> Answer:
        properties = _clean(merge(resource.properties, _given(body)))
        for name in ("tags", "identity", "kind"):
            if body.get(name) is not None:
                resource.body[name] = body[name]
        if as_object(body.get("sku")).get("name"):
            resource.body["sku"] = {**resource.body["sku"], **body["sku"]}
        resource.body["properties"] = properties
        self.changed(resource)
        return Answer(200, self.show(resource))

    def _defaults(self, name: str, location: str) -> Json:
        now = self.clock.stamp()
        service = {"keyType": "Account", "enabled": True, "lastEnabledTime": now}
        return {
            "keyCreationTime": {"key1": now, "key2": now},
            "minimumTlsVersion": "TLS1_2",
            "allowBlobPublicAccess": False,
            "networkAcls": _ACLS,
            "supportsHttpsTrafficOnly": True,
            "encryption": {"services": {"file": service, "blob": service}, "keySource": "Microsoft.Storage"},
            "accessTier": "Hot",
            "provisioningState": "Creating",
            "creationTime": now,
            "primaryEndpoints": {one: f"https://{name}.{one}.core.windows.net/" for one in _SERVICES},
            "primaryLocation": location,
            "statusOfPrimary": "available",
        }

    def created(self, key: str) -> None:
        """The new account is there."""
        resource = self.state.resource(key)
        if resource is not None:
            resource.properties["provisioningState"] = "Succeeded"
            self.changed(resource)


def _given(body: Json) -> Json:
    """The properties that a body really gives: null is nothing, and connections are written elsewhere."""
    properties = as_object(body.get("properties"))
    given = {n: v for n, v in properties.items() if v is not None and n != "privateEndpointConnections"}
    if not isinstance(given.get("networkAcls", {}), dict):
        raise invalid_content("networkAcls is not an object")
    if given.get("networkAcls", {}).get("defaultAction", "Allow") not in ("Allow", "Deny"):
        raise _invalid("networkAcls.defaultAction")
    if given.get("publicNetworkAccess", "Enabled") not in ("Enabled", "Disabled", "SecuredByPerimeter"):
        raise _invalid("publicNetworkAccess")
    return given


def _clean(properties: Json) -> Json:
    """Network rules with the defaults that the service fills in."""
    acls = properties["networkAcls"]
    rules = [{"action": "Allow", **rule} for rule in objects(acls.get("ipRules"), "ipRules")]
    networks = objects(acls.get("virtualNetworkRules"), "virtualNetworkRules")
    networks = [{"action": "Allow", "state": "Succeeded", **rule} for rule in networks]
    return {**properties, "networkAcls": {**acls, "ipRules": rules, "virtualNetworkRules": networks}}


def _invalid(name: str) -> AzureError:
    message = f"Values for request parameters are invalid: {name}."
    return AzureError(400, "InvalidValuesForRequestParameters", message)


def register(cloud: Cloud) -> None:
    """Serve storage accounts."""
    accounts = StorageAccounts(cloud)
    one = f"{accounts.type}/{{}}"
    handlers = {"GET": accounts.get, "PUT": accounts.put, "PATCH": accounts.patch, "DELETE": accounts.delete}
    cloud.router.add(
        [
            route(accounts.type, VERSIONS, GET=accounts.list),
            route(one, VERSIONS, **handlers),
            route(f"{one}/listKeys", VERSIONS, POST=accounts.keys),
            route("Microsoft.Storage/locations/{}/asyncoperations/{}", VERSIONS, GET=accounts.operation),
            *accounts.connection_routes(),
        ]
    )
    cloud.links.register(accounts)
    cloud.clock.on("storage.created", accounts.created)
    cloud.show_with(accounts.type, accounts.show)
