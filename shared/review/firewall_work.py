"""Tightening a target's firewall, last of all, and putting it back because a person asks. Pure.

Every step is computed from the firewall as it was just read and from the policy in force. What it was before stands in the
record before the first write; the tightening that another review began is gone on with.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.alerts.book import announce
from shared.alerts.conditions import firewall_restored
from shared.ledger.record import FirewallSnapshot, HistoryEntry, Intent, Phase, Record
from shared.model.decision import FirewallOutcome, FirewallResult, Outcome
from shared.model.firewall import FirewallWish
from shared.policy.rules import Mode
from shared.review.connection_work import ASKS_LATE, LATE_AFTER, LOOKS_AGAIN
from shared.review.context import Context, combined
from shared.review.effects import Effect, FollowFirewall, WriteFirewall
from shared.review.observation import Answer, Needs, Unread, Went
from shared.review.preflight import preflight
from shared.review.recording import begun, is_gone, with_decision
from shared.review.waiting import has_its_pair, requester_shows_it
from shared.targets.adapter import FirewallReading
from shared.targets.firewall_steps import change_of, next_restoring, next_tightening
from shared.targets.firewalls import FORMS
from shared.targets.firewalls.form import Request, between, same

WAITS_FOR_OTHERS = timedelta(hours=1)
"""An unfinished approval of another connection delays the firewall for so long at most."""

LOOKS_AT_OTHERS = 30.0

POLICY_SPREADS = timedelta(minutes=1)
"""Until then every instance has a policy that one of them has: each reads it anew within 45 s."""

TRIES_AGAIN = timedelta(hours=1)
"""After a refusal that will not go away by itself the next try is this much later, or when the policy changes."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class FirewallWork:
    """What came of looking at the firewall: the record, what to do now, and what became of whose firewall (by request).

    `due_since`: since when the tightening has been due; `tries_again`: how much later a failure is tried again.
    """

    record: Record
    effects: list[Effect] = field(default_factory=list)
    outcomes: dict[str, FirewallOutcome] = field(default_factory=dict)
    history: list[HistoryEntry] = field(default_factory=list)
    looks_again: list[float] = field(default_factory=list)
    not_before: list[float] = field(default_factory=list)
    blocked: bool = False
    due_since: datetime | None = None
    tries_again: timedelta = TRIES_AGAIN


def firewall_work(record: Record, context: Context) -> FirewallWork:
    """Go on with a restore if there is one, else with the tightening that is due."""
    work = FirewallWork(record)
    if context.dry or context.policy.mode is Mode.AUDIT:
        return work
    if record.restore is not None:
        _restore(work, context)
    if not work.blocked and not context.needs:
        _tighten(work, context)
    return work


# --- tightening


def _tighten(work: FirewallWork, context: Context) -> None:
    wishes = _wanted(work, context)
    due = {key: wish for key, wish in wishes.items() if _is_due(work.record.intents[key], work, context)}
    if not due or context.needs or work.effects:
        return
    if _others_unfinished(work.record, context):
        work.looks_again.append(LOOKS_AT_OTHERS)
        return
    wish = combined(due.values())
    if wish is None:
        raise ValueError("firewall work without a wish")
    ids = tuple(sorted({work.record.intents[key].decision.decision_id for key in due}))
    work.due_since = min((at for key in due if (at := work.record.intents[key].due_at)), default=None)
    outcome = _towards(wish, ids, work, context)
    for key in due if outcome is not None else ():
        _conclude(key, outcome, work, context)


def _wanted(work: FirewallWork, context: Context) -> dict[str, FirewallWish]:
    """What the policy in force asks for each approval that waits for its firewall; where it asks nothing, the work ends."""
    connections = context.seen.current()
    wanted, over = {}, []
    for key, intent in work.record.intents.items():
        if intent.phase is not Phase.TIGHTENING:
            continue
        connection = connections.get(key)
        if connection is None and not is_gone(work.record.requests[key], context):
            continue  # what no list shows is not gone yet
        wish = context.wish_of(intent) if connection and connection.approved else None
        if wish is not None:
            wanted[key] = wish
        elif connection and connection.approved and _may_be_newer(intent, context):
            work.looks_again.append(POLICY_SPREADS.total_seconds())
        else:
            over.append(key)
    _end(over, set(wanted), work, context)
    return wanted


