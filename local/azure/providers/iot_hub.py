"""Microsoft.Devices: IoT hubs as they are on the wire (docs/azure-on-the-wire.md).

Their oddities: errors are bare, with an integer code; connections have no provisioning state; publicNetworkAccess and
networkRuleSets are absent until set; only a PUT of the whole description, with If-Match, changes the firewall, and secrets
come back masked: a PUT of what a GET answered would store the mask.
"""

from __future__ import annotations

import copy
import re
import uuid
from http import HTTPStatus

from local.azure.cloud import Cloud
from local.azure.providers.base import envelope, location_of
from local.azure.providers.long_running import Form, LongRunning
from local.azure.providers.target import TargetProvider
from local.azure.router import Call, route
from local.azure.state import Connection, Resource
from local.azure.wire import Answer, AzureError, Json, as_object, merge

VERSIONS = ("2018-04-01", "2020-03-01", "2021-07-02", "2022-04-30-preview", "2023-06-30", "2023-06-30-preview")
CREATION_SECONDS = 60
UPDATE_SECONDS = 20
_SECRET = re.compile(r"(AccountKey|SharedAccessKey)=[^;]*")
_RULE_SET = ("defaultAction", "applyToBuiltInEventHubEndpoint", "ipRules")


class IotHubs(TargetProvider):
    """IoT hubs."""

    type = "Microsoft.Devices/IotHubs"
    connection_type = "Microsoft.Devices/IotHubs/PrivateEndpointConnections"
    versions = VERSIONS
    groups = {"iotHub": ("iotHub",)}  # noqa: RUF012  # a table
    zones = {"iotHub": ("privatelink.azure-devices.net", "privatelink.servicebus.windows.net")}  # noqa: RUF012  # a table

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        form = Form(
            "Microsoft.Devices", "operationResults", "operationResults", retry_after=15, query="&operationSource=os_ih"
        )
        self.long = LongRunning(cloud, form, VERSIONS)

    def show(self, resource: Resource) -> Json:
        """The hub with masked secrets; connections only if there are any."""
        properties = _masked(resource.properties)
        connections = [self.show_connection(connection) for connection in self.state.connections(resource.key)]
        if connections:
            properties["privateEndpointConnections"] = connections
        return {
            **envelope(resource),
            "etag": resource.body["etag"],
            "systemData": {"createdAt": resource.created_at},
            "properties": properties,
        }

    def put(self, call: Call) -> Answer:
        """PUT of the whole description: 201 for a new hub, 200 and If-Match for a known one; long-running."""
        body, known = call.body, self.state.resource(call.id)
        name = call.path.names[0]
        if known is None and self.state.named(self.type, name):
            raise _error(409, 409001, f"The name {name[:64]} is already in use.")
        if known is not None:
            self._idle(known)
            if call.request.headers.get("If-Match") not in (known.body["etag"], "*"):
                raise _error(412, 412001, "The etag in If-Match is not the hub's, or missing.")
        if not as_object(body.get("sku")).get("name"):
            raise _error(400, 400001, "The description has no sku.")
        given = as_object(body.get("properties"))
        rules = given.get("networkRuleSets")
        if rules is not None and not all(part in as_object(rules) for part in _RULE_SET):
            raise _error(400, 400002, f"networkRuleSets needs {', '.join(_RULE_SET)}.")
        properties = merge(_defaults(name), given)
        properties.update(state="Activating" if known is None else "Active", provisioningState="Transitioning")
        kept = {
            "location": location_of(body),
            "tags": as_object(body.get("tags")),
            "sku": {"tier": "Standard", "capacity": 1, **body["sku"]},
            "identity": body.get("identity"),
            "etag": _etag(),
            "properties": properties,
        }
        resource, created = self.keep(call, self.type, kept)
        seconds = CREATION_SECONDS if created else UPDATE_SECONDS
        operation = self.cloud.operations.start(call, seconds, "iothub.ready", resource.key)
        headers = self.long.headers(call, "", operation)
        return Answer(201 if created else 200, self.show(resource), headers, finished=False)

    def patch(self, call: Call) -> Answer:
        """PATCH: takes tags only."""
        resource = self.top(call)
        if set(call.body) - {"tags"}:
            raise _error(400, 400003, "Only tags can be patched.")
        resource.body["tags"] = as_object(call.body.get("tags"))
        resource.body["etag"] = _etag()
        self.changed(resource)
        return Answer(200, self.show(resource))

    def ready(self, key: str) -> None:
        """A creation or update has ended."""
        resource = self.state.resource(key)
        if resource is not None:
            resource.properties.update(state="Active", provisioningState="Succeeded")
            self.changed(resource)

    def list_connections(self, call: Call) -> Answer:
        """GET of all: `{"value": []}` on the wire; the bare array of the OpenAPI if /local/quirks says so."""
        shown = [self.show_connection(connection) for connection in self.state.connections(self.top(call).key)]
        return Answer(200, shown if self.cloud.quirks["iotHubBareList"] else {"value": shown})

    def connection_name(self, target: Resource, endpoint_name: str) -> str:
        """`{private endpoint}.{guid}`."""
        del target
        return f"{endpoint_name}.{uuid.uuid4()}"

    def show_connection(self, connection: Connection) -> Json:
        """A connection: its id has a capital P, and there is no provisioning state."""
        shown = super().show_connection(connection)
        del shown["properties"]["provisioningState"]
        return {**shown, "id": f"{connection.target}/PrivateEndpointConnections/{connection.name}"}

    def find_connection(self, call: Call) -> Connection:
        """The connection that a call names, or IoT Hub's own 404."""
        connection = self.state.connection(self.top(call).key, call.path.names[1])
        if connection is None:
            raise _error(404, 404001, f"The private endpoint connection {call.path.names[1][:128]} was not found.")
        return connection

    def decide(self, call: Call, connection: Connection, status: str, description: str) -> Answer:
        """201 with headers; the state changes when the operation ends."""
        hub = self.top(call)
        self._idle(hub)
        if not description:
            raise _error(400, 400004, "The description of a private endpoint connection is required.")
        if connection.status == "Rejected":
            raise _error(400, 400005, "A rejected private endpoint connection cannot be changed.")
        hub.properties["provisioningState"] = "Transitioning"
        then = ("iothub.decided", connection.target, connection.name, status, description)
        operation = self.cloud.operations.start(call, UPDATE_SECONDS, *then)
        return Answer(201, self.show_connection(connection), self.long.headers(call, "", operation), finished=False)

    def decided(self, target: str, name: str, status: str, description: str) -> None:
        """A decision is in force; it changes the hub's etag too."""
        connection = self.state.connection(target, name)
        if connection is not None:
            self.set_state(connection, status, description, "Succeeded")
        hub = self.state.resource(target)
        if hub is not None:
            hub.body["etag"] = _etag()
            self.ready(target)

    def show_link_resource(self, target: Resource, group: str) -> Json:
        """A sub-resource; its segment has a capital P here too."""
        shown = super().show_link_resource(target, group)
        return {**shown, "id": f"{target.id}/PrivateLinkResources/{group}", "type": f"{self.type}/PrivateLinkResources"}

    def _idle(self, hub: Resource) -> None:
        if hub.properties["provisioningState"] != "Succeeded":
            raise _error(409, 409002, f"The hub {hub.name} is in a transitional state. Try again later.")


