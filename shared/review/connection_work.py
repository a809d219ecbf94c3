"""What is to be done about one connection: open an intent, carry it out, follow it, finish it. Pure.

Whatever state a crash, another instance or a person has left, the next step follows from the record and from what Azure
shows. An intent is closed only when it is known to be carried out, or not to be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from shared.evidence.random_message import redacted
from shared.ledger.record import Intent, Phase, RequestRecord, SpentEndpoint
from shared.model.connection import Connection
from shared.model.decision import Decision, FirewallOutcome, FirewallResult, Outcome, WhoAsked
from shared.model.requester import ServiceRequester
from shared.model.target_types import sub_resource_key
from shared.policy.approval_text import stamp
from shared.policy.rules import Mode
from shared.policy.verdict import Verdict
from shared.resource_id import fold
from shared.review.context import Context
from shared.review.effects import Decide, Effect, FollowDecision
from shared.review.observation import Answer, Unread, Went, key_of

STATUS = {Outcome.APPROVED: "Approved", Outcome.REJECTED: "Rejected"}
OUTCOME = {status: outcome for outcome, status in STATUS.items()}

LOOKS_AGAIN = 15.0
"""Seconds until something that ARM works on is looked at again."""

UNSURE_FOR = timedelta(hours=1)
"""How long an intent of an earlier review stays open while nothing shows whether its PUT was sent: ARM may be working
on it, and some types show the old status meanwhile. Until then it counts as an approval."""

GONE_AFTER = timedelta(minutes=1)
"""A connection or a target that was not found is forgotten when it is not found again at least this much later."""

LATE_AFTER = timedelta(hours=1)
"""An operation of ARM that runs for so long is alerted, and from then on asked every `ASKS_LATE` seconds."""

ASKS_LATE = 300.0


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done about one request.

    Args:
        decision: the decision as it stands.
        intent: the intent as it shall stand; None: none is open.
        effect: what is to be done to Azure now.
        spend: the endpoint that the approval is spent on.
        looks_again: seconds until it must be looked at again.
        not_before: the same, where ARM has asked not to be called before.
        waiting: an answer may still come that makes it right: nobody is alerted yet.
        finished: the connection was read back as decided: its firewall comes next.
    """

    decision: Decision
    intent: Intent | None = None
    effect: Effect | None = None
    spend: SpentEndpoint | None = None
    looks_again: float | None = None
    not_before: float | None = None
    waiting: bool = False
    finished: bool = False


def step(connection: Connection, verdict: Verdict, context: Context) -> Step:
    """The next step for a connection that the target shows."""
    request = context.request(connection)
    made = decision_of(verdict, request, context)
    intent = request.intent if request else None
    answer = context.seen.answers.get(made.key)
    if intent is not None and intent.phase is Phase.DECIDING and not context.dry:
        began = _resumed(intent, made)
        if answer is not None:
            return _answered(connection, intent, began, answer, context)
        if intent.operation and (connection.pending or not connection.provisioned):
            asked_again = _asked_again(intent, context)
            return _late(intent, began, asked_again) if asked_again else _follow(connection, intent, began)
        if not connection.pending:
            return _observed(connection, intent, began, context)
    if request is not None and request.decision is not None and _still_failed(connection, request.decision):
        return Step(request.decision)
    if (misplaced := _misplaced(connection, made, request, context)) is not None:
        return misplaced
    return _judged(connection, verdict, made, intent, request, context)


def _misplaced(connection: Connection, made: Decision, request: RequestRecord | None, context: Context) -> Step | None:
    """A decision of ours that has reached another private endpoint, where a connection's name can be used again.

    It is told from the intent that is still open for the name, and from then on for as long as the connection is so.
    """
    problem = _for_another(connection)
    known = request.decision if request else None
    begun = next((i for i in context.record.intents.values() if _reached(i, connection)), None)
    if begun is not None:
        return Step(replace(made, outcome=Outcome.FAILED, rule=begun.decision.rule, applied=True, problem=problem))
    if known is not None and known.problem == problem:
        return Step(replace(made, outcome=Outcome.FAILED, rule=known.rule, applied=True, problem=problem))
    return None


def _reached(intent: Intent, connection: Connection) -> bool:
    """Whether a connection of another private endpoint has what the intent wrote."""
    if intent.key == key_of(connection) or fold(intent.decision.connection_id or "") != connection.key:
        return False
    return intent.phase is Phase.DECIDING and is_ours(connection, intent.status, intent.decision)


def _for_another(now: Connection) -> str:
    return f"{now.id} is {now.status}, but for another private endpoint: {now.private_endpoint_id}. Reject it by hand"


