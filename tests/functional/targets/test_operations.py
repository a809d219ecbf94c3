"""Operations that run on: never waited for longer than 20 s, and finished whoever dies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.app import build
from shared.resource_id import parse
from shared.triggers.messages import ReviewMessage
from tests.functional.estate import Target
from tests.functional.targets.kinds import (
    DIGITAL_TWINS,
    EVENT_HUBS,
    IOT_HUB,
    KEY_VAULT,
    KINDS,
    KUSTO,
    SERVICE_BUS,
    SQL,
    STORAGE,
    Kind,
)
from tests.functional.world import World, allow

CONNECTION = "/privateEndpointConnections/"

approving = pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not STORAGE], ids=str)
writing = pytest.mark.parametrize("kind", [IOT_HUB, SQL, KUSTO, DIGITAL_TWINS], ids=str)


def hub_asks(world: World, kind: Kind) -> None:
    world.policy({"hub": world.hub.requester()}, allow("hub", firewall=kind.wish))


def review_and_die(world: World, target: Target, cause: str) -> None:
    """An instance reviews the target and dies when it begins to wait for ARM's operation."""

    def die(_seconds: float) -> None:
        raise SystemExit

    clocks = replace(world.time.clocks, sleep=die)
    instance = build(world.settings, root=world.folder, clocks=clocks, messages=world.queue)
    with pytest.raises(SystemExit):
        instance.message_handler.handle(ReviewMessage(parse(target.id), cause), None)
    world.queue.waiting.clear()  # the message that it took comes back after ten minutes: only the sweep is sooner


@approving
def test_an_approval_is_finished_by_the_next_instance_with_the_same_decision_and_no_second_put(
    world: World, kind: Kind
) -> None:
    target = kind.make(world)
    hub_asks(world, kind)
    request = world.hub.endpoint(target, kind.group)

    review_and_die(world, target, "event")
    world.sweep()
    world.later(300)

    assert request.status == "Approved"
    assert kind.is_closed(target)
    assert len(world.calls("PUT", CONNECTION)) == 1
    (decision,) = world.recorded(target, "approved")
    assert (decision["applied"], decision["firewall"]["outcome"]) == (True, "tightened")
    assert kind.description(request).endswith(decision["decisionId"])
    assert world.intents() == []
    assert world.alerts() == []


@writing
def test_a_firewall_that_is_being_written_is_finished_by_the_next_instance_which_knows_what_it_was(
    world: World, kind: Kind
) -> None:
    target = kind.make(world)
    hub_asks(world, kind)
    world.hub.endpoint(target, kind.group)
    foretold = world.decided(target, dryRun=True)[0]["firewall"]
    world.wake(target)
    world.later(30)
    assert world.queue.causes == ["settle"] or world.queue.causes == ["retry"]
    while "settle" not in world.queue.causes:
        world.later(15)
    world.time.advance(100)

    review_and_die(world, target, "settle")
    world.sweep()
    world.later(300)

    assert kind.is_closed(target)
    (decision,) = world.recorded(target, "approved")
    told = decision["firewall"]
    assert (told["outcome"], told["before"], told["after"]) == ("tightened", foretold["before"], foretold["after"])
    assert set(told["preflight"]) <= set(foretold["preflight"]), "what was Pending then is not now"
    assert len(world.snapshots()) == 1
    assert world.intents() == []


@pytest.mark.parametrize("kind", [EVENT_HUBS, SERVICE_BUS, KEY_VAULT], ids=str)
def test_an_approval_that_arm_takes_and_fails_to_carry_out_closes_no_firewall(world: World, kind: Kind) -> None:
    target = kind.make(world)
    hub_asks(world, kind)
    request = world.hub.endpoint(target, kind.group)
    review_and_die(world, target, "event")
    snapshot = world.client.local("GET", "snapshot")
    for connection in snapshot["state"]["connections"]:
        if connection["target"] == target.id:
            connection["provisioning"] = "Failed"
    jobs = [job for job in snapshot["jobs"] if request.connection_id.rpartition("/")[2] not in str(job)]
    world.client.local("PUT", "snapshot", snapshot | {"jobs": jobs})

    world.sweep()
    world.later(300)

    assert not kind.is_closed(target)
    (decision,) = world.recorded(target, "failed")
    assert "provisioning failed" in decision["problem"]
    assert world.intents() == []