def _may_be_newer(intent: Intent, context: Context) -> bool:
    """Whether another instance may have approved by a policy that this one does not know yet."""
    known = {rule.name for rule in context.policy.rules}
    strange = intent.decision.policy != context.policy.hash and known.isdisjoint(intent.rules)
    return strange and context.now - intent.created_at < POLICY_SPREADS


def _end(over: list[str], wanted: set[str], work: FirewallWork, context: Context) -> None:
    """Conclude what nobody asks for any more. A tightening that was begun is left as Azure shows it, and that is told."""
    kept = begun(work.record, _ids(over, work))
    if kept is not None and not set(kept.decisions) & _ids(wanted, work):
        left = _left(kept, work, context)
    else:
        kept, left = None, None
    for key in over:
        covered = kept is not None and work.record.intents[key].decision.decision_id in kept.decisions
        _conclude(key, left if covered else FirewallOutcome(FirewallResult.NOT_ASKED), work, context)


def _ids(keys: Iterable[str], work: FirewallWork) -> set[str]:
    return {work.record.intents[key].decision.decision_id for key in keys}


def _left(kept: FirewallSnapshot, work: FirewallWork, context: Context) -> FirewallOutcome | None:
    """What a tightening has come to that nobody asks for any more; None: that is not known yet."""
    answered = _await(kept, work, context)
    begun_still = work.record.snapshots[:1] and work.record.snapshots[0].operation
    if answered is not None and begun_still:
        return answered if isinstance(answered, FirewallOutcome) else None
    if work.effects:
        return None
    reading = _reading(work, context)
    if not isinstance(reading, FirewallReading):
        return reading
    work.looks_again.append(LOOKS_AGAIN)  # what the connection is now is recorded then
    if same(reading.state, dict(kept.before)):
        others = tuple(s for s in work.record.snapshots if s.taken_at != kept.taken_at)
        work.record = replace(work.record, snapshots=others)
        return FirewallOutcome(FirewallResult.NOT_ASKED)
    work.record = _with_snapshot(work.record, replace(kept, after=reading.state, operation="", sent=()))
    before = FORMS[context.kind.firewall].to_firewall(dict(kept.before))
    return FirewallOutcome(FirewallResult.TIGHTENED, before.shown(), reading.firewall.shown())


def _is_due(intent: Intent, work: FirewallWork, context: Context) -> bool:
    retried = bool(intent.problem) and intent.problem_policy != context.policy.hash
    if not retried and (intent.due_at is None or intent.due_at > context.now):
        return False
    for shows in (requester_shows_it, has_its_pair):
        looks_again = shows(intent, context)
        if looks_again is not None:
            work.looks_again += [looks_again] if looks_again else []
            return False
    return True


def _others_unfinished(record: Record, context: Context) -> bool:
    since = context.now - WAITS_FOR_OTHERS
    return any(i.approves and i.phase is Phase.DECIDING and i.created_at > since for i in record.intents.values())


def _towards(wish: FirewallWish, ids: tuple[str, ...], work: FirewallWork, context: Context) -> FirewallOutcome | None:
    """The next step towards a wish; the outcome once there is one."""
    kept = begun(work.record, ids)
    if (answered := _await(kept, work, context)) is not None:
        return answered if isinstance(answered, FirewallOutcome) else None
    reading = _reading(work, context)
    if not isinstance(reading, FirewallReading):
        return reading
    kind, now = context.kind, reading.firewall
    before = FORMS[kind.firewall].to_firewall(dict(kept.before)) if kept else now
    meant = change_of(kind, replace(reading, firewall=before) if kept else reading, wish)
    sentences = preflight(before, meant, kind, context.seen.current().values())
    step = next_tightening(kind, reading, wish)
    if step.problem is not None:
        return FirewallOutcome(FirewallResult.FAILED, now.shown(), None, step.problem, sentences)
    if step.request is not None:
        return _write(step.request, reading, kept, ids, work, context)
    if kept is None:
        return FirewallOutcome(FirewallResult.UNCHANGED, now.shown(), now.shown(), preflight=sentences)
    work.record = _with_snapshot(work.record, replace(kept, after=reading.state, operation="", sent=()))
    return FirewallOutcome(FirewallResult.TIGHTENED, before.shown(), now.shown(), preflight=sentences)


