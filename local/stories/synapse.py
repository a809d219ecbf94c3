"""A Synapse workspace's development endpoint, used as Synapse Studio uses it: managed private endpoints live there."""

from __future__ import annotations

from typing import Any

from local.stories.expect import expect
from local.stories.stage import Stage

_AUDIENCE = "https://dev.azuresynapse.net"
_VERSION = "2020-12-01"


def ask(stage: Stage, workspace: str, name: str, target: str, *, tenant: str = "") -> None:
    """PUT a managed private endpoint to a storage account's blob service.

    Raises:
        StoryError: it was refused, or is not being provisioned.
    """
    properties = {"privateLinkResourceId": target, "groupId": "blob"}
    made = _call(stage, "PUT", workspace, name, {"properties": properties}, tenant)
    state = made["properties"]["provisioningState"]
    expect(state == "Provisioning", f"the new endpoint is {state}, not Provisioning")


def connection_state(stage: Stage, workspace: str, name: str) -> str:
    """What the workspace shows for an endpoint's connection; "" while the endpoint is being made."""
    shown = _call(stage, "GET", workspace, name)
    return str(shown["properties"].get("connectionState", {}).get("status", ""))


def managed_id(workspace: str, name: str) -> str:
    """The id of a workspace's managed private endpoint."""
    return f"{workspace}/managedVirtualNetworks/default/managedPrivateEndpoints/{name}"


def _call(stage: Stage, method: str, workspace: str, name: str, body: Any = None, tenant: str = "") -> Any:
    """A call of the development endpoint that ARM shows for the workspace."""
    development = stage.arm("GET", workspace, tenant=tenant)["properties"]["connectivityEndpoints"]["dev"]
    path = f"{development}/managedVirtualNetworks/default/managedPrivateEndpoints/{name}"
    return stage.call(method, f"{path}?api-version={_VERSION}", body, audience=_AUDIENCE, tenant=tenant)
