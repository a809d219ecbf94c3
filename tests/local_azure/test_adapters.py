"""The app's adapters against the local Azure: lists of several pages, what is gone, and a provider that fills in fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from azure.identity import ManagedIdentityCredential

from local.azure.process import AzureProcess
from shared.azure.arm import Arm
from shared.errors import ApproverError
from shared.model.firewall import FirewallWish
from shared.model.target_types import TARGET_TYPES, TargetType, type_of
from shared.resource_id import ResourceId, parse
from shared.targets.arm_resource import ArmResources
from shared.targets.base import Adapter
from shared.targets.event_hubs import EventHubsNamespaces
from shared.targets.firewall_steps import next_restoring, next_tightening, restored
from shared.targets.sdk import ManagementClients
from shared.targets.storage import StorageAccounts
from tests.local_azure.conftest import Estate
from tests.local_azure.targets import BY_TYPE, KINDS, Kind
from tests.local_azure.test_targets import make, pending

PAGE = 100
VAULT, NAMESPACE = BY_TYPE["Microsoft.KeyVault/vaults"], BY_TYPE["Microsoft.EventHub/namespaces"]
SQL, STORAGE = BY_TYPE["Microsoft.Sql/servers"], BY_TYPE["Microsoft.Storage/storageAccounts"]
MakeAdapter = Callable[[ResourceId], Adapter]


@pytest.fixture
def arm(azure: AzureProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[Arm]:
    """The app's ARM client, found by the settings that the local Azure printed."""
    for name, value in azure.settings.items():
        monkeypatch.setenv(name, value)
    client = Arm(azure.url, "https://management.azure.com", ManagedIdentityCredential())
    yield client
    client.close()


@pytest.fixture
def adapter(azure: AzureProcess, arm: Arm) -> MakeAdapter:
    """The adapter of a target."""
    clients = ManagementClients(ManagedIdentityCredential(), azure.url, "https://management.azure.com")
    with_sdk = {STORAGE.type: StorageAccounts, NAMESPACE.type: EventHubsNamespaces}

    def make_adapter(target: ResourceId) -> Adapter:
        kind = type_of(target)
        return with_sdk[kind.name](kind, clients) if kind.name in with_sdk else ArmResources(kind, arm)

    return make_adapter


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_short_list_is_one_page_and_read_once(
    home: Estate, stranger: Estate, kind: Kind, adapter: MakeAdapter
) -> None:
    target, connection = pending(home, stranger, kind)
    listed = adapter(parse(target)).list_connections(parse(target))
    assert (listed.pages, listed.agreed) == (1, True)
    assert [one.id for one in listed.connections] == [connection["id"]]
    assert len(home.calls("GET", "privateEndpointConnections")) == 2, "one of them is the test's own"


@pytest.mark.parametrize("kind", [NAMESPACE, VAULT, SQL], ids=str)
def test_a_list_of_several_pages_is_read_until_two_in_a_row_are_the_same(
    home: Estate, stranger: Estate, kind: Kind, adapter: MakeAdapter
) -> None:
    target = make(home, kind)
    for index in range(PAGE + 1):
        stranger.endpoint(target, kind.group, name=f"pe{index:03d}").ok()
    listed = adapter(parse(target)).list_connections(parse(target))
    assert (listed.pages, listed.agreed) == (2, True)
    assert len({one.id for one in listed.connections}) == PAGE + 1
    assert len(home.calls("GET", "privateEndpointConnections")) == 4


def test_firewall_rules_come_in_pages_too(home: Estate, adapter: MakeAdapter) -> None:
    server = make(home, SQL)
    ends = {"startIpAddress": "203.0.113.7", "endIpAddress": "203.0.113.7"}
    for index in range(PAGE + 1):
        home.arm("PUT", f"{server}/firewallRules/r{index}", SQL.version, {"properties": ends}).ok()
    assert len(adapter(parse(server)).firewall(parse(server)).firewall.rules) == PAGE + 1


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_only_a_404_says_that_a_target_or_a_connection_is_gone(
    home: Estate, stranger: Estate, kind: Kind, adapter: MakeAdapter
) -> None:
    target, _ = pending(home, stranger, kind)
    it, this = adapter(parse(target)), parse(target)
    (listed,) = it.connections(this)
    assert it.exists(this)
    assert it.connection(this, listed) == listed
    for status in (500, 503, 403, 429):
        fault = {"match": {"method": "GET", "pathContains": this.name}, "times": 6, "answer": {"status": status}}
        home.client.local("POST", "faults", fault)
        with pytest.raises(ApproverError, match=str(status)):
            it.exists(this)
        with pytest.raises(ApproverError, match=str(status)):
            it.connection(this, listed)
        home.client.local("DELETE", "faults")
    home.arm("DELETE", listed.id, kind.version)
    home.pass_time(120)
    assert it.connection(this, listed) is None
    assert it.exists(this)
    home.arm("DELETE", target, kind.version)
    home.pass_time(1200)
    assert not it.exists(this)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_types_that_use_a_connections_name_again_say_so(home: Estate, stranger: Estate, kind: Kind) -> None:
    target = make(home, kind)
    names = set()
    for _ in range(2):
        endpoint = stranger.endpoint(target, kind.group, name="again").ok()["id"]
        (connection,) = home.connections(target, kind.version)
        names.add(connection["name"])
        stranger.arm("DELETE", endpoint, "2024-01-01")
        home.pass_time(120)
        assert home.connections(target, kind.version) == []
    described: TargetType = type_of(parse(target))
    assert described.reuses_names or len(names) == 2
    assert len(names) == 2 or kind is VAULT


def test_an_account_that_fills_in_fields_of_its_rules_is_closed_and_restored_by_one_request_each(
    home: Estate, adapter: MakeAdapter
) -> None:
    home.client.local("PUT", "quirks", {"storageRulesAsGiven": True})
    try:
        account = home.storage(networkAcls={"defaultAction": "Allow", "ipRules": [{"value": "203.0.113.7"}]})
        home.pass_time(60)
    finally:
        home.client.local("PUT", "quirks", {"storageRulesAsGiven": False})
    target = parse(account)
    it, kind = adapter(target), TARGET_TYPES["microsoft.storage/storageaccounts"]
    before = it.firewall(target)
    assert before.state["networkAcls"]["ipRules"] == [{"value": "203.0.113.7"}]

    request = next_tightening(kind, before, FirewallWish("selectedNetworks")).request
    assert request
    it.send(target, request)
    closed = it.firewall(target)
    assert closed.state["networkAcls"]["ipRules"] == [{"value": "203.0.113.7", "action": "Allow"}]
    assert next_tightening(kind, closed, FirewallWish("selectedNetworks")).reached

    back = next_restoring(kind, closed, before.state).request
    assert back
    it.send(target, back)
    opened = it.firewall(target)
    assert restored(kind, opened, before.state)
    assert next_restoring(kind, opened, before.state).reached
    assert len(home.calls("PATCH")) == 2
