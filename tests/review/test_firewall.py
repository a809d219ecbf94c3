"""Closing the firewall behind an approval: when, as the policy in force asks, with what result, and never twice."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import PermanentError, TransientError
from shared.ledger.record import Phase
from shared.model.decision import FirewallOutcome
from shared.model.firewall import FirewallWish
from shared.policy.rules import Mode, Rule, Targets
from tests.review.azure import FOREVER, KINDS, KUSTO, SQL, STORAGE, Asked, Kind, MemoryTarget
from tests.review.points import die
from tests.review.world import World, closes
from tests.situations.world import OURS, THEIRS, allow
from tests.unit.targets.resources import RULES, sql_rule

HOUR = 3600.0
each_kind = pytest.mark.parametrize("kind", KINDS, ids=str)
each_slow_kind = pytest.mark.parametrize("kind", [k for k in KINDS if k.writes_in], ids=str)


def approved(world: World, kind: Kind, *rules: Rule) -> tuple[MemoryTarget, Asked]:
    """A target with an approved connection, whose firewall is due in a minute."""
    world.policy(*rules or (closes(kind, "people"),))
    target = world.target(kind)
    asked = world.azure.ask(target, OURS)
    world.wake(target)
    while not any(intent.phase is Phase.TIGHTENING for intent in world.intents()):
        world.later(1)
    return target, asked


def outcome(world: World, target: MemoryTarget, of: str = "approved") -> FirewallOutcome:
    """What became of the firewall, as the newest decision with that outcome tells."""
    found = next(e.decision.firewall for e in world.history(target) if e.decision.outcome == of)
    assert found is not None
    return found


@each_kind
def test_it_is_closed_after_the_settling_time_and_the_decision_tells_before_and_after(world: World, kind: Kind) -> None:
    target, _ = approved(world, kind)
    assert outcome(world, target).outcome == "deferred"
    assert outcome(world, target).preflight != ()
    (due,) = {intent.due_at for intent in world.intents()}
    assert due is not None

    world.later((due - world.now()).total_seconds() - 1)
    assert world.azure.writes == []
    world.later(300)

    assert target.closed
    told = outcome(world, target)
    assert (told.outcome, told.problem) == ("tightened", None)
    assert told.before is not None
    assert told.after is not None
    assert (told.before["publicNetworkAccess"], told.after["publicNetworkAccess"]) == ("Enabled", "Disabled")
    assert world.alerts() == []
    assert world.unfinished() == []


@each_kind
def test_one_that_is_closed_already_is_unchanged_and_not_written(world: World, kind: Kind) -> None:
    target, _ = approved(world, kind)
    for part in target.parts.values():
        if isinstance(part, dict):
            part["properties"]["publicNetworkAccess"] = "Disabled"
    target.parts.pop(RULES, None) if kind is not SQL else target.parts.update({RULES: []})

    world.later(300)

    assert outcome(world, target).outcome == "unchanged"
    assert world.azure.writes == []
    assert world.record(target).snapshots == ()
    assert world.unfinished() == []


def test_two_approvals_that_settle_together_close_it_with_one_write(world: World) -> None:
    world.policy(closes(STORAGE, "people"))
    target = world.target(STORAGE)
    for _ in range(2):
        world.azure.ask(target, OURS)

    world.wake(target)
    world.later(300)

    assert len(world.azure.writes) == 1
    assert {entry.decision.firewall.outcome for entry in world.history(target) if entry.decision.firewall} == {
        "tightened"
    }


def test_what_strangers_ask_for_does_not_delay_it(world: World) -> None:
    target, _ = approved(world, STORAGE)
    for _ in range(12):
        world.azure.ask(target, THEIRS)
    world.wake(target)

    world.later(61)

    assert target.closed


# --- refusals


def test_a_refusal_that_stays_is_told_once_and_tried_again_after_an_hour(world: World) -> None:
    target, _ = approved(world, STORAGE)
    refusal = world.points.fail("PATCH firewall", PermanentError("409 ScopeLocked", code="ScopeLocked"), times=2)

    world.later(HOUR, sweeps=True)
    assert refusal.times == 1
    told = outcome(world, target)
    assert (told.outcome, told.problem) == ("failed", "409 ScopeLocked")
    assert world.alert_types() == ["FirewallFailed"]
    assert world.record(target).snapshots == (), "what was refused as a whole leaves nothing to put back"
    world.later(2 * HOUR, sweeps=True)

    assert target.closed
    assert outcome(world, target).outcome == "tightened"
    assert world.alert_types() == ["FirewallFailed"]
    assert not any(state.active for state in world.record(target).alerts.values())


def test_a_refusal_is_tried_again_at_once_under_another_policy(world: World) -> None:
    target, _ = approved(world, STORAGE)
    world.points.fail("PATCH firewall", PermanentError("409 ScopeLocked", code="ScopeLocked"))
    world.later(70)

    world.policy(closes(STORAGE, "people", owner="somebody else"))
    world.sweep()

    assert target.closed


def test_a_refusal_that_may_pass_is_tried_again_when_arm_has_said_and_nobody_is_alerted(world: World) -> None:
    target, _ = approved(world, STORAGE)
    world.points.fail("PATCH firewall", TransientError("429", code="TooManyRequests", retry_after=45))

    world.later(100)
    assert target.access == "Enabled"
    world.later(10)

    assert target.closed
    assert world.alerts() == []


@each_slow_kind
def test_an_operation_on_it_that_fails_is_told_with_what_arm_says(world: World, kind: Kind) -> None:
    target, _ = approved(world, kind)
    world.azure.fails_next = ("FirewallConflict", "no")

    world.later(300)

    told = outcome(world, target)
    assert told.outcome == "failed"
    assert "FirewallConflict: no" in str(told.problem)
    assert world.alert_types() == ["FirewallFailed"]


@each_slow_kind
def test_an_operation_on_it_that_fails_for_a_reason_that_may_pass_is_begun_again(world: World, kind: Kind) -> None:
    target, _ = approved(world, kind)
    world.azure.fails_next = ("AnotherOperationInProgress", "wait")

    world.later(400)

    assert target.closed
    assert outcome(world, target).outcome == "tightened"
    assert world.alerts() == []


@pytest.mark.parametrize("call", ["PATCH firewall", "GET target"])
def test_what_fails_for_an_hour_for_a_reason_that_may_pass_is_told(world: World, call: str) -> None:
    target, _ = approved(world, STORAGE)
    outage = world.points.fail(call, TransientError("503", code="ServiceUnavailable"), times=9999)

    world.later(50 * 60, sweeps=True)
    assert world.alerts() == []
    world.later(HOUR, sweeps=True)
    assert world.alert_types() == ["FirewallFailed"]
    outage.times = 0
    world.later(HOUR, sweeps=True)

    assert target.closed
    assert world.alert_types() == ["FirewallFailed"]
    assert world.unfinished() == []


def test_a_firewall_that_is_closed_already_and_need_not_settle_is_told_in_one_row(world: World) -> None:
    rule = closes(STORAGE, "people")
    world.policy(replace(rule, firewall=FirewallWish("disabled", "keep", 0)))
    target = world.target(STORAGE)
    target.parts[""]["properties"]["publicNetworkAccess"] = "Disabled"
    world.azure.ask(target, OURS)

    world.wake(target)
    world.later(30)

    assert world.outcomes(target) == ["approved"]
    assert outcome(world, target).outcome == "unchanged"
    assert world.errors == []


@each_slow_kind
def test_an_operation_on_it_that_runs_for_six_hours_is_one_alert_and_asked_about_every_five_minutes(
    world: World, kind: Kind
) -> None:
    target, _ = approved(world, kind)
    world.azure.runs_next = FOREVER

    world.later(6 * HOUR, sweeps=True)

    assert world.alert_types() == ["FirewallFailed"]
    assert len(world.azure.writes) == 1
    late = [at for at in world.azure.polls if at > 1.1 * HOUR]
    assert 4.9 * 12 - 3 <= len(late) <= 4.9 * 12 + 1
    world.azure.end_all()
    world.later(600, sweeps=True)

    assert target.closed
    assert outcome(world, target).outcome == "tightened"
    assert not any(state.active for state in world.record(target).alerts.values())
    assert world.unfinished() == []


def test_an_unreadable_firewall_is_told_and_tried_again(world: World) -> None:
    target, _ = approved(world, STORAGE)
    world.points.fail("GET target", PermanentError("403 AuthorizationFailed", code="AuthorizationFailed"), times=1)

    world.later(70)
    assert outcome(world, target).problem == "403 AuthorizationFailed"
    assert world.alert_types() == ["FirewallFailed"]
    world.later(1.5 * HOUR, sweeps=True)

    assert target.closed


@each_kind
def test_a_write_that_azure_takes_and_does_not_show_is_not_sent_again_and_told_after_an_hour(
    world: World, kind: Kind
) -> None:
    target, _ = approved(world, kind)
    target.ignores_writes = True

    world.later(0.9 * HOUR, sweeps=True)
    first = [write for _, write in world.azure.writes]
    assert len(first) == 1
    assert world.alerts() == []
    world.later(HOUR, sweeps=True)

    assert world.alert_types() == ["FirewallFailed"]
    assert "does not show" in str(outcome(world, target).problem)


@pytest.mark.parametrize("adds", [{"action": "Allow"}, {"state": "Succeeded"}, {"action": "Allow", "added": True}])
def test_what_azure_adds_to_every_rule_by_itself_causes_no_further_writes(
    world: World, adds: dict[str, object]
) -> None:
    wish = FirewallWish("selectedNetworks", "deny", 60)
    target, _ = approved(world, STORAGE, allow("people", firewall=wish))
    target.shows = lambda parts: [
        rule.update(adds)
        for rules in parts[""]["properties"]["networkAcls"].values()
        for rule in (rules if isinstance(rules, list) else ())
    ]

    world.later(HOUR, sweeps=True)

    assert len(world.azure.writes) == 1
    assert outcome(world, target).outcome == "tightened"
    assert world.alerts() == []


# --- the policy in force when it is due

OBSOLETE: dict[str, Callable[[Rule], list[Rule]]] = {
    "the rule is gone": lambda rule: [replace(rule, name="another")],
    "the rule asks for nothing": lambda rule: [replace(rule, firewall=None)],
    "the rule only audits": lambda rule: [replace(rule, mode=Mode.AUDIT)],
    "the rule has expired": lambda rule: [replace(rule, expires=(World().now() - timedelta(days=1)).date())],
    "the rule is for other targets": lambda rule: [
        replace(rule, targets=Targets(types=frozenset({"microsoft.keyvault/vaults"})))
    ],
}


@pytest.mark.parametrize("why", OBSOLETE)
@pytest.mark.parametrize("when", ["before it is due", "while it is due"])
def test_what_the_policy_asks_no_more_is_not_done(world: World, why: str, when: str) -> None:
    rule = closes(STORAGE, "people")
    target, asked = approved(world, STORAGE, rule)

    def change() -> None:
        world.policy(*OBSOLETE[why](rule))

    if when == "before it is due":
        change()
    else:
        world.later(55)
        world.points.on("commit targets", change, "after")
    world.settle()

    assert world.azure.writes == []
    assert outcome(world, target).outcome == "notAsked"
    assert asked.status == "Approved"
    assert world.unfinished() == []


def test_a_policy_that_only_audits_leaves_it_open_for_as_long(world: World) -> None:
    rule = closes(STORAGE, "people")
    target, _ = approved(world, STORAGE, rule)

    world.policy(rule, mode=Mode.AUDIT)
    world.later(HOUR, sweeps=True)

    assert world.azure.writes == []
    assert target.open


def test_what_the_policy_asks_by_then_is_done_and_not_what_it_asked_before(world: World) -> None:
    rule = closes(STORAGE, "people")
    target, _ = approved(world, STORAGE, rule)

    world.policy(replace(rule, firewall=FirewallWish("selectedNetworks", "keep", 60)))
    world.later(300)

    acls = target.parts[""]["properties"]["networkAcls"]
    assert (target.access, acls["defaultAction"]) == ("Enabled", "Deny")


# --- other people


def test_a_rule_that_a_person_adds_while_azure_writes_stays(world: World) -> None:
    target, _ = approved(world, SQL)
    added = sql_rule("new-office", "198.51.100.7", "198.51.100.9")

    world.points.on("GET operation", lambda: target.parts[RULES].append(copy.deepcopy(added)))
    world.later(300)

    assert [rule["name"] for rule in target.parts[RULES]] == ["office", "new-office"]
    assert target.closed
    assert outcome(world, target).outcome == "tightened"


@pytest.mark.parametrize("status", ["Rejected", ""])
def test_an_approval_that_a_person_takes_back_closes_nothing(world: World, status: str) -> None:
    target, asked = approved(world, STORAGE)
    if status:
        asked.decide(status)
    else:
        asked.withdraw()

    world.settle()

    assert world.azure.writes == []
    assert world.unfinished() == []
    assert world.outcomes(target) == (["unchanged", "approved"] if status else ["approved"])
    assert outcome(world, target, "approved").outcome == "notAsked"
    assert world.breaks() == []
    assert world.errors == []


@pytest.mark.parametrize("how", ["withdrawn", "rejected", "the policy asks no more"])
@each_kind
def test_what_was_begun_when_nobody_asks_any_more_is_told_and_can_be_put_back(
    world: World, kind: Kind, how: str
) -> None:
    target, asked = approved(world, kind)
    acts: dict[str, Callable[[], None]] = {
        "withdrawn": asked.withdraw,
        "rejected": lambda: asked.decide("Rejected"),
        "the policy asks no more": lambda: world.policy(allow("people")),
    }
    world.points.on("PATCH firewall", acts[how], "after")

    world.later(300)
    world.settle()

    assert world.unfinished() == []
    assert outcome(world, target).outcome == "tightened"
    (kept,) = world.record(target).snapshots
    assert not kept.being_written
    assert world.alerts() == []
    assert world.breaks() == []
    assert world.errors == []
    assert world.restore(target).status in (200, 202)
    world.later(300)
    assert target.open


def test_what_was_about_to_begin_when_nobody_asks_any_more_leaves_nothing_to_put_back(world: World) -> None:
    target, asked = approved(world, STORAGE)
    world.later(55)
    world.points.on("commit targets", lambda: world.policy(allow("people")), "after")

    world.settle()

    assert (world.azure.writes, asked.status) == ([], "Approved")
    assert world.record(target).snapshots == ()
    assert outcome(world, target).outcome == "notAsked"


def test_a_crash_right_after_the_write_still_says_tightened_and_knows_what_it_was(world: World) -> None:
    target, _ = approved(world, STORAGE)
    world.points.on("PATCH firewall", die, "after")

    world.later(70)
    world.settle()

    told = outcome(world, target)
    assert told.outcome == "tightened"
    (kept,) = world.record(target).snapshots
    assert kept.before["publicNetworkAccess"] == "Enabled"
    assert len(world.azure.writes) == 1


def test_another_approval_that_is_unfinished_delays_it_for_an_hour_at_most(world: World) -> None:
    target, _ = approved(world, KUSTO)
    world.azure.ask(target, OURS)
    world.azure.runs_next = FOREVER
    world.wake(target)

    world.later(50 * 60)
    assert target.access == "Enabled"
    world.later(20 * 60)

    assert target.closed
