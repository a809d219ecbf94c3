"""What follows from what was seen: the new record, what to do to Azure, when to look again. Pure.

No clock, no network and no environment: every order of events, crash and delay can be played in memory. The plan is
committed before anything in it is done; what came of that is part of the next observation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.alerts.book import with_conditions
from shared.alerts.conditions import Condition, condition_of, firewall_failed
from shared.ledger.record import HistoryEntry, Phase, Record
from shared.model.decision import Decision, Person
from shared.policy.rules import Policy
from shared.review.connection_work import Step, step
from shared.review.context import Context
from shared.review.effects import Effect
from shared.review.firewall_work import FirewallWork, firewall_work
from shared.review.observation import NOTHING, Needs, Observation, key_of
from shared.review.recording import recorded, unwatched, without_gone

ALERT_AFTER = timedelta(minutes=15)
"""Evidence, or an answer of ARM, that may still come is waited for so long before anybody is alerted."""

ASKS_AGAIN = ((timedelta(seconds=15), 15.0), (timedelta(seconds=45), 30.0), (ALERT_AFTER, 60.0))
"""Pairs: while something has been awaited for less than this, it is asked for again after so many seconds."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Args:
        record: the record to commit.
        history: decisions to write with it.
        effects: what to do to Azure then; empty: the review is complete.
        needs: what must be read first. Where there is any, nothing else in the plan counts.
        decisions: every connection that the target shows, decided.
        concluded: decisions (by request) that this review has carried out and will not come back to.
        looks_again: seconds until the target must be looked at again, None: not for this review's sake.
    """

    record: Record
    history: tuple[HistoryEntry, ...] = ()
    effects: tuple[Effect, ...] = ()
    needs: Needs = NOTHING
    decisions: tuple[Decision, ...] = ()
    concluded: Mapping[str, Step] = field(default_factory=dict)
    looks_again: float | None = None


def plan(
    seen: Observation,
    policy: Policy,
    now: datetime,
    new_id: Callable[[], str],
    trace: Callable[[str], str],
    *,
    run_id: str | None = None,
    asked_by: Person | None = None,
    dry: bool = False,
) -> Plan:
    """Plan the next step of a review.

    Args:
        seen: what the review knows.
        policy: the policy in force.
        now: the time.
        new_id: makes ids of decisions.
        trace: makes of a random message the hash by which it is known again.
        run_id: the re-evaluation that the decisions belong to.
        asked_by: who asked for that.
        dry: only say what would happen.
    """
    context = Context(seen, policy, now, new_id, trace, run_id, asked_by, dry)
    if not seen.listed:
        return _only_firewall(context)
    steps = {}
    for verdict in seen.verdicts:
        key = key_of(verdict.connection)
        steps[key] = seen.concluded.get(key) or step(verdict.connection, verdict, context)
    if dry:
        return Plan(seen.record, needs=context.needs, decisions=tuple(s.decision for s in steps.values()))
    record, history = recorded(steps, context)
    record, ended, looks_again = without_gone(record, context)
    context.needs |= unwatched(record, context)
    effects = tuple(s.effect for s in steps.values() if s.effect)
    work = FirewallWork(record)
    if not effects and not context.needs:
        work = firewall_work(record, context)
        effects = tuple(work.effects)
    if context.needs:
        return Plan(seen.record, needs=context.needs)
    concluded = {key: s for key, s in steps.items() if key in seen.answers and not s.effect}
    decisions = [
        replace(s.decision, firewall=work.outcomes[key]) if key in work.outcomes else s.decision
        for key, s in steps.items()
    ]
    looks_again += work.looks_again + [s.looks_again for s in steps.values() if s.looks_again and not s.not_before]
    not_before = work.not_before + [s.not_before for s in steps.values() if s.not_before]
    record = work.record
    if not effects:
        record = with_conditions(record, _conditions(record, steps, context), now, unseen=_unseen(record, context))
        record = replace(record, listed_at=seen.listed_at or record.listed_at, reviewed_at=now, failing_since=None,
                         absent_since=None)  # fmt: skip
    return Plan(
        record=record,
        history=_once((*history, *ended, *work.history)),
        effects=effects,
        decisions=tuple(decisions),
        concluded=concluded,
        looks_again=_when(looks_again, not_before) or _evidence(record, now),
    )


def _once(history: Iterable[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """One row for each decision, the last one: a transaction takes no row twice."""
    return tuple({entry.decision.decision_id: entry for entry in history}.values())


def _only_firewall(context: Context) -> Plan:
    """Go on with a restore: nothing was listed, so that nothing can be said of connections."""
    work = firewall_work(context.record, context)
    if context.needs:
        return Plan(context.record, needs=context.needs)
    looks_again = _when(work.looks_again, work.not_before)
    return Plan(work.record, tuple(work.history), tuple(work.effects), looks_again=looks_again)


def _conditions(record: Record, steps: Mapping[str, Step], context: Context) -> list[Condition]:
    """What is wrong now; what may still come right is only after `ALERT_AFTER`."""
    home = context.seen.situation.home_tenant
    found = [condition_of(s.decision, home) for key, s in steps.items() if not _still_waits(record, key, context.now)]
    firewalls = [
        firewall_failed(context.seen.target, intent.problem, intent.decision.to_json())
        for intent in record.intents.values()
        if intent.phase is Phase.TIGHTENING and intent.problem
    ]
    return [c for c in found if c is not None] + firewalls[:1]


def _still_waits(record: Record, key: str, now: datetime) -> bool:
    since = record.requests[key].waiting_since
    return since is not None and now - since < ALERT_AFTER


def _unseen(record: Record, context: Context) -> frozenset[str]:
    """Connections that no list shows and that are not known to be gone: their alerts stay as they are."""
    listed = {key_of(c) for c in context.seen.situation.connections}
    return frozenset(r.connection_id for key, r in record.requests.items() if key not in listed)


def _when(looks_again: list[float], not_before: list[float]) -> float | None:
    """The soonest of all, but no sooner than ARM has asked for."""
    if not looks_again and not not_before:
        return None
    return max([min(looks_again or not_before), *not_before])


def _evidence(record: Record, now: datetime) -> float | None:
    """Seconds until evidence that may still come is asked for again."""
    ages = [now - r.waiting_since for r in record.requests.values() if r.waiting_since is not None]
    return next((seconds for age in sorted(ages)[:1] for until, seconds in ASKS_AGAIN if age < until), None)
