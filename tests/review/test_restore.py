"""Putting a firewall back because a person asks: what is refused, what a person does meanwhile, and who finishes it."""

from __future__ import annotations

import pytest

from shared.errors import PermanentError, TransientError
from shared.policy.rules import Mode
from tests.review.azure import FOREVER, KINDS, KUSTO, SQL, STORAGE, Kind, MemoryTarget
from tests.review.points import die
from tests.review.world import World, closes
from tests.situations.world import OURS
from tests.unit.targets.resources import RULES, sql_rule

HOUR = 3600.0
each_kind = pytest.mark.parametrize("kind", KINDS, ids=str)


def tightened(world: World, kind: Kind) -> MemoryTarget:
    """A target whose firewall the app has closed."""
    world.policy(closes(kind, "people"))
    target = world.target(kind)
    world.azure.ask(target, OURS)
    world.wake(target)
    world.later(400)
    assert target.closed
    world.azure.writes.clear()
    return target


def code(answer: object) -> str:
    return str(getattr(answer, "body")["error"]["code"])  # noqa: B009 - an Answer of whatever status


@each_kind
def test_it_is_put_back_as_it_was_told_and_not_closed_again(world: World, kind: Kind) -> None:
    target = tightened(world, kind)
    (approval,) = world.history(target)

    assert world.restore(target).status in (200, 202)
    world.later(300)
    world.settle()

    assert target.open
    restored, approved = (entry.decision for entry in world.history(target))
    assert approved == approval.decision
    assert (restored.restores, restored.applied) == ((approved.decision_id,), True)
    assert world.alert_types() == ["FirewallLoosened"]
    assert world.record(target).snapshots == ()
    assert world.unfinished() == []
    assert world.breaks() == []


@each_kind
def test_hours_after_the_tightening_it_is_finished_as_soon_as_azure_is(world: World, kind: Kind) -> None:
    target = tightened(world, kind)
    world.later(5 * HOUR)

    world.restore(target)
    world.later(120)

    assert target.open
    assert world.record(target).restore is None


def test_nothing_kept_is_nothing_to_put_back(world: World) -> None:
    world.policy(closes(STORAGE, "people"))
    target = world.target(STORAGE)

    assert world.restore(target).status == 404


def test_what_somebody_has_changed_since_is_refused_and_put_back_by_force(world: World) -> None:
    target = tightened(world, STORAGE)
    target.parts[""]["properties"]["networkAcls"]["ipRules"] = []

    refused = world.restore(target)
    assert (refused.status, code(refused)) == (409, "FirewallChanged")
    assert world.azure.writes == []

    assert world.restore(target, force=True).status == 200
    assert target.open


def test_in_audit_mode_nothing_is_written_for_a_person_either(world: World) -> None:
    target = tightened(world, STORAGE)
    world.policy(closes(STORAGE, "people"), mode=Mode.AUDIT)

    refused = world.restore(target)

    assert (refused.status, code(refused)) == (409, "AuditMode")
    assert target.closed


def test_one_that_is_being_closed_is_refused(world: World) -> None:
    world.policy(closes(KUSTO, "people"))
    target = world.target(KUSTO)
    world.azure.ask(target, OURS)
    world.wake(target)
    while not world.azure.writes:
        world.later(5)

    refused = world.restore(target)

    assert (refused.status, code(refused)) == (409, "BeingTightened")
    world.later(300)
    assert target.closed


def test_a_lock_is_told_and_it_can_be_put_back_later(world: World) -> None:
    target = tightened(world, STORAGE)
    world.points.fail("PATCH firewall", PermanentError("409 ScopeLocked", code="ScopeLocked"))

    refused = world.restore(target)
    assert (refused.status, code(refused)) == (502, "ScopeLocked")
    assert world.unfinished() == []

    assert world.restore(target).status == 200
    assert target.open


# --- a person who closes it meanwhile


def test_a_person_who_closes_it_while_it_waits_is_not_overruled(world: World) -> None:
    target = tightened(world, STORAGE)
    world.points.fail("PATCH firewall", TransientError("429", code="TooManyRequests", retry_after=60))
    assert world.restore(target).status == 202
    target.parts[""]["properties"]["networkAcls"].update(defaultAction="Deny", ipRules=[])

    world.later(300)
    world.settle()

    assert target.access == "Disabled"
    assert world.azure.writes == []
    assert world.alerts() == []
    assert world.history(target)[0].decision.outcome == "failed"
    assert "somebody has changed" in str(world.history(target)[0].decision.problem)
    assert world.record(target).snapshots != (), "it can still be put back by force"
    assert world.unfinished() == []


def test_a_person_who_adds_a_rule_between_two_writes_is_not_overruled(world: World) -> None:
    target = tightened(world, SQL)
    added = sql_rule("new-office", "198.51.100.7", "198.51.100.9")
    world.points.on("GET operation", lambda: target.parts[RULES].append(added))

    world.restore(target)
    world.later(300)
    world.settle()

    assert "new-office" in [rule["name"] for rule in target.parts[RULES]]
    assert world.unfinished() == []


# --- others who finish it


@each_kind
@pytest.mark.parametrize("point", ["commit targets", "PATCH firewall"])
def test_a_dead_instance_leaves_it_to_the_sweep(world: World, kind: Kind, point: str) -> None:
    target = tightened(world, kind)
    world.points.on(point, die, "after")

    world.restore(target)
    world.settle()

    assert target.open
    assert world.alert_types() == ["FirewallLoosened"]
    assert world.unfinished() == []


def test_the_same_request_again_waits_for_the_one_that_runs(world: World) -> None:
    target = tightened(world, KUSTO)

    first, second = world.restore(target), world.restore(target)
    world.later(300)

    assert first.body["decisionId"] == second.body["decisionId"]
    assert len(world.azure.writes) == 1
    assert target.open


def test_an_operation_that_never_ends_keeps_the_wish_open_and_is_asked_about_seldom(world: World) -> None:
    target = tightened(world, KUSTO)
    world.azure.runs_next = FOREVER

    world.restore(target)
    world.later(3 * HOUR, sweeps=True)

    assert world.record(target).restore is not None
    assert len(world.azure.writes) == 1
    late = [at for at in world.azure.polls if at > 2 * HOUR]
    assert len(late) <= 2 * 14, "by the sweep and by its own retry, each every five minutes"
    world.azure.end_all()
    world.later(600, sweeps=True)
    assert target.open
    assert world.alert_types() == ["FirewallLoosened"]


def test_a_write_that_azure_takes_and_does_not_show_is_given_up_after_an_hour_and_told(world: World) -> None:
    target = tightened(world, STORAGE)
    target.ignores_writes = True

    assert world.restore(target).status == 202
    world.later(2 * HOUR, sweeps=True)

    assert len(world.azure.writes) == 1
    assert "does not show" in str(world.history(target)[0].decision.problem)
    assert world.record(target).restore is None