def _await(kept: FirewallSnapshot | None, work: FirewallWork, context: Context) -> FirewallOutcome | bool | None:
    """What the last effect on the firewall came to: None: go on from the reading; True: wait."""
    answer = context.seen.firewall_answer
    if answer is None:
        if kept is None or not kept.operation:
            return None
        work.effects.append(FollowFirewall(kept.operation))
        return True
    match answer.went:
        case Went.STARTED if kept is not None:
            sent = (*kept.sent, answer.request)
            work.record = _with_snapshot(work.record, replace(kept, operation=answer.operation, sent=sent))
            work.effects.append(FollowFirewall(answer.operation, answer.retry_after))
            return True
        case Went.RUNNING:
            return _late(kept, work, context) or _again(LOOKS_AGAIN, work)
        case Went.FAILED:
            _forget_operation(kept, work)
            return _may_pass(answer.problem, answer.retry_after, work, context) or True
        case Went.REFUSED:
            return _refused(answer, _forget_operation(kept, work), work, context)
    if kept is not None and (kept.operation or answer.request):
        sent = (*kept.sent, answer.request) if answer.request else kept.sent
        work.record = _with_snapshot(work.record, replace(kept, operation="", sent=sent))
    return None


def _forget_operation(kept: FirewallSnapshot | None, work: FirewallWork) -> FirewallSnapshot | None:
    """An operation that has failed is over, and what it was asked may be asked again."""
    if kept is None or not kept.operation:
        return kept
    kept = replace(kept, operation="", sent=kept.sent[:-1])
    work.record = _with_snapshot(work.record, kept)
    return kept


def _may_pass(problem: str, retry_after: float | None, work: FirewallWork, context: Context) -> FirewallOutcome | None:
    """Something fails for a reason that may pass: wait. When it has been so for an hour, somebody must be told."""
    if work.due_since is not None and context.now - work.due_since >= LATE_AFTER:
        return FirewallOutcome(FirewallResult.FAILED, problem=problem)
    work.not_before.append(retry_after or LOOKS_AGAIN)
    return None


def _late(kept: FirewallSnapshot | None, work: FirewallWork, context: Context) -> FirewallOutcome | None:
    restore = work.record.restore
    since = restore.created_at if restore else kept.taken_at if kept else context.now
    if context.now - since < LATE_AFTER:
        return None
    work.looks_again.append(ASKS_LATE)
    work.tries_again = timedelta(seconds=ASKS_LATE)
    return FirewallOutcome(FirewallResult.FAILED, problem="ARM has been writing the firewall for more than an hour")


def _again(seconds: float, work: FirewallWork) -> bool:
    work.looks_again.append(seconds)
    return True


def _reading(work: FirewallWork, context: Context) -> FirewallReading | FirewallOutcome | None:
    """The firewall as it was read; a failed outcome where it never will be, None where it must be read (again)."""
    firewall = context.seen.firewall
    if firewall is None:
        context.needs |= Needs(firewall=True)
        return None
    if not isinstance(firewall, Unread):
        return firewall
    if firewall.transient:
        return _may_pass(firewall.problem, firewall.retry_after, work, context)
    return FirewallOutcome(FirewallResult.FAILED, problem=firewall.problem)


def _write(
    request: Request,
    reading: FirewallReading,
    kept: FirewallSnapshot | None,
    ids: tuple[str, ...],
    work: FirewallWork,
    context: Context,
) -> FirewallOutcome | None:
    """Keep the firewall as it is, then send the request, unless ARM has taken the very same one already."""
    kept = next((s for s in work.record.snapshots[:1] if kept and s.taken_at == kept.taken_at), kept)
    if kept is not None and request.digest in kept.sent:
        if context.now - kept.taken_at < LATE_AFTER:
            work.looks_again.append(LOOKS_AGAIN)
            return None
        work.record = _with_snapshot(work.record, replace(kept, sent=()))
        return FirewallOutcome(FirewallResult.FAILED, problem="Azure took the write and does not show it")
    snapshot = kept or FirewallSnapshot(context.now, reading.state, ids)
    if not set(ids) <= set(snapshot.decisions):
        snapshot = replace(snapshot, decisions=tuple(sorted({*snapshot.decisions, *ids})))
    work.record = _with_snapshot(work.record, snapshot)
    work.effects.append(WriteFirewall(request))
    return None


