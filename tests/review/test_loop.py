"""The review as a loop: what becomes of requests, whatever ARM, other people and time do meanwhile."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from shared.errors import NotFoundError, PermanentError, TransientError
from shared.ledger.record import SpentEndpoint
from shared.policy.rules import Mode
from shared.review.review import Trigger
from tests.review.azure import EVENT_HUBS, FOREVER, KINDS, KUSTO, STORAGE, Kind, MemoryTarget
from tests.review.world import World, closes
from tests.situations.world import ELSEWHERE, OURS, PARTNERS, THEIRS, allow, deny, private_endpoint, reject

HOUR = 3600.0
each_kind = pytest.mark.parametrize("kind", KINDS, ids=str)
each_slow_kind = pytest.mark.parametrize("kind", [k for k in KINDS if k.decides_in], ids=str)


@pytest.fixture
def account(world: World) -> MemoryTarget:
    """A storage account, and a policy that approves our people."""
    world.policy(allow("people"))
    return world.target(STORAGE)


# --- what the policy says is done


@each_kind
def test_an_approval_is_written_read_back_recorded_and_told(world: World, kind: Kind) -> None:
    world.policy(allow("people"))
    target = world.target(kind)
    asked = world.azure.ask(target, OURS, "please")

    world.wake(target)
    world.later(120)

    (entry,) = world.history(target)
    decision = entry.decision
    assert (decision.outcome, decision.applied, decision.problem) == ("approved", True, None)
    assert (decision.request_message, decision.previous_status) == ("please", "Pending")
    assert asked.status == "Approved"
    assert asked.description == (f"Approved by Private Endpoint Approver: rule allows, decision {decision.decision_id}")
    assert len(world.azure.puts) == 1
    assert world.alerts() == []
    assert world.unfinished() == []


def test_an_approval_leaves_one_log_line_with_its_ids(
    world: World, account: MemoryTarget, caplog: pytest.LogCaptureFixture
) -> None:
    world.azure.ask(account, OURS)

    with caplog.at_level(logging.INFO, "shared"):
        world.wake(account)

    (line,) = [record for record in caplog.records if hasattr(record, "decision")]
    (entry,) = world.history(account)
    told = [getattr(line, name) for name in ("decision", "target", "rule", "outcome")]
    assert told == [entry.decision.decision_id, str(account.id), "allows", "approved"]


def test_a_rejection_is_written_and_alerted(world: World) -> None:
    world.policy(reject("partner"))
    target = world.target(STORAGE)
    asked = world.azure.ask(target, PARTNERS)

    world.wake(target)

    assert asked.status == "Rejected"
    assert world.outcomes(target) == ["rejected"]
    assert world.alert_types() == ["RequestRejected"]


@pytest.mark.parametrize(
    ("subscription", "outcome", "alert"),
    [
        (THEIRS, "held", "RequesterUnknown"),
        (ELSEWHERE, "held", "EvidenceMissing"),
        (PARTNERS, "denied", "RequestDenied"),
    ],
)
def test_whoever_is_held_or_denied_stays_pending_and_is_one_decision_and_one_alert(
    world: World, subscription: str, outcome: str, alert: str
) -> None:
    world.policy(allow("people"), deny("partner"))
    target = world.target(STORAGE)
    asked = world.azure.ask(target, subscription)

    for _ in range(3):
        world.wake(target)
        world.later(600, sweeps=True)

    assert asked.status == "Pending"
    assert world.outcomes(target) == [outcome]
    assert world.alert_types() == [alert]
    assert world.azure.puts == []


def test_what_others_have_decided_is_recorded_as_unchanged_once(world: World, account: MemoryTarget) -> None:
    world.azure.ask(account, OURS).decide("Approved")

    for _ in range(3):
        world.wake(account)
        world.later(100)

    assert world.outcomes(account) == ["unchanged"]
    assert world.azure.puts == []


@pytest.mark.parametrize("by", ["policy", "rule"])
def test_an_audit_records_what_would_happen_and_writes_nothing_to_azure(world: World, by: str) -> None:
    target = world.target(STORAGE)
    rule = closes(STORAGE, "people", mode=Mode.AUDIT if by == "rule" else Mode.ENFORCE)
    world.policy(rule, mode=Mode.AUDIT if by == "policy" else Mode.ENFORCE)
    asked = world.azure.ask(target, OURS)

    world.wake(target)
    world.later(HOUR, sweeps=True)

    (entry,) = world.history(target)
    assert (entry.decision.outcome, entry.decision.applied) == ("approved", False)
    assert entry.decision.firewall is not None
    assert entry.decision.firewall.outcome == "tightened"
    assert (asked.status, world.azure.puts, world.azure.writes) == ("Pending", [], [])
    assert world.unfinished() == []


def test_a_dry_run_answers_and_leaves_no_trace(world: World) -> None:
    world.policy(closes(STORAGE, "people", "adx"), deny("partner"))
    target = world.target(STORAGE)
    for subscription in (OURS, PARTNERS, THEIRS):
        world.azure.ask(target, subscription)

    review = world.app.reviewer.review(target.id, Trigger(dry_run=True))

    assert [decision.outcome for decision in review.decisions] == ["approved", "denied", "held"]
    assert [decision.applied for decision in review.decisions] == [False] * 3
    assert set(world.tables.rows) <= {"policies"}, "the text of a policy in force is kept whoever asks"
    assert (world.azure.puts, world.alerts(), world.queue.waiting) == ([], [], [])


# --- ARM refuses, or is not well


def test_a_permanent_refusal_is_one_failed_decision_and_one_alert_and_is_tried_by_each_sweep(
    world: World, account: MemoryTarget
) -> None:
    asked = world.azure.ask(account, OURS)
    refusal = world.points.fail("PUT connection", PermanentError("409 ScopeLocked", code="ScopeLocked"), times=99)

    world.wake(account)
    assert world.queue.waiting == [], "a lock is no matter of patience"
    world.later(HOUR, sweeps=True)
    (entry,) = world.history(account)
    assert (entry.decision.outcome, entry.decision.problem) == ("failed", "409 ScopeLocked")
    assert world.alert_types() == ["ApprovalFailed"]
    refusal.times = 0
    world.later(600, sweeps=True)

    assert asked.status == "Approved"
    decisions = [entry.decision for entry in world.history(account)]
    assert {decision.decision_id for decision in decisions} == {entry.decision.decision_id}
    assert world.unfinished() == []


def test_a_transient_refusal_is_tried_again_when_arm_has_said_and_nobody_is_alerted(
    world: World, account: MemoryTarget
) -> None:
    asked = world.azure.ask(account, OURS)
    world.points.fail("PUT connection", TransientError("429", code="TooManyRequests", retry_after=40))

    world.wake(account)
    world.later(39)
    assert world.points.count("PUT connection") == 1
    world.later(2)

    assert asked.status == "Approved"
    assert world.outcomes(account) == ["approved"]
    assert world.alerts() == []


def test_what_is_refused_for_a_quarter_of_an_hour_is_alerted_once_and_told_when_it_is_over(
    world: World, account: MemoryTarget
) -> None:
    asked = world.azure.ask(account, OURS)
    outage = world.points.fail("PUT connection", TransientError("503", code="ServiceUnavailable"), times=999)

    world.wake(account)
    world.later(14 * 60)
    assert world.alerts() == []
    world.later(HOUR, sweeps=True)
    assert world.alert_types() == ["ApprovalFailed"]
    outage.times = 0
    world.later(600, sweeps=True)

    assert asked.status == "Approved"
    assert world.alert_types() == ["ApprovalFailed"]
    assert not any(state.active for state in world.record(account).alerts.values())


@each_slow_kind
def test_an_operation_that_runs_on_is_finished_by_a_later_review_under_the_same_decision(
    world: World, kind: Kind
) -> None:
    world.policy(allow("people"))
    target = world.target(kind)
    asked = world.azure.ask(target, OURS)
    world.azure.runs_next = 200.0

    world.wake(target)
    (running,) = world.history(target)
    assert (running.decision.outcome, running.decision.applied) == ("approved", None)
    world.later(400)

    (finished,) = world.history(target)
    assert finished.decision.decision_id == running.decision.decision_id
    assert finished.decision.applied is True
    assert asked.status == "Approved"
    assert len(world.azure.puts) == 1
    assert world.alerts() == []


@each_slow_kind
def test_an_operation_that_runs_for_six_hours_is_one_alert_and_asked_about_every_five_minutes(
    world: World, kind: Kind
) -> None:
    world.policy(allow("people"))
    target = world.target(kind)
    asked = world.azure.ask(target, OURS)
    world.azure.runs_next = FOREVER

    world.wake(target)
    world.later(6 * HOUR, sweeps=True)

    assert world.alert_types() == ["ApprovalFailed"]
    assert len(world.azure.puts) == 1
    late = [at for at in world.azure.polls if at > HOUR]
    assert len(late) <= 5 * 12 + 1
    assert len(late) >= 5 * 12 - 2
    assert world.record(target).intents != {}, "an operation that has not ended is never given up"

    world.azure.end_all()
    world.later(600, sweeps=True)

    assert asked.status == "Approved"
    assert world.unfinished() == []
    assert not any(state.active for state in world.record(target).alerts.values())


@each_slow_kind
def test_an_operation_that_ends_badly_is_a_failed_approval_that_survives_a_crash(world: World, kind: Kind) -> None:
    world.policy(allow("people"))
    target = world.target(kind)
    asked = world.azure.ask(target, OURS)
    world.azure.fails_next = ("AuthorizationFailed", "no")

    world.wake(target)
    world.restart()
    world.later(60)

    assert world.alert_types() == ["ApprovalFailed"]
    assert {entry.decision.outcome for entry in world.history(target)} == {"failed"}
    assert asked.status != "Approved" or kind is EVENT_HUBS  # whose connections show the new status at once


def test_a_connection_that_shows_approved_and_failed_is_no_approval_and_closes_no_firewall(world: World) -> None:
    world.policy(closes(EVENT_HUBS, "people"))
    target = world.target(EVENT_HUBS)
    asked = world.azure.ask(target, OURS)
    world.azure.fails_next = ("InternalServerError", "it broke")

    world.wake(target)
    world.restart()
    world.wake(target)
    world.later(HOUR, sweeps=True)

    world.wake(target)
    world.later(HOUR, sweeps=True)

    (alert,) = world.alerts()
    assert "provisioning failed" in alert["data"]["title"]
    assert [state.active for state in world.record(target).alerts.values()] == [True], "it is still so"
    assert world.history(target)[0].decision.outcome == "failed"
    assert asked.status == "Approved"
    assert target.access == "Enabled"


# --- other people


@pytest.mark.parametrize("status", ["Approved", "Rejected"])
@pytest.mark.parametrize("point", ["commit targets", "PUT connection"])
def test_who_decides_meanwhile_is_not_overruled(world: World, account: MemoryTarget, status: str, point: str) -> None:
    asked = world.azure.ask(account, OURS)
    world.points.on(point, lambda: asked.decide(status))

    world.wake(account)
    world.settle()

    assert (asked.status, asked.description) == (status, "by the owner")
    assert world.outcomes(account) == ["unchanged"]
    assert world.alerts() == []
    assert world.unfinished() == []


def test_who_decides_while_an_instance_stands_still_is_not_overruled_where_arm_would_take_it(world: World) -> None:
    world.policy(allow("people"))
    target = world.target(KUSTO)  # which takes a second decision
    asked = world.azure.ask(target, OURS)

    def another_rejects() -> None:
        asked.decide("Rejected")
        world.time.sleep(6)

    world.points.on("commit targets", another_rejects, "after")
    world.wake(target)
    world.settle()

    assert asked.status == "Rejected"
    assert world.azure.puts == []
    assert world.outcomes(target) == ["unchanged"]


def test_a_read_back_under_another_private_endpoint_is_a_failed_approval_of_high_severity(world: World) -> None:
    world.policy(allow("people"))
    target = world.target(STORAGE)
    asked = world.azure.ask(target, OURS)
    stranger = private_endpoint("theirs", THEIRS)

    def swap() -> None:
        asked.body["properties"]["privateEndpoint"]["id"] = stranger

    world.points.on("PUT connection", swap)
    world.wake(target)

    (alert,) = world.alerts()
    assert (alert["type"].partition(".")[2], alert["data"]["severity"]) == ("ApprovalFailed", "high")
    assert stranger in alert["data"]["decision"]["problem"]
    assert [entry.decision.outcome for entry in world.history(target)] == ["failed"]


def test_a_list_older_than_five_seconds_is_not_written_by(world: World, account: MemoryTarget) -> None:
    asked = world.azure.ask(account, OURS, "please")
    world.points.on("commit targets", lambda: world.time.sleep(6), "after")
    world.points.on("GET connection", lambda: asked.state.update(description="another message"))

    world.wake(account)

    assert world.azure.puts == []
    assert asked.status == "Pending"


def test_the_policy_in_force_when_it_is_written_decides(world: World, account: MemoryTarget) -> None:
    asked = world.azure.ask(account, OURS)
    world.points.on("commit targets", lambda: world.policy(deny("people")), "after")

    world.wake(account)
    world.settle()

    assert asked.status == "Pending"
    assert world.azure.puts == []
    assert "denied" in world.outcomes(account)


# --- what a list does not show


def approved(world: World, target: MemoryTarget) -> None:
    """The app has approved one request, and its firewall waits."""
    world.policy(closes(target.kind, "people"))
    world.azure.ask(target, OURS)
    world.wake(target)
    world.later(45)


@each_kind
@pytest.mark.parametrize("how", ["an empty list", "a 404"])
def test_what_is_not_shown_once_is_not_forgotten(world: World, kind: Kind, how: str) -> None:
    target = world.target(kind)
    approved(world, target)
    if how == "an empty list":
        target.lists.append([])
    else:
        target.gone = True
        world.points.on("list connections", lambda: setattr(target, "gone", False), "before", times=2).times = 2
        world.points.on("GET target", lambda: setattr(target, "gone", False))
    before = world.record(target)

    world.wake(target)
    world.later(900, sweeps=True)

    assert set(world.record(target).requests) == set(before.requests)
    assert target.closed
    assert world.record(target).snapshots != ()
    assert world.unfinished() == []
    assert world.alerts() == []


def test_a_target_that_is_not_there_a_minute_later_either_is_forgotten_and_leaves_no_rows(world: World) -> None:
    target = world.target(STORAGE)
    approved(world, target)
    target.gone = True

    world.wake(target)
    assert world.record(target).requests != {}, "one 404 is not believed"
    world.later(61)

    assert world.record(target).empty
    kinds = {key[1][0] for key in world.tables.rows["targets"] if str(target.id).lower().replace("/", "|") == key[0]}
    assert kinds == {"h", "~"}, "decisions stay for their retention, and the tip of their chain"
    assert world.unfinished() == []


def test_a_target_is_not_forgotten_where_its_own_read_shows_it(world: World) -> None:
    target = world.target(STORAGE)
    approved(world, target)
    world.points.fail("list connections", NotFoundError("404"), times=4)

    for _ in range(4):
        world.wake(target)
        world.later(70)
    world.settle()

    assert target.closed
    assert world.record(target).snapshots != ()


def test_a_connection_that_is_not_there_a_minute_later_either_is_forgotten(world: World) -> None:
    target = world.target(STORAGE)
    approved(world, target)
    target.connections.clear()

    world.wake(target)
    assert len(world.record(target).requests) == 1
    world.later(61)

    assert world.record(target).requests == {}
    assert target.access == "Enabled", "nobody is left for whom it should be closed"
    world.settle()
    assert world.unfinished() == []


def test_a_connection_with_an_intent_is_asked_for_by_itself_before_it_is_given_up(world: World) -> None:
    target = world.target(STORAGE)
    approved(world, target)
    target.lists.extend([[]] * 6)

    for _ in range(6):
        world.wake(target)
        world.later(70)
    world.settle()

    assert target.closed
    assert len(world.record(target).requests) == 1


# --- evidence that may still come


def test_evidence_that_is_not_ready_is_asked_for_ever_more_slowly_and_alerted_after_a_quarter_of_an_hour(
    world: World,
) -> None:
    world.policy(allow("adx"))
    target = world.target(STORAGE)
    asked = world.azure.managed(target, "not random")
    key, endpoint = next(iter(world.azure.endpoints.items()))
    world.azure.endpoints[key] = replace(endpoint, provisioning_state="Creating")

    world.wake(target)
    asks = []
    for _ in range(4):
        (due, _, _) = world.queue.waiting[0]
        asks.append(due - world.time.seconds)
        world.later(due - world.time.seconds)
    assert asks == [15, 30, 60, 60]
    assert world.alerts() == []
    world.later(900)
    assert world.alert_types() == ["EvidenceMissing"]

    world.azure.endpoints[key] = endpoint
    world.later(600, sweeps=True)

    assert asked.status == "Approved"
    assert not any(state.active for state in world.record(target).alerts.values())


def test_a_service_request_is_bound_to_its_endpoint_before_it_is_approved(world: World) -> None:
    world.policy(allow("adx"))
    target = world.target(STORAGE)
    asked = world.azure.managed(target, "q3Jm0wV8zKf2Lr7YtXc1aBq3Jm0wV8z")
    bound: list[SpentEndpoint] = []
    world.points.on("PUT connection", lambda: bound.extend(world.record(target).spent.values()))

    world.wake(target)

    (spent,) = bound
    assert (spent.endpoint_id, spent.connection_id) == (asked.endpoint_id, asked.id)
    assert asked.status == "Approved"


def test_an_owner_who_edits_the_description_changes_nothing_but_what_is_recorded(world: World) -> None:
    world.policy(closes(STORAGE, "people"))
    target = world.target(STORAGE)
    asked = world.azure.ask(target, OURS)
    world.wake(target)
    asked.state.update(description="ours, says the owner")

    world.wake(target)
    world.later(300)
    world.wake(target)

    assert target.closed
    assert world.outcomes(target) == ["unchanged", "approved"]
    approval = world.history(target)[1].decision
    assert approval.firewall is not None
    assert approval.firewall.outcome == "tightened"
    assert world.breaks() == []


def test_an_approved_connection_is_seen_again_without_a_new_row(world: World, account: MemoryTarget) -> None:
    world.azure.ask(account, OURS)
    world.wake(account)
    (first,) = world.history(account)

    world.later(100)
    world.wake(account)

    (again,) = world.history(account)
    assert again.decision == first.decision


def test_a_connection_made_again_under_its_name_is_another_request(world: World, account: MemoryTarget) -> None:
    asked = world.azure.ask(account, OURS)
    world.wake(account)
    asked.body["properties"]["privateEndpoint"]["id"] = private_endpoint("another", OURS)
    asked.state.update(status="Pending", description="again")

    world.wake(account)

    assert asked.status == "Approved"
    assert len(world.azure.puts) == 2
    assert len({entry.decision.decision_id for entry in world.history(account)}) == 2
    world.settle()
    assert len(world.record(account).requests) == 1
