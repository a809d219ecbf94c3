"""Microsoft.Network: private endpoints. Manual links wait for the target's owner, automatic ones need rights there."""

from __future__ import annotations

import uuid
from typing import Any

from local.azure import access
from local.azure.cloud import Cloud
from local.azure.private_link import PRIVATE_ENDPOINT, Wanted, link_of
from local.azure.providers.base import Provider, envelope, location_of
from local.azure.router import Call, route
from local.azure.state import Resource
from local.azure.wire import Answer, AzureError, Json, as_object
from shared.resource_id import fold

VERSIONS = ("2020-11-01", "2021-05-01", "2022-07-01", "2023-04-01", "2023-09-01", "2023-11-01", "2024-01-01", "2024-05-01",
            "2024-07-01", "2025-01-01", "2025-05-01")  # fmt: skip
_MANUAL = "manualPrivateLinkServiceConnections"
_AUTOMATIC = "privateLinkServiceConnections"


class PrivateEndpoints(Provider):
    """Private endpoints; each shows the state that its connection has at the target."""

    type = PRIVATE_ENDPOINT

    def show(self, resource: Resource) -> Json:
        """The endpoint with its links as they stand at the targets now."""
        links = [(link["manual"], self._show_link(resource, link)) for link in resource.body["links"]]
        properties = {
            "provisioningState": "Succeeded",
            **resource.properties,
            _AUTOMATIC: [shown for manual, shown in links if not manual],
            _MANUAL: [shown for manual, shown in links if manual],
            "networkInterfaces": [{"id": f"{_group(resource)}/providers/Microsoft.Network/networkInterfaces/"
                                         f"{resource.name}.nic.{uuid.uuid5(uuid.NAMESPACE_URL, resource.key)}"}],
            "customDnsConfigs": [],
            "ipConfigurations": [],
        }  # fmt: skip
        return {**envelope(resource), "etag": f'W/"{uuid.uuid5(uuid.NAMESPACE_URL, resource.changed_at)}"',
                "properties": properties}  # fmt: skip

    def put(self, call: Call) -> Answer:
        """PUT: a new endpoint with its connections (201), or the same asked for once more (200)."""
        body = call.body
        location = location_of(body)
        properties = as_object(body.get("properties"))
        if not as_object(properties.get("subnet")).get("id"):
            raise AzureError(400, "InvalidRequestFormat", "A private endpoint needs properties.subnet.id.")
        asked = [(name == _MANUAL, link) for name in (_AUTOMATIC, _MANUAL) for link in properties.get(name) or []]
        if len(asked) != 1:
            message = "Call must specify one private link service connection, manual or automatic."
            raise AzureError(400, "InvalidPrivateEndpointConnectionCount", message)
        manual, link = asked[0]
        wanted = self._wanted(call, link, manual=manual)
        known = self.state.resource(call.id)
        if known is not None:
            return self._again(known, wanted)
        self.cloud.links.check(wanted)
        kept: Json = {
            "location": location,
            "tags": as_object(body.get("tags")),
            "properties": {"subnet": {"id": properties["subnet"]["id"]}},
            "links": [],
        }
        resource, _ = self.keep(call, self.type, kept)
        connection = self.cloud.links.connect(resource.id, wanted)
        kept["links"] = [link_of(connection, manual=manual, name=str(link.get("name") or ""))]
        return Answer(201, self.show(resource))

    def remove(self, resource: Resource) -> None:
        """The endpoint goes, and its connection leaves the target."""
        for connection in self.cloud.links.of_endpoint(resource.key):
            self.cloud.links.disconnect(connection)
        super().remove(resource)

    def _again(self, resource: Resource, wanted: Wanted) -> Answer:
        for connection in self.cloud.links.of_endpoint(resource.key):
            if fold(connection.target) != fold(wanted.target):
                message = "The private link service of an existing private endpoint cannot be changed."
                raise AzureError(400, "PrivateEndpointCannotBeUpdated", message)
            self.cloud.links.resubmit(connection, wanted)
        self.changed(resource)
        return Answer(200, self.show(resource))

    def _wanted(self, call: Call, link: Any, *, manual: bool) -> Wanted:
        properties = as_object(as_object(link).get("properties"))
        target, groups = properties.get("privateLinkServiceId"), properties.get("groupIds")
        if not isinstance(target, str) or not isinstance(groups, list) or len(groups) != 1:
            message = "A connection needs properties.privateLinkServiceId and exactly one of properties.groupIds."
            raise AzureError(400, "InvalidRequestFormat", message)
        if not manual:
            self._may_approve(call, target)
        message = str(properties.get("requestMessage") or "")
        return Wanted(target, str(groups[0]), message, call.id, approved=not manual)

    def _may_approve(self, call: Call, target: str) -> None:
        """An automatic connection needs the approval permission on the target, in the caller's own tenant."""
        resource = self.state.resource(target)
        if resource is None:
            return  # `check` says so
        permission = f"{resource.type}/PrivateEndpointConnectionsApproval/action"
        subscription = self.state.subscriptions[resource.subscription]
        if subscription.tenant != call.caller.tenant or access.denied(self.state, call.caller, permission, resource.id):
            message = (
                f"The client '{call.caller.app_id}' with object id '{call.caller.object_id}' has permission to perform "
                f"action 'Microsoft.Network/privateEndpoints/write' on scope '{call.id}'; however, it does not have "
                f"permission to perform action(s) '{permission}' on the linked scope(s) '{resource.id}'."
            )
            raise AzureError(403, "LinkedAuthorizationFailed", message)

    def _show_link(self, resource: Resource, link: Json) -> Json:
        connection = self.state.connection(link["target"], link["connection"])
        state = {"status": "Disconnected", "description": "", "actionsRequired": "None"}
        if connection is not None:
            description = connection.description if connection.status != "Pending" else "Awaiting Approval"
            state = {"status": connection.status, "description": description, "actionsRequired": "None"}
        kind = _MANUAL if link["manual"] else _AUTOMATIC
        return {
            "name": link["name"],
            "id": f"{resource.id}/{kind}/{link['name']}",
            "type": f"{self.type}/{kind}",
            "properties": {
                "provisioningState": "Succeeded",
                "privateLinkServiceId": link["target"],
                "groupIds": [link["group"]],
                "requestMessage": link["message"],
                "privateLinkServiceConnectionState": state,
            },
        }


def _group(resource: Resource) -> str:
    return resource.id.partition("/providers/")[0]


def register(cloud: Cloud) -> None:
    """Serve private endpoints."""
    endpoints = PrivateEndpoints(cloud)
    handlers = {"GET": endpoints.get, "PUT": endpoints.put, "DELETE": endpoints.delete}
    cloud.router.add(
        [
            route(PRIVATE_ENDPOINT, VERSIONS, GET=endpoints.list),
            route(f"{PRIVATE_ENDPOINT}/{{}}", VERSIONS, **handlers),
        ]
    )
    cloud.show_with(PRIVATE_ENDPOINT, endpoints.show)
