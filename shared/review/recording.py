"""What a review leaves in the record: decisions, intents, spent endpoints, and what is gone. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from shared.evidence.random_message import weakness
from shared.ledger.record import (
    LONGEST_MESSAGE,
    Delivery,
    FirewallSnapshot,
    HistoryEntry,
    Intent,
    OutboxEntry,
    Phase,
    Record,
    RequestRecord,
)
from shared.model.connection import Connection
from shared.model.decision import Decision, FirewallOutcome, FirewallResult
from shared.model.requester import ServiceRequester
from shared.resource_id import fold, parse
from shared.review.connection_work import GONE_AFTER, LOOKS_AGAIN, Step, still_decided
from shared.review.context import Context
from shared.review.observation import Needs, key_of

ROW_LAGS = timedelta(days=1)
"""How late a decision's row may tell when the decision was last seen; the record's head tells it to the second."""


def with_decision(record: Record, decision: Decision, now: datetime) -> tuple[Record, HistoryEntry]:
    """The record with a new or changed decision, which is in its outbox too, and the row that the decision gets."""
    request = record.requests.get(decision.key)
    known = request.decision if request else None
    same = request is not None and known is not None and known.decision_id == decision.decision_id
    link = request.link if request is not None and same else record.tip.next(decision)
    record = replace(record, tip=record.tip if same else link)
    if request is not None:
        record = record.with_request(replace(request, decision=decision, link=link, recorded_at=now))
    return record.with_outbox([_told_of(decision)]), HistoryEntry(decision, now, link)


def begun(record: Record, decisions: Iterable[str]) -> FirewallSnapshot | None:
    """The tightening for some of these decisions that has begun and was not read back yet."""
    newest = record.snapshots[0] if record.snapshots else None
    return newest if newest and newest.being_written and set(newest.decisions) & set(decisions) else None


def is_gone(request: RequestRecord, context: Context) -> bool:
    """Whether a request that no list shows is gone for good: asked for by itself, and not there a minute ago either."""
    since = request.absent_since
    asked = request.intent is None or context.seen.found.get(request.key) is False
    return asked and since is not None and context.now - since >= GONE_AFTER


def _told_of(decision: Decision) -> OutboxEntry:
    return OutboxEntry(decision.decision_id, Delivery.DECISION, decision.decided_at, decision.to_json())


def _tightens(intent: Intent | None) -> bool:
    return intent is not None and intent.phase is Phase.TIGHTENING


def _not_asked(decision: Decision) -> Decision:
    """An approval whose firewall nobody asks for any more."""
    return replace(decision, firewall=FirewallOutcome(FirewallResult.NOT_ASKED))


def recorded(steps: Mapping[str, Step], context: Context) -> tuple[Record, list[HistoryEntry]]:
    """The record after the steps of all connections that the target shows, and rows of decisions."""
    record, history = context.record, list[HistoryEntry]()
    shown = {key_of(c): c for c in context.seen.situation.connections}
    for key, step in steps.items():
        record, entries = _record_step(record, shown[key], step, context)
        history += entries
    spent = {step.spend.endpoint_id: step.spend for step in steps.values() if step.spend}
    return replace(record, spent={**record.spent, **spent}), history


def _record_step(
    record: Record, connection: Connection, step: Step, context: Context
) -> tuple[Record, list[HistoryEntry]]:
    now = context.now
    known = record.requests.get(key_of(connection)) or _first_seen(connection, context)
    waiting_since = (known.waiting_since or now) if step.waiting else None
    absent = context.seen.gone(known.key)
    request = replace(
        known,
        intent=step.intent,
        waiting_since=waiting_since if step.effect is None else known.waiting_since,
        absent_since=(known.absent_since or now) if absent else None,
    )
    record = record.with_request(request)
    current = context.seen.current().get(known.key) or connection
    if step.effect is not None or still_decided(current, known.decision):
        return record, []
    if step.intent is not None and _tightens(step.intent) and step.decision is not step.intent.decision:
        if current.approved or begun(record, {step.intent.decision.decision_id}):
            return record, []  # its decision stands until it is known what became of the firewall
        ended = _not_asked(step.intent.decision)
        record = record.with_request(replace(request, intent=None, decision=ended)).with_outbox([_told_of(ended)])
        known = replace(known, decision=ended)
    return _record_decision(record, known, step.decision, now)


def _record_decision(
    record: Record, known: RequestRecord, decision: Decision, now: datetime
) -> tuple[Record, list[HistoryEntry]]:
    """A new row when outcome, rule, reasons or policy changed, the same row anew when what came of it changed."""
    before = known.decision
    if before is None or before.digest != decision.digest:
        record, entry = with_decision(record, decision, now)
        last = before is not None and before.decision_id != decision.decision_id
        return record, [
            *([HistoryEntry(before, record.reviewed_at or now, known.link)] if before and last else []),
            entry,
        ]
    same = replace(decision, decision_id=before.decision_id, decided_at=before.decided_at, run_id=before.run_id)
    same = replace(same, request_message=before.request_message, previous_status=before.previous_status)
    same = replace(same, asked_by=before.asked_by)
    if same != before:
        record, entry = with_decision(record, same, now)
        return record, [entry]
    if known.recorded_at is not None and now - known.recorded_at > ROW_LAGS:
        request = replace(record.requests[known.key], recorded_at=now)
        return record.with_request(request), [HistoryEntry(before, now, known.link)]
    return record, []


def _first_seen(connection: Connection, context: Context) -> RequestRecord:
    """A request that is new. A random message is a secret until it is approved: it is kept as its trace.

    Where somebody has decided on it between the lists of this review, its message is the one that the earlier list showed.
    """
    earlier = connection.seen.message if connection.seen else None
    message = earlier if earlier is not None else connection.description if connection.pending else None
    message = message[:LONGEST_MESSAGE] if message is not None else None
    if message is not None and weakness(message) is None:
        message = context.trace(message)
    return RequestRecord(connection.id, connection.private_endpoint_id, context.now, message)


def without_gone(record: Record, context: Context) -> tuple[Record, list[HistoryEntry], list[float]]:
    """The record without what is gone for good: not there now, and not there a minute or more ago.

    What has an intent is asked for by itself before it is given up: a list can be short.
    """
    listed, now = {key_of(c) for c in context.seen.situation.connections}, context.now
    missing = {key: request for key, request in record.requests.items() if key not in listed}
    asked = {key for key, request in missing.items() if request.intent and key not in context.seen.found}
    context.needs |= Needs(connections=frozenset(asked))
    history, looks_again, gone = list[HistoryEntry](), list[float](), set[str]()
    for key, request in missing.items():
        if context.seen.found.get(key):
            looks_again.append(LOOKS_AGAIN)  # the list did not show what is there
        elif request.absent_since is None or now - request.absent_since < GONE_AFTER:
            record = record.with_request(replace(request, absent_since=request.absent_since or now))
            looks_again += [GONE_AFTER.total_seconds()] if request.intent else []
        elif request.intent is not None and begun(record, {request.intent.decision.decision_id}):
            looks_again.append(LOOKS_AGAIN)  # what became of the firewall is told first
        elif is_gone(request, context):
            gone.add(key)
            ended = _not_asked(request.decision) if request.decision and _tightens(request.intent) else request.decision
            record = record.with_outbox([_told_of(ended)] if ended and ended is not request.decision else [])
            history += [HistoryEntry(ended, record.reviewed_at or now, request.link)] if ended else []
    return _without_bindings(record.without_requests(gone), context), history, looks_again


def _without_bindings(record: Record, context: Context) -> Record:
    """Note which spent endpoints their requester no longer shows; forget those whose connection is gone as well."""
    connections = context.seen.situation.connections
    held = {c.private_endpoint_key for c in connections if not c.pending}
    remembered = {fold(request.connection_id) for request in record.requests.values()}
    spent = {}
    for key, one in record.spent.items():
        side = context.seen.sides.get(parse(one.resource).key)
        absent = side is not None and side.problem is None and key not in {e.id for e in side.endpoints}
        noted = replace(one, absent_since=one.absent_since or context.now) if absent else one
        gone = one.private_endpoint_id not in held and fold(one.connection_id) not in remembered
        if not (gone and noted.absent_since):
            spent[key] = noted
    return replace(record, spent=spent)


def unwatched(record: Record, context: Context) -> Needs:
    """The requesters to ask whether an endpoint that an approval was spent on is still there: its connection is not."""
    approved = {c.private_endpoint_key for c in context.seen.situation.connections if c.approved}
    lost = {
        one.resource
        for one in record.spent.values()
        if not one.absent_since and one.private_endpoint_id not in approved
    }
    keys = {parse(resource).key for resource in lost} - context.seen.sides.keys()
    names = {
        name
        for name, requester in context.policy.requesters.items()
        if isinstance(requester, ServiceRequester) and requester.resource.key in keys
    }
    return Needs(sides=frozenset(names))
