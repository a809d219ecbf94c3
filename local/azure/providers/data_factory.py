"""Microsoft.DataFactory: factories, their managed virtual networks and managed private endpoints, all in ARM.

Oddities (docs/azure-on-the-wire.md): there is no request message, the connection is described as
`Requested by DataFactory:<factory>, Name:<endpoint>`; the state is empty strings while an endpoint is made, and follows the
target's late; the target's id comes back in lower case.
"""

from __future__ import annotations

import uuid

from local.azure.cloud import Cloud
from local.azure.private_link import Wanted
from local.azure.providers.base import Provider, envelope, location_of, paged, require
from local.azure.providers.managed import ManagedEndpoints, Timing
from local.azure.router import Call, route
from local.azure.state import Connection, Resource
from local.azure.wire import Answer, AzureError, Json, as_object, merge
from shared.resource_id import fold

VERSIONS = ("2018-06-01",)
FACTORY = "Microsoft.DataFactory/factories"
NETWORK = f"{FACTORY}/managedVirtualNetworks"
MANAGED_ENDPOINT = f"{NETWORK}/managedPrivateEndpoints"


class FactoryEndpoints(ManagedEndpoints):
    """Managed private endpoints of a factory."""

    service = "dataFactory"
    creating = "Provisioning"
    timing = Timing(appears=30, ready=75, deleted=5, lag=30)

    def show(self, endpoint: Resource) -> Json:
        """The endpoint as a GET answers it."""
        etag = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{endpoint.properties}"))
        return {"id": endpoint.id, "name": endpoint.name, "type": MANAGED_ENDPOINT, "etag": etag,
                "properties": endpoint.properties}  # fmt: skip

    def owner(self, endpoint: Resource) -> Resource | None:
        """The factory."""
        return self.state.resource(endpoint.id.partition("/managedVirtualNetworks/")[0])

    def endpoint_name(self, endpoint: Resource) -> str:
        """`<factory in lower case>.<endpoint>`."""
        owner = self.owner(endpoint)
        return f"{fold(owner.name) if owner else ''}.{endpoint.name}"

    def message(self, endpoint: Resource) -> str:
        """What Data Factory says of itself."""
        owner = self.owner(endpoint)
        return f"Requested by DataFactory:{owner.name if owner else ''}, Name:{endpoint.name}"

    def connection_state(self, connection: Connection | None) -> Json:
        """Empty strings until it is made."""
        if connection is None:
            return {"status": "", "description": "", "actionsRequired": ""}
        description = "" if connection.status == "Pending" else connection.description
        return {"status": connection.status, "description": description, "actionsRequired": "None"}

    def network(self, call: Call) -> str:
        """The id of the managed virtual network that a call lies under."""
        network = (
            f"{call.path.scope}/providers/{FACTORY}/{call.path.names[0]}/managedVirtualNetworks/{call.path.names[1]}"
        )
        require(self.cloud, call, f"{call.path.scope}/providers/{FACTORY}/{call.path.names[0]}", FACTORY)
        require(self.cloud, call, network, NETWORK)
        return network

    def get(self, call: Call) -> Answer:
        """GET of one."""
        self.network(call)
        return Answer(200, self.show(require(self.cloud, call, call.id, MANAGED_ENDPOINT)))

    def list(self, call: Call) -> Answer:
        """GET of all."""
        found = self.state.children(self.network(call), MANAGED_ENDPOINT)
        return paged(call, found, self.show)

    def put(self, call: Call) -> Answer:
        """PUT: 200 with empty states, long before anything is there."""
        self.network(call)
        properties = as_object(call.body.get("properties"))
        target, group = properties.get("privateLinkResourceId"), properties.get("groupId")
        if not isinstance(target, str) or not isinstance(group, str):
            raise AzureError(400, "BadRequest", "privateLinkResourceId and groupId are required.")
        known = self.state.resource(call.id)
        if known is not None:
            if fold(known.properties["privateLinkResourceId"]) != fold(target):
                raise AzureError(
                    400, "InvalidPropertyValue", "The target of a managed private endpoint cannot be changed."
                )
            return Answer(200, self.show(known))
        self.cloud.links.check(Wanted(target, group, "", call.id))
        kept = {"privateLinkResourceId": fold(target), "groupId": group, "fqdns": properties.get("fqdns") or []}
        endpoint = Resource(call.id, MANAGED_ENDPOINT, {"properties": kept}, self.clock.stamp(), call.caller.object_id)
        self.state.add(endpoint)
        self.begin(endpoint)
        return Answer(200, self.show(endpoint))

    def delete(self, call: Call) -> Answer:
        """DELETE: 200; the connection leaves the target soon after."""
        self.network(call)
        endpoint = self.state.resource(call.id)
        if endpoint is None:
            return Answer(204)
        self.end(endpoint)
        return Answer(200)


