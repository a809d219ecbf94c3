"""The estate that the stories play in: one subscription of ours with its resources, and the ids of everybody in it."""

from __future__ import annotations

from typing import Any

from local.azure.client import LocalClient
from local.stories.expect import eventually, expect
from shared.resource_id import parse

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
ENGINEER = "e0000000-0000-4000-8000-0000000000e1"
"""The client id of the people and pipelines that ask for private endpoints: not the app's identity."""

CLUSTER = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-adx/providers/Microsoft.Kusto/clusters/adxprod"
_DATA = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-data/providers"
LANDING_ZONE = f"{_DATA}/Microsoft.Storage/storageAccounts/landingzone"
EVENT_HUBS = f"{_DATA}/Microsoft.EventHub/namespaces/telemetry"
_GRAPH = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-graph/providers"
WORKSPACE = f"{_GRAPH}/Microsoft.Synapse/workspaces/graphconnect"
EXPORTS = f"{_GRAPH}/Microsoft.Storage/storageAccounts/graphexports"
ARCHIVE = f"{_GRAPH}/Microsoft.Storage/storageAccounts/grapharchive"
SHARE = f"{_DATA}/Microsoft.Storage/storageAccounts/partnershare"

PARTNER_TENANT = "88888888-8888-8888-8888-888888888888"
PARTNER_SUBSCRIPTION = "99999999-9999-9999-9999-999999999999"
ATTACKER_TENANT = "66666666-6666-6666-6666-666666666666"
ATTACKER_SUBSCRIPTION = "55555555-5555-5555-5555-555555555555"

VERSIONS = {
    "microsoft.storage/storageaccounts": "2023-05-01",
    "microsoft.eventhub/namespaces": "2024-01-01",
    "microsoft.kusto/clusters": "2023-08-15",
    "microsoft.synapse/workspaces": "2021-06-01",
    "microsoft.network/privateendpoints": "2024-01-01",
}
"""The api-version that the stories use, by resource type in lower case."""

_EVENTS = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.EventGrid/eventSubscriptions/approver"
_EVENTS_VERSION = "2022-06-15"

_STORAGE = {
    "location": "westeurope",
    "kind": "StorageV2",
    "sku": {"name": "Standard_LRS"},
    "properties": {"networkAcls": {"defaultAction": "Allow", "bypass": "Logging, Metrics, AzureServices"}},
}
CLUSTER_BODY = {"location": "westeurope", "sku": {"name": "Standard_E2ads_v5", "tier": "Standard", "capacity": 2}}
WORKSPACE_BODY = {"location": "westeurope", "properties": {"managedVirtualNetwork": "default"}}
_RESOURCES: dict[str, dict[str, Any]] = {
    LANDING_ZONE: _STORAGE,
    SHARE: _STORAGE,
    EVENT_HUBS: {"location": "westeurope", "sku": {"name": "Standard"}},
    CLUSTER: CLUSTER_BODY,
    WORKSPACE: WORKSPACE_BODY,
    EXPORTS: _STORAGE,
    ARCHIVE: _STORAGE,
}


def version_of(resource_id: str) -> str:
    """The api-version for a resource or anything below it."""
    return VERSIONS[parse(resource_id).top.type.lower()]


def build(client: LocalClient) -> None:
    """Make the resources, open to the public as a new one is.

    Raises:
        RuntimeError: the local Azure refused one.
    """
    for resource, body in _RESOURCES.items():
        client.arm("PUT", resource, body, client=ENGINEER, api_version=version_of(resource)).ok()


def subscribe(client: LocalClient, host_url: str) -> None:
    """Send Event Grid's events about the subscription to the app, as a deployment does once the code is there.

    Raises:
        RuntimeError: the event subscription was refused.
        StoryError: the app's host did not answer the handshake.
    """
    url = f"{host_url}/runtime/webhooks/eventgrid?functionName=on_resource_event"
    written = ["/privateEndpointConnectionProxies/write", "/privateEndpointConnections/write"]
    properties = {
        "destination": {"endpointType": "WebHook", "properties": {"endpointUrl": url}},
        "eventDeliverySchema": "EventGridSchema",
        "filter": {
            "includedEventTypes": ["Microsoft.Resources.ResourceWriteSuccess"],
            "advancedFilters": [{"operatorType": "StringEndsWith", "key": "data.operationName", "values": written}],
        },
    }
    client.arm("PUT", _EVENTS, {"properties": properties}, client=ENGINEER, api_version=_EVENTS_VERSION).ok()
    eventually(lambda: _subscribed(client), seconds=20)


def _subscribed(client: LocalClient) -> None:
    state = client.arm("GET", _EVENTS, client=ENGINEER, api_version=_EVENTS_VERSION).ok()["properties"][
        "provisioningState"
    ]
    expect(state == "Succeeded", f"the event subscription is {state}, not Succeeded")


def private_endpoint(
    subscription: str, name: str, target: str, sub_resource: str, message: str = "", group_name: str = "rg-net"
) -> tuple[str, Any]:
    """The id and the body of a private endpoint with a manual request, as anybody can make one."""
    group = f"/subscriptions/{subscription}/resourceGroups/{group_name}/providers/Microsoft.Network"
    link = {"privateLinkServiceId": target, "groupIds": [sub_resource], "requestMessage": message}
    properties = {
        "subnet": {"id": f"{group}/virtualNetworks/vnet/subnets/endpoints"},
        "manualPrivateLinkServiceConnections": [{"name": name, "properties": link}],
    }
    return f"{group}/privateEndpoints/{name}", {"location": "westeurope", "properties": properties}