def _judged(
    connection: Connection,
    verdict: Verdict,
    made: Decision,
    intent: Intent | None,
    request: RequestRecord | None,
    context: Context,
) -> Step:
    """Nothing runs: the verdict says what is to be done."""
    tightening = intent if intent is not None and intent.phase is Phase.TIGHTENING else None
    if verdict.outcome not in STATUS:
        if intent is None or tightening or context.now - intent.created_at >= UNSURE_FOR:
            return Step(made, tightening, waiting=verdict.waiting)
        return Step(made, intent, waiting=verdict.waiting)
    if context.dry or verdict.mode is Mode.AUDIT:
        return Step(replace(made, firewall=context.foretold(verdict)), intent)
    opened = _opened(verdict, made, None if tightening else intent, request, context)
    text = stamp(opened.status, opened.decision.rule or "", opened.decision.decision_id)
    return Step(
        opened.decision,
        opened,
        Decide(made.key, connection, opened.status, text),
        spend=_spent(connection, verdict, opened, context),
    )


def decision_of(verdict: Verdict, request: RequestRecord | None, context: Context) -> Decision:
    """The decision that a verdict comes to. If it is what is recorded already, it has the recorded id and time."""
    connection, requester = verdict.connection, verdict.requester
    endpoint = connection.private_endpoint
    now = context.now
    made = Decision(
        decision_id="",
        target=context.seen.target,
        outcome=verdict.outcome,
        decided_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
        policy=context.policy.hash,
        connection_id=connection.id,
        private_endpoint_id=connection.private_endpoint_id,
        requester=WhoAsked(
            requester.name if requester else None,
            requester.service if requester else None,
            endpoint.subscription_id if endpoint else None,
            verdict.tenant_id,
        ),
        sub_resource=verdict.sub_resource,
        request_message=redacted(connection.description) if connection.pending else None,
        previous_status=connection.status,
        rule=verdict.rule,
        reasons=verdict.reasons,
        reasons_omitted=verdict.reasons_omitted,
        run_id=context.run_id,
        asked_by=context.asked_by,
        warnings=verdict.warnings,
    )
    known = request.decision if request and not context.dry else None
    if known is not None and known.digest == made.digest:
        return replace(made, decision_id=known.decision_id, decided_at=known.decided_at)
    return replace(made, decision_id=context.new_id())


def _opened(
    verdict: Verdict,
    made: Decision,
    intent: Intent | None,
    request: RequestRecord | None,
    context: Context,
) -> Intent:
    """The intent to carry out a verdict. An older one keeps its decision's id: ARM may be working on it."""
    status = STATUS[verdict.outcome]
    known = request.decision if request else None
    if intent is not None and (intent.status, intent.decision.rule) == (status, made.rule):
        made = replace(made, decision_id=intent.decision.decision_id, decided_at=intent.decision.decided_at)
    elif (
        known is not None and known.outcome is Outcome.FAILED and (known.rule, known.policy) == (made.rule, made.policy)
    ):
        made = replace(made, decision_id=known.decision_id, decided_at=known.decided_at)
    service = verdict.requester if isinstance(verdict.requester, ServiceRequester) else None
    return Intent(
        decision=made,
        status=status,
        created_at=intent.created_at if intent is not None and intent.status == status else context.now,
        rules=verdict.rules,
        requester=service.name if service else "",
        endpoint_id=verdict.endpoint_id or "",
        sub_resource=sub_resource_key(verdict.sub_resource or "") if service else "",
    )


def _spent(connection: Connection, verdict: Verdict, intent: Intent, context: Context) -> SpentEndpoint | None:
    """The endpoint that proves the request, bound to its private endpoint with the intent."""
    private_endpoint, requester = connection.private_endpoint_key, verdict.requester
    if not verdict.endpoint_id or private_endpoint is None or not isinstance(requester, ServiceRequester):
        return None
    return SpentEndpoint(
        endpoint_id=verdict.endpoint_id,
        private_endpoint_id=private_endpoint,
        connection_id=connection.id,
        resource=str(requester.resource),
        decision_id=intent.decision.decision_id,
        bound_at=context.now,
        sub_resource=intent.sub_resource,
        tenant_id=verdict.tenant_id,
    )


def _resumed(intent: Intent, made: Decision) -> Decision:
    """The decision that is being carried out, as it was made."""
    return replace(intent.decision, run_id=made.run_id)


def _follow(connection: Connection, intent: Intent, began: Decision, retry_after: float | None = None) -> Step:
    began = replace(began, applied=None)
    return Step(began, intent, FollowDecision(began.key, connection, intent.operation, retry_after))


