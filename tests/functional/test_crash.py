"""A host dies at the worst moments; after a restart and a sweep all is as if it had not."""

from __future__ import annotations

import pytest

from local.host.process import HostProcess
from shared.resource_id import parse
from shared.triggers.messages import ReviewMessage
from tests.functional.estate import Request, Target
from tests.functional.hosts import enqueue, fire_sweep, host_of, until
from tests.functional.world import World, allow

HANGS = 15
"""Seconds that ARM would take for its answer: the host is dead by then."""


@pytest.mark.slow
def test_a_host_killed_at_every_bad_moment_leaves_nothing_undone_and_does_nothing_twice(lively_world: World) -> None:
    world = lively_world
    before_put, after_put, operating, tightening = (
        world.storage_account(), world.storage_account(), world.namespace(), world.storage_account(),
    )  # fmt: skip
    targets = [before_put, after_put, operating, tightening]
    cluster = world.cluster()
    firewall = {"publicNetworkAccess": "disabled", "settleSeconds": 0}
    world.policy({"adx": cluster.requester(), "hub": world.hub.requester()}, allow("adx", "hub", firewall=firewall))
    requests = {
        target.id: cluster.endpoint(target, "namespace" if target is operating else "blob") for target in targets
    }

    with host_of(world) as host:
        hung = [
            world.fault("PUT", requests[before_put.id].connection_id, status=503, delaySeconds=HANGS),
            world.fault("GET", f"{requests[after_put.id].connection_id}$", delaySeconds=HANGS),
            world.fault("GET", f"{requests[operating.id].connection_id}/operationStatus", delaySeconds=HANGS),
            world.fault("PATCH", f"{tightening.id}$", status=503, delaySeconds=HANGS),
        ]
        enqueue(world, *(ReviewMessage(parse(target.id), "event").to_text() for target in targets))
        until(lambda: all(world.seen(fault) for fault in hung))
        host.kill()

    assert [requests[t.id].status for t in targets] == ["Pending", "Approved", "Approved", "Approved"]
    assert {intent.phase for intent in world.intents()} == {"deciding", "tightening"}
    assert {t.firewall["publicNetworkAccess"] for t in targets} == {"Enabled"}
    world.client.local("DELETE", "faults")

    with host_of(world) as host:
        sweep_until_done(world, host, targets)

    for target in targets:
        as_if_undisturbed(world, target, requests[target.id])
    assert world.alerts() == []


def sweep_until_done(world: World, host: HostProcess, targets: list[Target]) -> None:
    """One sweep; the dead host's leases run out after half a minute, and the messages are retried until then."""
    fire_sweep(host)
    host.wait_for_log(r"sweep queued 4 targets")
    until(lambda: world.intents() == [] and all(closed(target) for target in targets), seconds=90)


def closed(target: Target) -> bool:
    return bool(target.firewall["publicNetworkAccess"] == "Disabled")


def as_if_undisturbed(world: World, target: Target, request: Request) -> None:
    assert request.status == "Approved"
    assert len(world.calls("PUT", request.connection_id, successful=True)) == 1
    (decision,) = world.recorded(target, "approved")
    assert (decision["applied"], decision["firewall"]["outcome"]) == (True, "tightened")
    assert decision["firewall"]["before"]["publicNetworkAccess"] == "Enabled"
    assert request.description.endswith(f"decision {decision['decisionId']}")
