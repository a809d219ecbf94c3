"""Microsoft.Sql: logical servers as they are on the wire (docs/azure-on-the-wire.md).

Their oddities: a connection is `Ready` while it is pending and `Approving` while it is approved; only a pending one takes a
decision; answers in between are `{"operation", "startTime"}`; the copy in the server's own GET is shorter; public access
cannot be disabled before a private endpoint works (42102); a PUT on the collection of firewall rules replaces them all.
"""

from __future__ import annotations

import uuid

from local.azure.cloud import Cloud
from local.azure.providers import sql_networks
from local.azure.providers.base import envelope, location_of, paged, require
from local.azure.providers.long_running import Form, LongRunning
from local.azure.providers.target import TargetProvider
from local.azure.router import Call, route
from local.azure.state import Connection, Resource
from local.azure.wire import Answer, AzureError, Json, as_object, merge, objects

VERSIONS = ("2018-06-01-preview", "2021-02-01-preview", "2021-11-01", "2022-05-01-preview", "2023-08-01",
            "2024-05-01-preview", "2025-01-01")  # fmt: skip
FIREWALL_RULE = "Microsoft.Sql/servers/firewallRules"
CREATION_SECONDS = 60
UPDATE_SECONDS = 15
DECISION_SECONDS = 20


class Servers(TargetProvider):
    """SQL servers and their firewall rules."""

    type = "Microsoft.Sql/servers"
    connection_type = "Microsoft.Sql/servers/privateEndpointConnections"
    versions = VERSIONS
    pages_connections = True
    groups = {"sqlServer": ("sqlServer",)}  # noqa: RUF012  # a table
    zones = {"sqlServer": ("privatelink.database.windows.net",)}  # noqa: RUF012  # a table

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self.servers = LongRunning(cloud, _form("server"), VERSIONS)
        self.connections = LongRunning(cloud, _form("privateEndpointConnection"), VERSIONS)

    def show(self, resource: Resource) -> Json:
        """The server; of its connections only id and properties, without the sub-resource."""
        found = [self.show_connection(connection) for connection in self.state.connections(resource.key)]
        short = [
            {"id": one["id"], "properties": {k: v for k, v in one["properties"].items() if k != "groupIds"}}
            for one in found
        ]
        return {**envelope(resource), "properties": {**resource.properties, "privateEndpointConnections": short}}

    def put(self, call: Call) -> Answer:
        """PUT: 202 with what runs; the server can be used at once."""
        body, name = call.body, call.path.names[0]
        known = self.state.resource(call.id)
        if known is not None:
            return self.patch(call)
        if self.state.named(self.type, name):
            raise AzureError(
                409, "NameAlreadyExists", f"The name '{name[:64]}' already exists. Choose a different name."
            )
        given = {k: v for k, v in as_object(body.get("properties")).items() if k != "administratorLoginPassword"}
        defaults = {
            "fullyQualifiedDomainName": f"{name}.database.windows.net",
            "version": "12.0",
            "state": "Ready",
            "publicNetworkAccess": "Enabled",
            "restrictOutboundNetworkAccess": "Disabled",
            "minimalTlsVersion": "1.2",
        }
        kept = {
            "location": location_of(body),
            "tags": as_object(body.get("tags")),
            "kind": "v12.0",
            "identity": body.get("identity"),
            "properties": merge(defaults, given),
        }
        resource, _ = self.keep(call, self.type, kept)
        operation = self.cloud.operations.start(call, CREATION_SECONDS)
        headers = self.servers.headers(call, resource.body["location"], operation)
        return Answer(202, self._running("UpsertLogicalServer"), headers, finished=False)

    def patch(self, call: Call) -> Answer:
        """PATCH: 202; `Disabled` is refused while no approved private endpoint is Ready."""
        resource = self.top(call)
        given = as_object(call.body.get("properties"))
        ready = any(c.status == "Approved" and c.provisioning == "Ready" for c in self.state.connections(resource.key))
        if given.get("publicNetworkAccess") == "Disabled" and not ready:
            message = (
                "Unable to set Deny Public Network Access to Yes since there is no private endpoint enabled to access the "
                "server. Please set up private endpoints and retry the operation."
            )
            raise AzureError(400, "42102", message)
        resource.body["properties"] = merge(resource.properties, given)
        if call.body.get("tags") is not None:
            resource.body["tags"] = call.body["tags"]
        self.changed(resource)
        operation = self.cloud.operations.start(call, UPDATE_SECONDS)
        headers = self.servers.headers(call, resource.body["location"], operation)
        return Answer(202, self._running("UpdateLogicalServer"), headers, finished=False)

    def connection_name(self, target: Resource, endpoint_name: str) -> str:
        """`{private endpoint}-{guid}`."""
        del target
        return f"{endpoint_name}-{uuid.uuid4()}"

    def initial_provisioning(self, *, approved: bool) -> str:
        """`Ready`, also while it is pending."""
        del approved
        return "Ready"

    def show_connection(self, connection: Connection) -> Json:
        """A connection with its `groupIds`, as recorded."""
        shown = super().show_connection(connection)
        shown["properties"]["groupIds"] = [connection.group]
        return shown

    def decide(self, call: Call, connection: Connection, status: str, description: str) -> Answer:
        """202 with `{"operation", "startTime"}`; the state changes when the operation ends."""
        if not description:
            message = "The private endpoint connection description is missing."
            raise AzureError(400, "MissingPrivateEndpointConnectionDescription", message)
        if connection.status != "Pending" or connection.provisioning != "Ready":
            message = f"Private endpoint connection '{connection.name}' is not in the pending state."
            raise AzureError(400, "PrivateEndpointConnectionStatusNotPending", message)
        connection.provisioning = "Approving" if status == "Approved" else "Rejecting"
        then = ("sql.decided", connection.target, connection.name, status, description)
        operation = self.cloud.operations.start(call, DECISION_SECONDS, *then)
        headers = self.connections.headers(call, self.top(call).body["location"], operation)
        return Answer(202, self._running("UpsertPrivateEndpointConnection"), headers, finished=False)

    def decided(self, target: str, name: str, status: str, description: str) -> None:
        """A decision is in force."""
        connection = self.state.connection(target, name)
        if connection is not None:
            self.set_state(connection, status, description, "Ready")

    def delete_connection(self, call: Call) -> Answer:
        """DELETE: 202, then gone."""
        target = self.top(call)
        connection = self.state.connection(target.key, call.path.names[1])
        if connection is None:
            return Answer(204)
        connection.provisioning = "Dropping"
        operation = self.cloud.operations.start(call, DECISION_SECONDS, "sql.dropped", target.key, connection.name)
        headers = self.connections.headers(call, target.body["location"], operation)
        return Answer(202, self._running("DropPrivateEndpointConnection"), headers, finished=False)

    def dropped(self, target: str, name: str) -> None:
        """A deleted connection is gone."""
        connection = self.state.connection(target, name)
        if connection is not None:
            self.drop(connection)

    def list_rules(self, call: Call) -> Answer:
        """GET of all firewall rules."""
        return paged(call, self.state.children(self.top(call).key, FIREWALL_RULE), _show_rule)

    def get_rule(self, call: Call) -> Answer:
        """GET of one firewall rule."""
        self.top(call)
        return Answer(200, _show_rule(require(self.cloud, call, call.id, FIREWALL_RULE)))

    def put_rule(self, call: Call) -> Answer:
        """PUT of one firewall rule: 201 for a new one, 200 for a known one."""
        self.top(call)
        created = self.state.resource(call.id) is None
        rule = self._keep_rule(call.id, as_object(call.body.get("properties")))
        return Answer(201 if created else 200, _show_rule(rule))

    def delete_rule(self, call: Call) -> Answer:
        """DELETE of one firewall rule."""
        self.top(call)
        known = self.state.resource(call.id)
        self.state.remove(call.path.key)
        return Answer(200 if known else 204)

    def replace_rules(self, call: Call) -> Answer:
        """PUT on the collection: these are all the rules from now on."""
        server = self.top(call)
        values = objects(call.body.get("values"), "values")
        if not values or not all(isinstance(value.get("name"), str) for value in values):
            raise AzureError(400, "InvalidParameterValue", "values must be a list of firewall rules.")
        for rule in self.state.children(server.key, FIREWALL_RULE):
            self.state.remove(rule.key)
        rules = [
            self._keep_rule(f"{server.id}/firewallRules/{value['name']}", as_object(value.get("properties")))
            for value in values
        ]
        return Answer(200, _show_rule(rules[-1]))

    def _keep_rule(self, rule_id: str, properties: Json) -> Resource:
        if not properties.get("startIpAddress") or not properties.get("endIpAddress"):
            raise AzureError(400, "InvalidParameterValue", "startIpAddress and endIpAddress are required.")
        kept = {name: properties[name] for name in ("startIpAddress", "endIpAddress")}
        rule = Resource(rule_id, FIREWALL_RULE, {"properties": kept}, self.clock.stamp())
        self.state.add(rule)
        return rule

    def _running(self, operation: str) -> Json:
        return {"operation": operation, "startTime": self.clock.stamp()}


