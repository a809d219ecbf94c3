"""The readers of requesters' own resources, against services that page, fail and lie."""

from __future__ import annotations

import pytest

from shared.azure.arm import Arm
from shared.errors import PermanentError, TransientError
from shared.requesters.data_factory import DataFactoryReader
from shared.requesters.synapse import SCOPE, SynapseReader
from shared.resource_id import parse
from tests.functional.azure.hostile import Asked, Identity, Reply, Server

GROUP = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers"
FACTORY = parse(f"{GROUP}/Microsoft.DataFactory/factories/Ours")
WORKSPACE = parse(f"{GROUP}/Microsoft.Synapse/workspaces/ours")


@pytest.fixture
def arm(service: Server, identity: Identity) -> Arm:
    return Arm(service.url, "https://management.azure.com", identity)


@pytest.fixture
def data_plane(elsewhere: Server) -> Server:
    """The workspace's development endpoint: another host than ARM's."""
    return elsewhere


@pytest.fixture
def synapse(arm: Arm, service: Server, data_plane: Server, identity: Identity) -> SynapseReader:
    workspace = {"properties": {"connectivityEndpoints": {"dev": f"{data_plane.url}/ours"}}}
    service.answer = lambda _: Reply(body=workspace)
    return SynapseReader(arm, identity, f"{data_plane.url}/{{workspace}}")


def test_endpoints_of_all_networks_of_a_factory_are_found_and_told_apart(service: Server, arm: Arm) -> None:
    def answer(asked: Asked) -> Reply:
        path = asked.path.partition("?")[0]
        if path.endswith("/managedVirtualNetworks"):
            return Reply(body={"value": [{"name": "default"}], "nextLink": f"{service.url}/second"})
        if path == "/second":
            return Reply(body={"value": [{"name": "net/../2"}]})
        return Reply(body={"value": [{"name": "mpe", "properties": {"privateLinkResourceId": path}}]})

    service.answer = answer
    first, second = DataFactoryReader(arm).endpoints(FACTORY)
    assert first.name == second.name == "mpe"
    assert first.id == f"{FACTORY}/managedVirtualNetworks/default/managedPrivateEndpoints/mpe".lower()
    assert second.id == f"{FACTORY}/managedVirtualNetworks/net%2f..%2f2/managedPrivateEndpoints/mpe".lower()
    assert second.target_id == f"{FACTORY}/managedVirtualNetworks/net%2F..%2F2/managedPrivateEndpoints"


def test_a_factory_without_managed_networks_has_no_endpoints(service: Server, arm: Arm) -> None:
    service.answer = lambda _: Reply(body={"value": []})
    assert DataFactoryReader(arm).endpoints(FACTORY) == ()
    assert len(service.asked) == 1


@pytest.mark.parametrize("network", [{}, {"name": ""}, {"name": None}, {"name": {}}], ids=str)
def test_a_network_that_says_no_name_is_no_list_without_endpoints(
    network: dict[str, object], service: Server, arm: Arm
) -> None:
    service.answer = lambda _: Reply(body={"value": [network]})
    with pytest.raises(TransientError):
        DataFactoryReader(arm).endpoints(FACTORY)


def test_a_workspace_is_read_page_by_page_with_its_own_token(
    synapse: SynapseReader, service: Server, data_plane: Server
) -> None:
    last = {"value": [{"name": "2"}], "nextLink": ""}
    first = {"value": [{"name": "1"}], "nextLink": f"{data_plane.url}/second"}
    data_plane.answer = lambda asked: Reply(body=last if asked.path == "/second" else first)
    assert [endpoint.name for endpoint in synapse.endpoints(WORKSPACE)] == ["1", "2"]
    assert {asked.token for asked in data_plane.asked} == {f"token-for-{SCOPE}"}
    assert {asked.token for asked in service.asked} == {"token-for-https://management.azure.com/.default"}


def test_a_workspace_that_leads_to_another_host_gets_its_token_nowhere(
    synapse: SynapseReader, service: Server, data_plane: Server
) -> None:
    data_plane.answer = lambda _: Reply(body={"value": [], "nextLink": f"{service.url}/next"})
    with pytest.raises(PermanentError):
        synapse.endpoints(WORKSPACE)
    data_plane.answer = lambda _: Reply(307, {}, {"Location": f"{service.url}/next"})
    with pytest.raises(PermanentError):
        synapse.endpoints(WORKSPACE)
    assert [path for path in service.paths if "/next" in path] == []


def test_a_workspaces_challenge_gets_no_token_for_another_resource(
    synapse: SynapseReader, data_plane: Server, identity: Identity
) -> None:
    challenge = 'Bearer authorization_uri="https://login.windows.net/t", resource_id="https://vault.azure.net"'
    data_plane.answer = lambda _: Reply(401, {}, {"WWW-Authenticate": challenge})
    with pytest.raises(PermanentError):
        synapse.endpoints(WORKSPACE)
    assert set(identity.scopes) == {SCOPE, "https://management.azure.com/.default"}


@pytest.mark.parametrize(
    "reply",
    [Reply(204), Reply(200), Reply(200, b"<html>"), Reply(200, "x"), Reply(200, {"value": "x"}), Reply(200, ["x"])],
    ids=str,
)
def test_what_is_no_list_is_no_workspace_without_endpoints(
    reply: Reply, synapse: SynapseReader, data_plane: Server
) -> None:
    data_plane.answer = lambda _: reply
    with pytest.raises(TransientError):
        synapse.endpoints(WORKSPACE)