class Factories(Provider):
    """Factories and their managed virtual networks."""

    type = FACTORY

    def __init__(self, cloud: Cloud, endpoints: FactoryEndpoints) -> None:
        super().__init__(cloud)
        self._endpoints = endpoints

    def show(self, resource: Resource) -> Json:
        """The factory."""
        etag = f'"{uuid.uuid5(uuid.NAMESPACE_URL, resource.changed_at)}"'
        return {**envelope(resource), "eTag": etag, "properties": resource.properties}

    def put(self, call: Call) -> Answer:
        """PUT: 200 at once."""
        body, known = call.body, self.state.resource(call.id)
        if known is None and self.state.named(self.type, call.path.names[0]):
            message = f"The specified resource name '{call.path.names[0][:64]}' is already in use."
            raise AzureError(409, "FactoryNameInUse", message)
        defaults = {"provisioningState": "Succeeded", "createTime": self.clock.stamp(), "version": VERSIONS[0],
                    "publicNetworkAccess": "Enabled"}  # fmt: skip
        kept = {
            "location": location_of(body),
            "tags": as_object(body.get("tags")),
            "identity": body.get("identity"),
            "properties": merge(known.properties if known else defaults, as_object(body.get("properties"))),
        }
        resource, _ = self.keep(call, self.type, kept)
        return Answer(200, self.show(resource))

    def remove(self, resource: Resource) -> None:
        """A factory goes with its managed endpoints."""
        for network in self.state.children(resource.key, NETWORK):
            self._endpoints.discard(network, MANAGED_ENDPOINT)
        super().remove(resource)

    def put_network(self, call: Call) -> Answer:
        """PUT of a managed virtual network."""
        self.top(call)
        if self.state.resource(call.id) is None:
            properties = {"vNetId": str(uuid.uuid4()), "alias": call.path.names[1]}
            self.state.add(Resource(call.id, NETWORK, {"properties": properties}, self.clock.stamp()))
        return self.get_network(call)

    def get_network(self, call: Call) -> Answer:
        """GET of a managed virtual network."""
        return Answer(200, _show_network(require(self.cloud, call, call.id, NETWORK)))

    def list_networks(self, call: Call) -> Answer:
        """GET of all managed virtual networks."""
        return paged(call, self.state.children(self.top(call).key, NETWORK), _show_network)


def _show_network(network: Resource) -> Json:
    return {"id": network.id, "name": network.name, "type": NETWORK, "properties": network.properties}


def register(cloud: Cloud) -> None:
    """Serve factories with all that is below them."""
    endpoints = FactoryEndpoints(cloud)
    factories = Factories(cloud, endpoints)
    one = f"{FACTORY}/{{}}"
    network = f"{one}/managedVirtualNetworks"
    managed = f"{network}/{{}}/managedPrivateEndpoints"
    cloud.router.add(
        [
            route(FACTORY, VERSIONS, GET=factories.list),
            route(one, VERSIONS, GET=factories.get, PUT=factories.put, DELETE=factories.delete),
            route(network, VERSIONS, GET=factories.list_networks),
            route(f"{network}/{{}}", VERSIONS, GET=factories.get_network, PUT=factories.put_network),
            route(managed, VERSIONS, GET=endpoints.list),
            route(f"{managed}/{{}}", VERSIONS, GET=endpoints.get, PUT=endpoints.put, DELETE=endpoints.delete),
        ]
    )
    cloud.show_with(FACTORY, factories.show)
    cloud.show_with(NETWORK, _show_network)
    cloud.show_with(MANAGED_ENDPOINT, endpoints.show)
