"""Story 1: the Data Explorer guide's REST calls, word for word but for the request message, and no human."""

from __future__ import annotations

from functools import partial
from typing import Any

from local.azure.identity import APP_CLIENT
from local.azure.tenants import HOME_TENANT, principal
from local.stories.estate import CLUSTER, EVENT_HUBS, LANDING_ZONE
from local.stories.expect import eventually, expect
from local.stories.stage import Stage

TITLE = "Data Explorer to Event Hubs and Storage"
_GUIDE_VERSION = "2022-02-01"
BLOB_ENDPOINT = "mpeToStorageBlob"
_ASKED = (
    ("mpeToEventHub", EVENT_HUBS, "namespace", "adx-reads-event-hubs"),
    (BLOB_ENDPOINT, LANDING_ZONE, "blob", "adx-reads-landing-zone"),
    ("mpeToStorageDfs", LANDING_ZONE, "dfs", "adx-reads-landing-zone"),
)


def play(stage: Stage) -> None:
    """Ask as the guide says; everything is approved, and both firewalls are tightened."""
    for name, target, sub_resource, rule in _ASKED:
        kind = target.split("/")[-2]
        with stage.screen.step(f"PUT managedPrivateEndpoints/{name} to {kind} ({sub_resource}): Creating"):
            _ask(stage, name, target, sub_resource)
        with stage.screen.step(f"approved by rule {rule}, with no human"):
            requester = f"{CLUSTER}/managedPrivateEndpoints/{name}"
            eventually(partial(stage.expect_status, target, requester, "Approved", rule=rule), seconds=40)
        with stage.screen.step(f"GET managedPrivateEndpoints/{name}: Succeeded"):
            eventually(partial(_succeeded, stage, name), seconds=30)
    with stage.screen.step("Event Hubs namespace: public access is Disabled, in the namespace and in its rule set"):
        eventually(lambda: _namespace_closed(stage), seconds=60)
    with stage.screen.step("storage account: public access is selected networks only"):
        eventually(lambda: _account_tightened(stage), seconds=60)
    with stage.screen.step("every approval was the app's identity's, one PUT for each connection"):
        _only_the_app_wrote(stage)


def _ask(stage: Stage, name: str, target: str, sub_resource: str) -> None:
    message = stage.policy_tool("message")
    properties = {"privateLinkResourceId": target, "groupId": sub_resource, "requestMessage": message}
    made = _endpoint(stage, "PUT", name, {"properties": properties})
    expect(made["name"] == f"adxprod/{name}", f"the answer's name is {made['name']}")
    state = made["properties"]["provisioningState"]
    expect(state == "Creating", f"the new endpoint is {state}, not Creating")


def _endpoint(stage: Stage, method: str, name: str, body: Any = None) -> Any:
    return stage.arm(method, f"{CLUSTER}/managedPrivateEndpoints/{name}", body, version=_GUIDE_VERSION)


def _succeeded(stage: Stage, name: str) -> None:
    state = _endpoint(stage, "GET", name)["properties"]["provisioningState"]
    expect(state == "Succeeded", f"the managed private endpoint {name} is {state}, not Succeeded")


def _namespace_closed(stage: Stage) -> None:
    for path in (EVENT_HUBS, f"{EVENT_HUBS}/networkRuleSets/default"):
        access = stage.arm("GET", path)["properties"].get("publicNetworkAccess")
        expect(access == "Disabled", f"publicNetworkAccess of {path} is {access}, not Disabled")


def _account_tightened(stage: Stage) -> None:
    properties = stage.arm("GET", LANDING_ZONE)["properties"]
    action = properties["networkAcls"]["defaultAction"]
    expect(action == "Deny", f"the storage account's default action is {action}, not Deny")
    access = properties.get("publicNetworkAccess", "Enabled")
    expect(access == "Enabled", f"the storage account's public access is {access}: selected networks were asked for")


def _only_the_app_wrote(stage: Stage) -> None:
    app = principal(HOME_TENANT, APP_CLIENT)
    for name, target, _, _ in _ASKED:
        connection = stage.connection_of(target, f"{CLUSTER}/managedPrivateEndpoints/{name}")["id"]
        writers = [call["principal"] for call in stage.local(f"calls?method=PUT&pathContains={connection}")]
        expect(writers == [app], f"the connection of {name} was written {len(writers)} times, not once by the app")