def _answered(connection: Connection, intent: Intent, began: Decision, answer: Answer, context: Context) -> Step:
    """After an effect: what it came to, and what Azure shows now."""
    if answer.went is Went.STARTED:
        return _follow(connection, replace(intent, operation=answer.operation), began, answer.retry_after)
    if answer.went is Went.RUNNING:
        return _running(intent, began, context)
    if answer.went is Went.FAILED:
        problem = replace(began, outcome=Outcome.FAILED, applied=False, problem=answer.problem)
        return Step(problem, replace(intent, operation=""), not_before=answer.retry_after or LOOKS_AGAIN, waiting=True)
    ended = replace(intent, operation="", asked_at=None)
    now = context.seen.read_back.get(began.key)
    if isinstance(now, Unread):
        if answer.went is not Went.REFUSED:
            return _unread(ended, began, now)
        now = connection
    if now is None:  # gone, it seems; a later review says so for certain
        unchanged = replace(began, outcome=Outcome.UNCHANGED, applied=False)
        return Step(unchanged, ended, looks_again=GONE_AFTER.total_seconds())
    if answer.went is Went.REFUSED and now.pending and now.provisioned:
        return Step(replace(began, outcome=Outcome.FAILED, applied=False, problem=answer.problem))
    if answer.went is Went.CHANGED and now.pending:
        return Step(replace(began, outcome=Outcome.UNCHANGED, applied=False), looks_again=LOOKS_AGAIN)
    return _observed(now, ended, began, context)


def _running(intent: Intent, began: Decision, context: Context) -> Step:
    began = replace(began, applied=None)
    if context.now - intent.created_at < LATE_AFTER:
        return Step(began, intent, looks_again=LOOKS_AGAIN)
    return _late(replace(intent, asked_at=context.now), began, ASKS_LATE)


def _late(intent: Intent, began: Decision, looks_again: float) -> Step:
    problem = "ARM's operation has been running for more than an hour"
    return Step(replace(began, applied=None, problem=problem), intent, looks_again=looks_again)


def _asked_again(intent: Intent, context: Context) -> float | None:
    """Seconds until a late operation is asked about again, whoever wakes the review meanwhile; None: now."""
    if intent.asked_at is None or not 0 <= (since := (context.now - intent.asked_at).total_seconds()) < ASKS_LATE:
        return None
    return ASKS_LATE - since


def _unread(intent: Intent, began: Decision, unread: Unread) -> Step:
    """ARM took the write and the connection cannot be read back: what came of it is unknown until it can."""
    began = replace(began, applied=None, problem=unread.problem)
    return Step(began, intent, not_before=unread.retry_after or LOOKS_AGAIN, waiting=True)


def _observed(now: Connection, intent: Intent, began: Decision, context: Context) -> Step:
    """What Azure shows of a connection on which nothing runs any more, as far as we know."""
    if now.pending or (now.has_status(intent.status) and not now.provisioned):
        began = replace(began, applied=None)
        if context.now - intent.created_at < LATE_AFTER:
            return Step(began, intent, looks_again=LOOKS_AGAIN, waiting=True)
        problem = f"ARM took the decision more than an hour ago and shows {now.status}, not finished"
        return Step(replace(began, problem=problem), intent, looks_again=ASKS_LATE)
    if not is_ours(now, intent.status, intent.decision):
        return Step(replace(began, outcome=Outcome.UNCHANGED, applied=False, firewall=None))
    if fold(now.private_endpoint_id or "") != fold(began.private_endpoint_id or ""):
        problem = _for_another(now)  # the intent stays for the next list, which shows it as another request
        return Step(replace(began, outcome=Outcome.FAILED, applied=True, problem=problem), intent)
    if now.failed:
        problem = f"{now.id} is {intent.status}, but its provisioning failed at the target"
        return Step(replace(began, outcome=Outcome.FAILED, applied=False, problem=problem))
    return _done(intent, replace(began, applied=True, problem=None), context)


def _done(intent: Intent, decision: Decision, context: Context) -> Step:
    """The connection is decided; what is left is the target's firewall, after the settling time."""
    if not intent.approves:
        return Step(decision, finished=True)
    wish = context.wish_of(intent)
    if wish is None:
        return Step(replace(decision, firewall=FirewallOutcome(FirewallResult.NOT_ASKED)), finished=True)
    foretold = context.foretold_of(wish)
    deferred = FirewallOutcome(FirewallResult.DEFERRED, foretold.before, preflight=foretold.preflight)
    decision = replace(decision, firewall=deferred)
    due = context.now + timedelta(seconds=wish.settle_seconds)
    tightening = replace(intent, decision=decision, phase=Phase.TIGHTENING, due_at=due, operation="")
    return Step(decision, tightening, finished=True)


def is_ours(connection: Connection, status: str, decision: Decision) -> bool:
    """Whether the connection has that status because of this very decision."""
    text = stamp(status, decision.rule or "", decision.decision_id)
    return connection.has_status(status) and connection.description == text


def _still_failed(connection: Connection, decision: Decision) -> bool:
    """Whether a connection has the status that the app gave it, and its provisioning at the target has still failed."""
    ours = any(is_ours(connection, status, decision) for status in OUTCOME)
    return decision.outcome is Outcome.FAILED and connection.failed and ours


def still_decided(connection: Connection, decision: Decision | None) -> bool:
    """Whether a connection is still as the app itself decided it: that makes no decision of its own."""
    if decision is None or decision.outcome not in STATUS or decision.applied is not True:
        return False
    return is_ours(connection, STATUS[decision.outcome], decision)
