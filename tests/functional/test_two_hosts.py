"""The same event over and over, to two hosts at once: everything happens once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from local.host.process import HostProcess
from tests.events.catalogue import event
from tests.functional.hosts import deliver, fire_sweep, host_of, queued, until
from tests.functional.world import World, allow


@pytest.fixture(scope="module")
def hosts(lively_world: World) -> Iterator[list[HostProcess]]:
    with ExitStack() as running:
        yield [running.enter_context(host_of(lively_world)) for _ in range(2)]


def test_an_event_delivered_twenty_times_to_two_hosts_is_one_put_one_firewall_write_and_one_alert_id(
    lively_world: World, hosts: list[HostProcess]
) -> None:
    world = lively_world
    account, namespace, cluster = world.storage_account(), world.namespace(), world.cluster()
    firewall = {"publicNetworkAccess": "disabled", "settleSeconds": 1}
    world.policy({"adx": cluster.requester(), "hub": world.hub.requester()}, allow("adx", "hub", firewall=firewall))
    requests = [
        cluster.endpoint(account, "blob"), cluster.endpoint(account, "dfs"), world.hub.endpoint(account, "table"),
        cluster.endpoint(namespace, "namespace"), world.hub.endpoint(namespace, "namespace"),
    ]  # fmt: skip
    stranger = world.stranger().endpoint(account, "blob")

    with ThreadPoolExecutor(20) as event_grid:
        sent = [
            event_grid.submit(deliver, host, event("about-a-target/proxy-written.event-grid.json", target.id))
            for _ in range(10)
            for host in hosts
            for target in (account, namespace)
        ]
    assert {delivery.result() for delivery in sent} == {202}

    until(lambda: all(request.status == "Approved" for request in requests))
    until(lambda: account.firewall["publicNetworkAccess"] == namespace.firewall["namespace"] == "Disabled")
    until(lambda: queued(world) == 0, seconds=60)
    fire_sweep(hosts[0])  # the stranger is still Pending, so the sweep queues its target once more
    hosts[0].wait_for_log("sweep queued 1 targets")
    until(lambda: queued(world) == 0)

    puts = sorted(path for _, path in world.calls("PUT", "privateEndpointConnections"))
    assert puts == sorted(request.connection_id for request in requests)
    assert len(world.calls("PATCH", account.id)) == 1
    assert len(world.calls("PUT", f"{namespace.id}/networkRuleSets")) == 1
    assert stranger.status == "Pending"
    assert {alert["subject"] for alert in world.alerts()} == {stranger.connection_id}
    assert len({alert["id"] for alert in world.alerts()}) == 1
    for target, approved in ((account, 3), (namespace, 2)):
        decisions = world.recorded(target, "approved")
        assert len(decisions) == approved
        assert {d["firewall"]["outcome"] for d in decisions} <= {"tightened", "unchanged"}
    assert world.intents() == []