def _form(kind: str) -> Form:
    start = f"locations/{{}}/{kind}"
    return Form("Microsoft.Sql", f"{start}AzureAsyncOperation", f"{start}OperationResults")


def _show_rule(rule: Resource) -> Json:
    return {"id": rule.id, "name": rule.name, "type": FIREWALL_RULE, "properties": rule.properties}


def register(cloud: Cloud) -> None:
    """Serve SQL servers."""
    servers = Servers(cloud)
    one = f"{servers.type}/{{}}"
    handlers = {"GET": servers.get, "PUT": servers.put, "PATCH": servers.patch, "DELETE": servers.delete}
    rule = {"GET": servers.get_rule, "PUT": servers.put_rule, "DELETE": servers.delete_rule}
    cloud.router.add(
        [
            route(servers.type, VERSIONS, GET=servers.list),
            route(one, VERSIONS, **handlers),
            route(f"{one}/firewallRules", VERSIONS, GET=servers.list_rules, PUT=servers.replace_rules),
            route(f"{one}/firewallRules/{{}}", VERSIONS, **rule),
            *sql_networks.NetworkRules(cloud).routes(VERSIONS),
            *servers.servers.routes(),
            *servers.connections.routes(),
            *servers.connection_routes(),
        ]
    )
    cloud.links.register(servers)
    cloud.clock.on("sql.decided", servers.decided)
    cloud.clock.on("sql.dropped", servers.dropped)
    cloud.show_with(servers.type, servers.show)
    cloud.show_with(FIREWALL_RULE, _show_rule)
    cloud.show_with(sql_networks.NETWORK_RULE, sql_networks.show)
