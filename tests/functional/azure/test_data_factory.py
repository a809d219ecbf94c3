"""A factory's managed virtual networks in the local Azure: whatever their name, and what reading them costs."""

from __future__ import annotations

import uuid

import pytest

from tests.functional.estate import READY, Json
from tests.functional.world import World, allow

VERSION = "2018-06-01"


@pytest.fixture
def world(world: World, trusting: None, monkeypatch: pytest.MonkeyPatch) -> World:
    del trusting
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, world.settings[name])
    return world


def factory(world: World, *networks: str) -> str:
    group = f"/subscriptions/{world.home.subscription}/resourceGroups/rg-adf"
    made = f"{group}/providers/Microsoft.DataFactory/factories/adf{uuid.uuid4().hex[:10]}"
    world.azure.arm("PUT", made, VERSION, {"location": "westeurope"})
    for network in networks:
        world.azure.arm("PUT", f"{made}/managedVirtualNetworks/{network}", VERSION, {"properties": {}})
    world.policy({"adf": {"service": "dataFactory", "resource": made}}, allow("adf"))
    return made


def ask(world: World, network: str, account: str) -> str:
    """A managed private endpoint called `mpe` below the network; its id."""
    endpoint = f"{network}/managedPrivateEndpoints/mpe"
    wanted: Json = {"privateLinkResourceId": account, "groupId": "blob"}
    world.azure.arm("PUT", endpoint, VERSION, {"properties": wanted})
    world.time.advance(READY)
    return endpoint


def status(world: World, endpoint: str) -> str:
    (one,) = world.azure.connections(endpoint)
    return str(one["status"])


@pytest.mark.parametrize("name", ["default", "corp-network"])
def test_a_request_is_approved_whatever_its_managed_network_is_called(world: World, name: str) -> None:
    account, made = world.storage_account(), factory(world, name)
    endpoint = ask(world, f"{made}/managedVirtualNetworks/{name}", account.id)
    world.forget_calls()

    world.wake(account)

    assert status(world, endpoint) == "Approved"
    assert world.alerts() == []
    networks = f"{made}/managedVirtualNetworks"
    once = [("GET", networks), ("GET", f"{networks}/{name}/managedPrivateEndpoints")]
    assert world.calls("", made) == once * 2, "before the list of connections and after it"


def test_two_endpoints_of_one_name_in_two_networks_are_two(world: World) -> None:
    first, second, made = world.storage_account(), world.storage_account(), factory(world, "one", "two")
    endpoints = [
        ask(world, f"{made}/managedVirtualNetworks/{network}", account.id)
        for network, account in (("one", first), ("two", second))
    ]
    world.wake(first)
    world.wake(second)
    assert [status(world, endpoint) for endpoint in endpoints] == ["Approved", "Approved"]
    assert world.alerts() == []
