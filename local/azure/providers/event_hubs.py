"""Microsoft.EventHub: namespaces as they are on the wire (docs/azure-on-the-wire.md).

Their oddities: connections are bare GUIDs and show `groupIds`; an approval is answered with 202, `Updating` and only an
Azure-AsyncOperation, the new status showing at once; the rule set's PUT replaces everything and opens the namespace again
when it does not say otherwise; namespace and rule set share one publicNetworkAccess.
"""

from __future__ import annotations

import uuid

from local.azure.cloud import Cloud
from local.azure.operations import status_body
from local.azure.providers.base import envelope, location_of
from local.azure.providers.target import TargetProvider
from local.azure.router import Call, Route, route
from local.azure.state import Connection, Resource
from local.azure.wire import Answer, AzureError, Json, as_object, merge, objects

VERSIONS = ("2018-01-01-preview", "2021-06-01-preview", "2021-11-01", "2022-10-01-preview", "2024-01-01",
            "2025-05-01-preview", "2026-01-01", "2026-07-01-preview")  # fmt: skip
CREATION_SECONDS = 30
SETTLING_SECONDS = 20
_WORKING = {"Update": "Updating", "Delete": "Deleting"}
_ACCESS = ("Enabled", "Disabled", "SecuredByPerimeter")


class Namespaces(TargetProvider):
    """Event Hubs namespaces; Service Bus namespaces have the same shapes under another type."""

    type = "Microsoft.EventHub/namespaces"
    shown_type = "Microsoft.EventHub/Namespaces"
    connection_type = "Microsoft.EventHub/Namespaces/PrivateEndpointConnections"
    versions: tuple[str, ...] = VERSIONS
    tier = "Standard"
    shows_action = ""
    pages_connections = True
    groups = {"namespace": ("namespace",)}  # noqa: RUF012  # a table
    zones = {"namespace": ("privatelink.servicebus.windows.net",)}  # noqa: RUF012  # a table

    def show(self, resource: Resource) -> Json:
        """The namespace; its connections are shown too, as newer api-versions do."""
        properties = {name: value for name, value in resource.properties.items() if name != "networkRuleSet"}
        connections = [self.show_connection(connection) for connection in self.state.connections(resource.key)]
        if connections:
            properties["privateEndpointConnections"] = connections
        return {**envelope(resource, self.shown_type), "properties": properties}

    def put(self, call: Call) -> Answer:
        """PUT: 201 with `Creating` for a new namespace, 200 for a known one."""
        known = self.state.resource(call.id)
        if known is not None:
            return self._update(known, call.body)
        body = call.body
        location = location_of(body)
        name = call.path.names[0]
        if self.state.named(self.type, name):
            raise AzureError(409, "NamespaceAlreadyExists", f"The specified name '{name[:64]}' is not available.")
        sku = {"name": self.tier, "tier": self.tier, "capacity": 1, **as_object(body.get("sku"))}
        properties = merge(self._defaults(name), as_object(body.get("properties")))
        kept = {
            "location": location,
            "tags": as_object(body.get("tags")),
            "sku": sku,
            "identity": body.get("identity"),
            "properties": _checked(properties),
        }
        resource, _ = self.keep(call, self.type, kept)
        self.cloud.operations.start(call, CREATION_SECONDS, f"{self.type}.ready", resource.key)
        return Answer(201, self.show(resource), finished=False)

    def patch(self, call: Call) -> Answer:
        """PATCH: the properties in the body change."""
        return self._update(self.top(call), call.body)

    def get_rules(self, call: Call) -> Answer:
        """GET of the network rule set `default`."""
        resource = self.top(call)
        return Answer(200, self._show_rules(resource, self._rule_set_name(call)))

    def list_rules(self, call: Call) -> Answer:
        """GET of all network rule sets: the one."""
        return Answer(200, {"value": [self._show_rules(self.top(call), "default")]})

    def put_rules(self, call: Call) -> Answer:
        """PUT of the network rule set: replaces it; publicNetworkAccess left out means Enabled."""
        resource = self.top(call)
        name = self._rule_set_name(call)
        given = as_object(call.body.get("properties"))
        if given.get("defaultAction", "Allow") not in ("Allow", "Deny"):
            raise AzureError(400, "BadRequest", "defaultAction must be Allow or Deny.")
        networks = [
            {"subnet": {"id": as_object(rule.get("subnet")).get("id", "")},
             "ignoreMissingVnetServiceEndpoint": bool(rule.get("ignoreMissingVnetServiceEndpoint"))}
            for rule in objects(given.get("virtualNetworkRules"), "virtualNetworkRules")
        ]  # fmt: skip
        resource.properties["networkRuleSet"] = {
            "defaultAction": given.get("defaultAction", "Allow"),
            "virtualNetworkRules": networks,
            "ipRules": [{"action": "Allow", **rule} for rule in objects(given.get("ipRules"), "ipRules")],
            "trustedServiceAccessEnabled": bool(given.get("trustedServiceAccessEnabled", False)),
        }
        resource.properties["publicNetworkAccess"] = given.get("publicNetworkAccess") or "Enabled"
        _checked(resource.properties)
        self.changed(resource)
        return Answer(200, self._show_rules(resource, name))

    def connection_name(self, target: Resource, endpoint_name: str) -> str:
        """A bare GUID."""
        del target, endpoint_name
        return str(uuid.uuid4())

    def show_connection(self, connection: Connection) -> Json:
        """A connection with its `groupIds` (real answers have them, the OpenAPI does not) and the location."""
        shown = super().show_connection(connection)
        shown["properties"]["groupIds"] = [connection.group]
        target = self.state.resource(connection.target)
        return {**shown, "location": target.body["location"] if target else ""}

    def decide(self, call: Call, connection: Connection, status: str, description: str) -> Answer:
        """202: the status is new at once, the provisioning state is Updating until the operation ends."""
        if connection.provisioning == "Updating":
            message = f"Another operation on '{connection.name}' is in progress. Try again later."
            raise AzureError(409, "Conflict", message)
        if connection.status == "Rejected":
            message = f"The private endpoint connection '{connection.name}' is Rejected and cannot be changed."
            raise AzureError(400, "BadRequest", message)
        self.set_state(connection, status, description, "Updating")
        return self._accepted(call, connection, "Update", "settled")

    def delete_connection(self, call: Call) -> Answer:
        """202, then gone."""
        connection = self.state.connection(self.top(call).key, call.path.names[1])
        if connection is None:
            return Answer(204)
        connection.provisioning = "Deleting"
        return self._accepted(call, connection, "Delete", "deleted")

    def _accepted(self, call: Call, connection: Connection, kind: str, job: str) -> Answer:
        arguments = (f"{self.type}.{job}", connection.target, connection.name)
        operation = self.cloud.operations.start(
            call, SETTLING_SECONDS, *arguments, working=_WORKING[kind], name=connection.name
        )
        url = (
            f"{call.host}{connection.target}/privateEndpointConnections/{connection.name}/operationStatus/"
            f"{operation.id}?api-version={call.api_version}&operationType={kind}"
        )
        return Answer(202, self.show_connection(connection), {"Azure-AsyncOperation": url}, finished=False)

    def operation_status(self, call: Call) -> Answer:
        """GET of an approval's or deletion's operation."""
        operation = self.cloud.operations.get(call.path.names[2])
        return Answer(200, {"id": call.path.text, **status_body(operation, call.path.names[1])})

    def ready(self, key: str) -> None:
        """A new namespace is active."""
        resource = self.state.resource(key)
        if resource is not None:
            resource.properties.update(provisioningState="Succeeded", status="Active")
            self.changed(resource)

    def settled(self, target: str, name: str) -> None:
        """A decision has settled."""
        connection = self.state.connection(target, name)
        if connection is not None:
            self.set_state(connection, connection.status, connection.description, "Succeeded")

    def deleted(self, target: str, name: str) -> None:
        """A deleted connection is gone."""
        connection = self.state.connection(target, name)
        if connection is not None:
            self.drop(connection)

    def _update(self, resource: Resource, body: Json) -> Answer:
        given = as_object(body.get("properties"))
        resource.body["properties"] = _checked(merge(resource.properties, given))
        for name in ("tags", "identity"):
            if body.get(name) is not None:
                resource.body[name] = body[name]
        if body.get("sku"):
            resource.body["sku"] = {**resource.body["sku"], **as_object(body["sku"])}
        resource.properties["updatedAt"] = self.clock.stamp()
        self.changed(resource)
        return Answer(200, self.show(resource))

    def _defaults(self, name: str) -> Json:
        now = self.clock.stamp()
        return {
            "disableLocalAuth": False,
            "zoneRedundant": False,
            "isAutoInflateEnabled": False,
            "maximumThroughputUnits": 0,
            "kafkaEnabled": True,
            "minimumTlsVersion": "1.2",
            "publicNetworkAccess": "Enabled",
            "provisioningState": "Creating",
            "status": "Activating",
            "metricId": f"{uuid.uuid4()}:{name}",
            "createdAt": now,
            "updatedAt": now,
            "serviceBusEndpoint": f"https://{name}.servicebus.windows.net:443/",
            "networkRuleSet": {
                "defaultAction": "Allow",
                "virtualNetworkRules": [],
                "ipRules": [],
                "trustedServiceAccessEnabled": False,
            },
        }

    def _show_rules(self, resource: Resource, name: str) -> Json:
        rules = {
            "publicNetworkAccess": resource.properties["publicNetworkAccess"],
            **resource.properties["networkRuleSet"],
        }
        return {
            "id": f"{resource.id}/networkRuleSets/{name}",
            "name": name,
            "type": f"{self.shown_type}/NetworkRuleSets",
            "location": resource.body["location"],
            "properties": rules,
        }

    def _rule_set_name(self, call: Call) -> str:
        name = call.path.names[1].lower()
        if name != "default":
            raise AzureError(
                404, "ResourceNotFound", f"There is no network rule set '{name[:64]}'; the only one is default."
            )
        return name

    def all_routes(self) -> list[Route]:
        """Every route of namespaces."""
        one = f"{self.type}/{{}}"
        handlers = {"GET": self.get, "PUT": self.put, "PATCH": self.patch, "DELETE": self.delete}
        status = f"{one}/privateEndpointConnections/{{}}/operationStatus/{{}}"
        rules = f"{one}/networkRuleSets"
        return [
            route(self.type, self.versions, GET=self.list),
            route(one, self.versions, **handlers),
            route(rules, self.versions, GET=self.list_rules),
            route(f"{rules}/{{}}", self.versions, GET=self.get_rules, PUT=self.put_rules),
            route(status, self.versions, GET=self.operation_status),
            *self.connection_routes(),
        ]

    def register(self) -> None:
        """Serve this type."""
        self.cloud.router.add(self.all_routes())
        self.cloud.links.register(self)
        for job in (self.ready, self.settled, self.deleted):
            self.clock.on(f"{self.type}.{job.__name__}", job)
        self.cloud.show_with(self.type, self.show)


def _checked(properties: Json) -> Json:
    if properties.get("publicNetworkAccess", "Enabled") not in _ACCESS:
        raise AzureError(400, "BadRequest", f"publicNetworkAccess must be one of {', '.join(_ACCESS)}.")
    return properties


def register(cloud: Cloud) -> None:
    """Serve Event Hubs namespaces."""
    Namespaces(cloud).register()
