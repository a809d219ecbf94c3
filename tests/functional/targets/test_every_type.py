"""What holds for every target type: from a request to Approved and tightened, once; a rejection; and ARM's errors."""

from __future__ import annotations

import pytest

from tests.functional.targets.kinds import KINDS, Kind
from tests.functional.world import World, allow, deny

CONNECTION = "/privateEndpointConnections/"

each_type = pytest.mark.parametrize("kind", KINDS, ids=str)


def hub_asks(world: World, kind: Kind) -> None:
    """A policy that approves the hub and asks for all that the type can do."""
    world.policy({"hub": world.hub.requester()}, allow("hub", firewall=kind.wish))


@each_type
def test_a_request_is_approved_and_the_firewall_closed_behind_it(world: World, kind: Kind) -> None:
    target = kind.make(world)
    hub_asks(world, kind)
    request = world.hub.endpoint(target, kind.group)

    world.wake(target)
    world.later(300)

    assert request.status == "Approved"
    assert kind.is_closed(target)
    (decision,) = world.recorded(target, "approved")
    assert (decision["applied"], decision["firewall"]["outcome"]) == (True, "tightened")
    assert decision["firewall"]["before"] != decision["firewall"]["after"]
    assert decision["firewall"]["preflight"]
    assert kind.description(request).endswith(decision["decisionId"])
    assert world.intents() == []
    assert world.alerts() == []


@pytest.mark.slow
@each_type
def test_a_request_that_no_event_told_of_is_found_by_the_sweep(world: World, kind: Kind) -> None:
    target = kind.make(world)
    hub_asks(world, kind)
    request = world.hub.endpoint(target, kind.group)

    assert world.sweep() == 1
    world.later(300)

    assert request.status == "Approved"


@each_type
def test_a_connection_is_put_once_however_long_its_operation_takes(world: World, kind: Kind) -> None:
    target = kind.make(world)
    hub_asks(world, kind)
    world.hub.endpoint(target, kind.group)

    world.wake(target)
    world.sweep()
    world.later(300)

    assert len(world.calls("PUT", CONNECTION)) == 1


@each_type
def test_a_second_review_writes_nothing(world: World, kind: Kind) -> None:
    target = kind.make(world)
    hub_asks(world, kind)
    world.hub.endpoint(target, kind.group)
    world.wake(target)
    world.later(300)
    world.forget_calls()

    world.wake(target)
    world.later(300)

    assert world.calls() == [("GET", f"{target.id}/privateEndpointConnections")]


@each_type
def test_a_rejected_request_stays_rejected_and_the_firewall_as_it_is(world: World, kind: Kind) -> None:
    target = kind.make(world)
    world.policy({"hub": world.hub.requester()}, deny("hub", effect="reject", name="no-hub"))
    request = world.hub.endpoint(target, kind.group)
    before = kind.firewall(target)

    world.wake(target)
    world.later(300)

    assert request.status == "Rejected"
    assert kind.firewall(target) == before
    assert [d["applied"] for d in world.recorded(target, "rejected")] == [True]
    assert world.alert_types() == ["RequestRejected"]


@pytest.mark.slow
@each_type
def test_a_dry_run_foretells_the_firewall_and_writes_nothing(world: World, kind: Kind) -> None:
    target = kind.make(world)
    hub_asks(world, kind)
    world.hub.endpoint(target, kind.group)

    (foretold,) = world.decided(target, dryRun=True)
    assert world.writes() == []
    world.wake(target)
    world.later(300)

    (done,) = world.recorded(target, "approved")
    assert foretold["firewall"] == done["firewall"] | {"preflight": foretold["firewall"]["preflight"]}


@pytest.mark.slow
@each_type
def test_a_firewall_that_is_closed_already_is_left_alone(world: World, kind: Kind) -> None:
    target = kind.make(world)
    hub_asks(world, kind)
    world.hub.endpoint(target, kind.group)
    world.wake(target)
    world.later(300)
    world.forget_calls()
    world.hub.endpoint(target, kind.group)

    world.wake(target)
    world.later(300)

    assert [path for method, path in world.writes() if CONNECTION not in path] == []
    outcomes = [d["firewall"]["outcome"] for d in world.recorded(target, "approved")]
    assert outcomes == ["unchanged", "tightened"]


@pytest.mark.slow
@each_type
def test_a_lock_is_told_and_nothing_is_tried_on_and_on(world: World, kind: Kind) -> None:
    target = kind.make(world)
    hub_asks(world, kind)
    request = world.hub.endpoint(target, kind.group)
    world.client.local("POST", "locks", {"scope": target.id, "level": "ReadOnly"})

    world.wake(target)
    world.later(300)

    assert request.status == "Pending"
    (decision,) = world.recorded(target)
    assert (decision["outcome"], decision["applied"]) == ("failed", False)
    assert "ScopeLocked" in decision["problem"]
    assert len(world.calls("PUT", CONNECTION)) == 1
    assert world.alert_types() == ["ApprovalFailed"]


@pytest.mark.slow
@each_type
@pytest.mark.parametrize(("status", "code"), [(409, "AnotherOperationInProgress"), (429, "TooManyRequests"), (503, "X"),
                                              (412, "PreconditionFailed")])  # fmt: skip
def test_what_passes_by_itself_is_tried_again_without_an_alert(
    world: World, kind: Kind, status: int, code: str
) -> None:
    target = kind.make(world)
    hub_asks(world, kind)
    request = world.hub.endpoint(target, kind.group)
    world.fault("PUT", CONNECTION, status=status, code=code, headers={"Retry-After": "30"})

    world.wake(target)
    assert request.status == "Pending"
    world.later(400)

    assert request.status == "Approved"
    assert kind.is_closed(target)
    assert world.alerts() == []


@pytest.mark.slow
@each_type
def test_a_target_that_is_gone_leaves_nothing_to_do(world: World, kind: Kind) -> None:
    target = kind.make(world)
    hub_asks(world, kind)
    world.hub.endpoint(target, kind.group)
    world.azure.arm("DELETE", target.id, kind.version)
    world.time.advance(60)

    world.wake(target)

    assert world.writes() == []
    assert world.alerts() == []


@pytest.mark.slow
@each_type
def test_a_firewall_that_arm_refuses_to_write_is_told_and_leaves_nothing_to_put_back(world: World, kind: Kind) -> None:
    target = kind.make(world)
    hub_asks(world, kind)
    world.hub.endpoint(target, kind.group)
    world.wake(target)
    world.client.local("POST", "locks", {"scope": target.id, "level": "ReadOnly"})
    before = kind.firewall(target)

    world.later(300)

    (decision,) = world.recorded(target, "approved")
    assert decision["firewall"]["outcome"] == "failed"
    assert "ScopeLocked" in decision["firewall"]["problem"]
    assert kind.firewall(target) == before
    assert world.alert_types() == ["FirewallFailed"]
    assert world.snapshots() == []
