"""The services that make private endpoints on behalf of a resource: Data Explorer, Synapse, Data Factory."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from local.azure.client import Reply
from tests.local_azure.conftest import KUSTO, STORAGE, Estate

SYNAPSE, SYNAPSE_DATA, FACTORY = "2021-06-01", "2020-12-01", "2018-06-01"
MICROSOFT = ("33e01921-4d64-4f8c-a055-5bdaffd5e33d", "f8cdef31-a31e-4b4a-93e4-5f571e91255a")


def wanted(target: str, group: str = "blob", **more: str) -> dict[str, Any]:
    return {"properties": {"privateLinkResourceId": target, "groupId": group, **more}}


def tenant_of(estate: Estate, resource_id: str) -> str:
    """A subscription's tenant by ARM's challenge."""
    reply = estate.client.send("GET", f"/subscriptions/{resource_id.split('/')[2]}?api-version=2015-01-01")
    return reply.headers["www-authenticate"].partition('authorization_uri="https://login.windows.net/')[2][:36]


def test_a_clusters_endpoint_appears_at_the_target_long_before_it_is_ready(home: Estate) -> None:
    account, cluster = home.storage(), home.cluster()
    endpoint = f"{cluster}/managedPrivateEndpoints/mpe"
    made = home.arm("PUT", endpoint, "2022-02-01", wanted(account, requestMessage="Please Approve."))
    assert made.body["properties"]["provisioningState"] == "Creating"
    assert home.connections(account, STORAGE) == []
    home.pass_time(61)
    (connection,) = home.connections(account, STORAGE)
    state = connection["properties"]["privateLinkServiceConnectionState"]
    assert (state["status"], state["description"]) == ("Pending", "Please Approve.")
    assert home.arm("GET", endpoint, KUSTO).ok()["properties"]["provisioningState"] == "Creating"
    home.pass_time(120)
    ready = home.arm("GET", endpoint, KUSTO).ok()
    assert ready["properties"]["provisioningState"] == "Succeeded"
    assert ready["name"] == f"{cluster.rpartition('/')[2]}/mpe"
    assert "/Clusters/" in ready["id"]
    assert "connectionState" not in ready["properties"]
    assert ready["systemData"]["createdAt"]


def test_a_clusters_private_endpoint_lives_in_one_of_microsofts_tenants(home: Estate) -> None:
    account, cluster = home.storage(), home.cluster()
    home.arm("PUT", f"{cluster}/managedPrivateEndpoints/mpe", KUSTO, wanted(account)).ok()
    home.pass_time(61)
    (connection,) = home.connections(account, STORAGE)
    endpoint = connection["properties"]["privateEndpoint"]["id"]
    assert tenant_of(home, endpoint) in MICROSOFT
    assert "/privateEndpoints/mpe." in endpoint


def test_a_deleted_managed_endpoint_takes_its_connection_with_it(home: Estate) -> None:
    account, cluster = home.storage(), home.cluster()
    endpoint = f"{cluster}/managedPrivateEndpoints/mpe"
    home.arm("PUT", endpoint, KUSTO, wanted(account)).ok()
    home.pass_time(200)
    assert home.arm("DELETE", endpoint, KUSTO).status == 202
    assert len(home.connections(account, STORAGE)) == 1
    home.pass_time(100)
    assert home.connections(account, STORAGE) == []
    assert home.arm("GET", endpoint, KUSTO).status == 404
    assert home.arm("GET", f"{cluster}/managedPrivateEndpoints", KUSTO).ok() == {"value": []}


def test_an_endpoint_that_is_made_again_owes_nothing_to_the_one_before(home: Estate) -> None:
    account, cluster = home.storage(), home.cluster()
    endpoint = f"{cluster}/managedPrivateEndpoints/mpe"
    home.arm("PUT", endpoint, KUSTO, wanted(account)).ok()
    home.arm("DELETE", endpoint, KUSTO).ok()
    home.arm("DELETE", endpoint, KUSTO).ok()
    home.pass_time(61)
    home.arm("PUT", endpoint, KUSTO, wanted(account)).ok()
    home.pass_time(125)  # the first one would be ready now
    assert home.arm("GET", endpoint, KUSTO).ok()["properties"]["provisioningState"] == "Creating"
    assert len(home.connections(account, STORAGE)) == 1
    home.pass_time(60)
    assert home.arm("GET", endpoint, KUSTO).ok()["properties"]["provisioningState"] == "Succeeded"


def test_a_managed_endpoint_to_nowhere_is_refused(home: Estate) -> None:
    cluster = home.cluster()
    nowhere = f"{home.group}/providers/Microsoft.Storage/storageAccounts/nowhere"
    assert home.arm("PUT", f"{cluster}/managedPrivateEndpoints/mpe", KUSTO, wanted(nowhere)).status == 404


def test_a_managed_endpoint_whose_target_goes_meanwhile_fails(home: Estate) -> None:
    account, cluster = home.storage(), home.cluster()
    endpoint = f"{cluster}/managedPrivateEndpoints/mpe"
    home.arm("PUT", endpoint, KUSTO, wanted(account)).ok()
    home.arm("DELETE", account, STORAGE).ok()
    home.pass_time(200)
    assert home.arm("GET", endpoint, KUSTO).ok()["properties"]["provisioningState"] == "Failed"


class Workspace:
    """A Synapse workspace and calls of its development endpoint."""

    def __init__(self, estate: Estate, name: str = "") -> None:
        self.estate = estate
        self.name = name or f"ws{uuid.uuid4().hex[:12]}"
        self.id = f"{estate.group}/providers/Microsoft.Synapse/workspaces/{self.name}"
        assert estate.arm("PUT", self.id, SYNAPSE, {"location": "northeurope"}).status == 202
        estate.pass_time(400)

    def call(self, method: str, endpoint: str = "", body: Any = None, *, tenant: str | None = None) -> Reply:
        whose = self.estate.tenant if tenant is None else tenant
        token = self.estate.client.token(whose, audience="https://dev.azuresynapse.net")
        path = f"/synapse/{self.name}/managedVirtualNetworks/default/managedPrivateEndpoints{endpoint}"
        headers = {"Authorization": f"Bearer {token}"}
        return self.estate.client.send(method, f"{path}?api-version={SYNAPSE_DATA}", body, headers)


def test_a_workspace_names_its_development_endpoint_in_arm(home: Estate) -> None:
    workspace = Workspace(home)
    shown = home.arm("GET", workspace.id, SYNAPSE).ok()
    assert shown["properties"]["connectivityEndpoints"]["dev"] == f"{home.client.url}/synapse/{workspace.name}"
    assert shown["properties"]["provisioningState"] == "Succeeded"


def test_a_workspaces_endpoint_shows_the_state_of_its_connection_late(home: Estate) -> None:
    account, workspace = home.storage(), Workspace(home)
    made = workspace.call("PUT", "/mpe", wanted(account)).ok()
    assert (made["properties"]["provisioningState"], made["properties"]["connectionState"]) == ("Provisioning", {})
    home.pass_time(40)
    (connection,) = home.connections(account, STORAGE)
    endpoint = connection["properties"]["privateEndpoint"]["id"]
    assert endpoint.rpartition("/")[2] == f"{workspace.name}.mpe"
    subscription = endpoint.split("/")[2]
    assert endpoint.split("/")[4].startswith(f"vnet-{subscription[:8]}-northeurope-")
    assert tenant_of(home, endpoint) in MICROSOFT
    home.pass_time(60)
    assert workspace.call("GET", "/mpe").ok()["properties"]["connectionState"]["status"] == "Pending"
    home.decide(connection, "Approved", STORAGE).ok()
    assert workspace.call("GET", "/mpe").ok()["properties"]["connectionState"]["status"] == "Pending"
    home.pass_time(60)
    assert workspace.call("GET", "/mpe").ok()["properties"]["connectionState"]["status"] == "Approved"
    assert workspace.call("GET").ok()["nextLink"] == ""


def test_a_workspaces_endpoint_is_disconnected_when_the_target_drops_its_connection(home: Estate) -> None:
    account, workspace = home.storage(), Workspace(home)
    workspace.call("PUT", "/mpe", wanted(account)).ok()
    home.pass_time(100)
    (connection,) = home.connections(account, STORAGE)
    home.arm("DELETE", connection["id"], STORAGE).ok()
    home.pass_time(60)
    assert workspace.call("GET", "/mpe").ok()["properties"]["connectionState"]["status"] == "Disconnected"


def test_a_missing_endpoint_of_a_workspace_hides_the_truth_in_the_message(home: Estate) -> None:
    reply = Workspace(home).call("GET", "/nobody")
    assert (reply.status, reply.body["error"]["code"]) == (404, "UnknownError")
    assert "PrivateEndpointNotFound" in reply.body["error"]["message"]


def test_a_workspace_wants_a_token_for_itself_and_of_its_tenant(home: Estate, stranger: Estate) -> None:
    workspace = Workspace(home)
    path = (
        f"/synapse/{workspace.name}/managedVirtualNetworks/default/managedPrivateEndpoints?api-version={SYNAPSE_DATA}"
    )
    headers = {"Authorization": f"Bearer {home.client.token()}"}
    assert home.client.send("GET", path, headers=headers).status == 401
    assert workspace.call("GET", tenant=stranger.tenant).status == 403


def test_a_workspaces_role_can_be_missing(home: Estate) -> None:
    workspace = Workspace(home)
    permission = "Microsoft.Synapse/workspaces/managedPrivateEndpoint/read"
    name = home.client.local("POST", "access", {"permission": permission, "scope": workspace.id})["name"]
    try:
        reply = workspace.call("GET")
    finally:
        home.client.local("DELETE", f"access/{name}")
    assert (reply.status, reply.body["error"]["code"]) == (403, "AccessControlUnauthorized")


def test_a_workspaces_name_is_taken_until_it_is_deleted(home: Estate, stranger: Estate) -> None:
    workspace = Workspace(home)
    body = {"location": "northeurope"}
    theirs = f"{stranger.group}/providers/Microsoft.Synapse/workspaces/{workspace.name}"
    assert stranger.arm("PUT", theirs, SYNAPSE, body).status == 409
    home.arm("DELETE", workspace.id, SYNAPSE).ok()
    assert stranger.arm("PUT", theirs, SYNAPSE, body).status == 202


@pytest.fixture
def factory(home: Estate) -> str:
    """A data factory with a managed virtual network."""
    factory = f"{home.group}/providers/Microsoft.DataFactory/factories/Fac{uuid.uuid4().hex[:12]}"
    home.arm("PUT", factory, FACTORY, {"location": "westeurope"}).ok()
    home.arm("PUT", f"{factory}/managedVirtualNetworks/default", FACTORY, {"properties": {}}).ok()
    return factory


def test_a_factorys_endpoint_has_empty_states_while_it_is_made(home: Estate, factory: str) -> None:
    account, name = home.storage(), factory.rpartition("/")[2]
    endpoint = f"{factory}/managedVirtualNetworks/default/managedPrivateEndpoints/mpe"
    made = home.arm("PUT", endpoint, FACTORY, wanted(account)).ok()
    assert made["properties"]["connectionState"]["status"] == ""
    home.pass_time(100)
    (connection,) = home.connections(account, STORAGE)
    state = connection["properties"]["privateLinkServiceConnectionState"]
    assert state["description"] == f"Requested by DataFactory:{name}, Name:mpe"
    assert connection["properties"]["privateEndpoint"]["id"].endswith(f"/privateEndpoints/{name.lower()}.mpe")
    shown = home.arm("GET", endpoint, FACTORY).ok()["properties"]
    assert (shown["provisioningState"], shown["connectionState"]["status"]) == ("Succeeded", "Pending")
    assert shown["privateLinkResourceId"] == account.lower()
    home.decide(connection, "Rejected", STORAGE).ok()
    home.pass_time(60)
    assert home.arm("GET", endpoint, FACTORY).ok()["properties"]["connectionState"]["status"] == "Rejected"


def test_a_factorys_deleted_endpoint_leaves_the_target(home: Estate, factory: str) -> None:
    account = home.storage()
    endpoint = f"{factory}/managedVirtualNetworks/default/managedPrivateEndpoints/mpe"
    home.arm("PUT", endpoint, FACTORY, wanted(account)).ok()
    home.pass_time(100)
    assert home.arm("DELETE", endpoint, FACTORY).status == 200
    home.pass_time(10)
    assert home.connections(account, STORAGE) == []


def test_a_factorys_endpoint_needs_its_managed_virtual_network(home: Estate, factory: str) -> None:
    endpoint = f"{factory}/managedVirtualNetworks/other/managedPrivateEndpoints/mpe"
    assert home.arm("PUT", endpoint, FACTORY, wanted(home.storage())).status == 404


def test_the_oracle_tells_which_connection_belongs_to_which_endpoint(home: Estate, stranger: Estate) -> None:
    account, cluster = home.storage(), home.cluster()
    home.arm("PUT", f"{cluster}/managedPrivateEndpoints/mpe", KUSTO, wanted(account, requestMessage="same")).ok()
    home.pass_time(61)
    stranger.endpoint(account, "blob", message="same").ok()
    truth = {
        one["connectionId"]: one["requesterId"]
        for one in home.client.local("GET", "oracle/connections")
        if one["targetId"] == account
    }
    ours, theirs = home.connections(account, STORAGE)
    assert truth[ours["id"]].lower() == f"{cluster}/managedPrivateEndpoints/mpe".lower()
    assert f"/subscriptions/{stranger.subscription}/" in truth[theirs["id"]]
