"""Virtual network rules of SQL servers: the subnets that a server lets in, each a resource of its own."""

from __future__ import annotations

from local.azure.cloud import Cloud
from local.azure.providers.base import paged, require
from local.azure.router import Call, Route, route
from local.azure.state import Resource
from local.azure.wire import Answer, AzureError, Json, as_object

SERVER = "Microsoft.Sql/servers"
NETWORK_RULE = f"{SERVER}/virtualNetworkRules"


class NetworkRules:
    """The rules below the servers."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self, versions: tuple[str, ...]) -> list[Route]:
        """The list, and GET, PUT and DELETE of one."""
        collection = f"{SERVER}/{{}}/virtualNetworkRules"
        return [
            route(collection, versions, GET=self.list),
            route(f"{collection}/{{}}", versions, GET=self.get, PUT=self.put, DELETE=self.delete),
        ]

    def list(self, call: Call) -> Answer:
        """GET of all."""
        return paged(call, self._cloud.state.children(self._server(call).key, NETWORK_RULE), show)

    def get(self, call: Call) -> Answer:
        """GET of one."""
        self._server(call)
        return Answer(200, show(require(self._cloud, call, call.id, NETWORK_RULE)))

    def put(self, call: Call) -> Answer:
        """PUT of one: 201 for a new one, 200 for a known one."""
        self._server(call)
        given = as_object(call.body.get("properties"))
        if not given.get("virtualNetworkSubnetId"):
            raise AzureError(400, "InvalidParameterValue", "virtualNetworkSubnetId is required.")
        kept = {"ignoreMissingVnetServiceEndpoint": False, **given, "state": "Ready"}
        known = self._cloud.state.resource(call.id)
        rule = Resource(call.id, NETWORK_RULE, {"properties": kept}, self._cloud.clock.stamp())
        self._cloud.state.add(rule)
        return Answer(200 if known else 201, show(rule))

    def delete(self, call: Call) -> Answer:
        """DELETE of one."""
        self._server(call)
        known = self._cloud.state.resource(call.id)
        self._cloud.state.remove(call.path.key)
        return Answer(200 if known else 204)

    def _server(self, call: Call) -> Resource:
        return require(self._cloud, call, f"{call.path.scope}/providers/{SERVER}/{call.path.names[0]}", SERVER)


def show(rule: Resource) -> Json:
    """A rule as ARM shows it."""
    return {"id": rule.id, "name": rule.name, "type": NETWORK_RULE, "properties": rule.properties}