def _defaults(name: str) -> Json:
    return {
        "ipFilterRules": [],
        "hostName": f"{name}.azure-devices.net",
        "eventHubEndpoints": {
            "events": {
                "retentionTimeInDays": 1,
                "partitionCount": 4,
                "partitionIds": ["0", "1", "2", "3"],
                "path": name,
                "endpoint": f"sb://ihsuprod{name}.servicebus.windows.net/",
            }
        },
        "routing": {
            "endpoints": {"serviceBusQueues": [], "serviceBusTopics": [], "eventHubs": [], "storageContainers": []},
            "routes": [],
        },
        "storageEndpoints": {"$default": {"sasTtlAsIso8601": "PT1H", "connectionString": "", "containerName": ""}},
        "enableFileUploadNotifications": False,
        "minTlsVersion": "1.2",
        "features": "None",
    }


def _masked(properties: Json) -> Json:
    """Properties with the keys in every connection string masked, as a GET shows them."""

    def mask(value: object) -> object:
        if isinstance(value, dict):
            return {name: mask(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [mask(inner) for inner in value]
        return _SECRET.sub(r"\1=****", value) if isinstance(value, str) else value

    shown: Json = copy.deepcopy(properties)
    for part in ("routing", "storageEndpoints"):
        shown[part] = mask(shown.get(part, {}))
    return shown


def _etag() -> str:
    return uuid.uuid4().hex[:10].upper() + "="


def _error(status: int, code: int, message: str) -> AzureError:
    body = {"code": code, "httpStatusCode": HTTPStatus(status).phrase.replace(" ", ""), "message": message}
    return AzureError(status, str(code), message, body=body)


def register(cloud: Cloud) -> None:
    """Serve IoT hubs."""
    hubs = IotHubs(cloud)
    handlers = {"GET": hubs.get, "PUT": hubs.put, "PATCH": hubs.patch, "DELETE": hubs.delete}
    cloud.router.add(
        [
            route(hubs.type, VERSIONS, GET=hubs.list),
            route(f"{hubs.type}/{{}}", VERSIONS, **handlers),
            *hubs.long.routes(),
            *hubs.connection_routes(),
        ]
    )
    cloud.links.register(hubs)
    cloud.clock.on("iothub.ready", hubs.ready)
    cloud.clock.on("iothub.decided", hubs.decided)
    cloud.show_with(hubs.type, hubs.show)