def _refused(answer: Answer, kept: FirewallSnapshot | None, work: FirewallWork, context: Context) -> FirewallOutcome:
    """ARM refused for good: what it refused as a whole leaves nothing to put back."""
    reading = context.seen.firewall
    if kept is not None:
        if isinstance(reading, FirewallReading) and same(reading.state, dict(kept.before)):
            work.record = replace(work.record, snapshots=tuple(s for s in work.record.snapshots if s is not kept))
        else:
            work.record = _with_snapshot(work.record, replace(kept, operation=""))
    return FirewallOutcome(FirewallResult.FAILED, problem=answer.problem)


def _conclude(key: str, outcome: FirewallOutcome | None, work: FirewallWork, context: Context) -> None:
    """Write the outcome into the decision that asked for it; a failure stays open for a later try."""
    if outcome is None:
        return
    request = work.record.requests[key]
    intent = request.intent
    if intent is None:
        return
    earlier = intent.decision.firewall
    if not outcome.preflight and earlier is not None:
        outcome = replace(outcome, preflight=earlier.preflight)
    decision = replace(intent.decision, firewall=outcome)
    work.outcomes[key] = outcome
    if outcome.problem is None:
        intent = None
    else:
        intent = replace(
            intent,
            decision=decision,
            problem=outcome.problem,
            problem_policy=context.policy.hash,
            due_at=context.now + work.tries_again,
        )
    work.record, entry = with_decision(work.record.with_request(replace(request, intent=intent)), decision, context.now)
    work.history.append(entry)


def _with_snapshot(record: Record, snapshot: FirewallSnapshot) -> Record:
    others = tuple(s for s in record.snapshots if s.taken_at != snapshot.taken_at)
    return replace(record, snapshots=(snapshot, *others))


# --- putting back


def _restore(work: FirewallWork, context: Context) -> None:
    """Go on with what a person asked for; nothing may be tightened while it runs."""
    restore, snapshots = work.record.restore, work.record.snapshots
    kept = next((s for s in snapshots[:1] if restore and s.decisions == restore.decision.restores), None)
    if restore is None or kept is None:
        work.record = replace(work.record, restore=None)
        return
    work.blocked = True
    if (answered := _await(kept, work, context)) is not None:
        if isinstance(answered, FirewallOutcome):
            _give_up(answered.problem or "", work, context, late=bool(work.looks_again))
        return
    kept = work.record.snapshots[0]
    reading = _reading(work, context)
    if not isinstance(reading, FirewallReading):
        if reading is not None:
            _give_up(reading.problem or "", work, context)
        return
    before = FORMS[context.kind.firewall].restorable(dict(kept.before))
    if not between(reading.state, restore.seen, before):
        _give_up("somebody has changed the firewall meanwhile; nothing more was written", work, context)
        return
    step = next_restoring(context.kind, reading, before)
    if step.problem is not None:
        _give_up(step.problem, work, context)
    elif step.request is not None and step.request.digest not in kept.sent:
        work.effects.append(WriteFirewall(step.request))
    elif step.request is not None and context.now - restore.created_at < LATE_AFTER:
        work.looks_again.append(LOOKS_AGAIN)  # ARM took the very same request already and does not show it yet
    elif step.request is not None:
        _give_up("Azure took the write and does not show it", work, context)
    else:
        _put_back(reading, work, context)


def _put_back(reading: FirewallReading, work: FirewallWork, context: Context) -> None:
    restore = work.record.restore
    if restore is None or restore.decision.firewall is None:
        raise ValueError("a restore without its decision")
    outcome = replace(restore.decision.firewall, after=reading.firewall.shown())
    decision = replace(restore.decision, applied=True, firewall=outcome)
    record = replace(work.record, restore=None, snapshots=work.record.snapshots[1:])
    record = announce(record, firewall_restored(context.seen.target, decision.to_json()), context.now)
    work.record, entry = with_decision(record, decision, context.now)
    work.history.append(entry)
    work.blocked = False


def _give_up(problem: str, work: FirewallWork, context: Context, *, late: bool = False) -> None:
    """The firewall is not put back: what was kept is kept, and the decision says why."""
    restore = work.record.restore
    if restore is None or late:
        return
    log.warning("the firewall of %s is not put back: %s", context.seen.target, problem)
    decision = replace(restore.decision, outcome=Outcome.FAILED, applied=False, problem=problem)
    snapshots = tuple(replace(s, operation="", sent=()) for s in work.record.snapshots[:1])
    record = replace(work.record, restore=None, snapshots=(*snapshots, *work.record.snapshots[1:]))
    work.record, entry = with_decision(record, decision, context.now)
    work.history.append(entry)
    work.blocked = False
