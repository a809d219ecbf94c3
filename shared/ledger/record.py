"""What is remembered of one target: the unit that is read at once and changed at once. Pure values.

A record is a memory, not evidence: whatever can be asked again is asked again before an approval rests on it. How it lies
in rows is `ledger.rows`' to know; how it is read and committed, `ledger.records`'.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.ledger.tables import timestamp
from shared.model.connection import Seen
from shared.model.decision import Decision, request_key

CLOCKS_DIFFER = timedelta(minutes=5)
"""How far the clocks of hosts may differ; a time later than that was not noted by this app."""

LATEST_DUE = timedelta(days=7)
"""No firewall is due later than this from now: the longest settling time that a policy may ask for."""

LONGEST_MESSAGE = 4096
"""Characters of a request message that are remembered. Azure takes 140; no endpoint of ours has a longer one."""


class Phase(StrEnum):
    """Where an intent stands."""

    DECIDING = "deciding"  # the connection is not known to be decided yet
    TIGHTENING = "tightening"  # the connection is decided; what is left is the target's firewall


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be done about one request; open until it is done.

    Args:
        decision: the decision that is carried out, as it will be shown.
        status: what the connection shall become: "Approved" or "Rejected".
        created_at: when it was opened.
        phase: see `Phase`.
        rules: the rules that applied. What they ask of the firewall is read from the policy in force when it is due.
        requester: the requester's name in the policy, where it is a service.
        endpoint_id: its managed endpoint (folded), "" for other requesters.
        sub_resource: what that endpoint asks for, as it is compared.
        operation: URL of ARM's operation that decides the connection, or "". It may be signed and is never logged.
        asked_at: when that operation was last asked about, once it has been running for so long that it is asked seldom.
        due_at: when the firewall may be tightened.
        problem: why the last try to tighten it failed, or "".
        problem_policy: hash of the policy under which it failed: another one is tried at once.
    """

    decision: Decision
    status: str
    created_at: datetime
    phase: Phase = Phase.DECIDING
    rules: tuple[str, ...] = ()
    requester: str = ""
    endpoint_id: str = ""
    sub_resource: str = ""
    operation: str = field(default="", repr=False)
    asked_at: datetime | None = None
    due_at: datetime | None = None
    problem: str = ""
    problem_policy: str = ""

    @property
    def key(self) -> str:
        """The request that it is about (`Decision.key`)."""
        return self.decision.key

    def until(self, now: datetime) -> Intent:
        """See `Record.until`."""
        created_at = min(self.created_at, now + CLOCKS_DIFFER)
        due_at = min(self.due_at, now + LATEST_DUE) if self.due_at else None
        return (
            self
            if (created_at, due_at) == (self.created_at, self.due_at)
            else replace(self, created_at=created_at, due_at=due_at)
        )

    @property
    def approves(self) -> bool:
        """Whether it is about an approval (not a rejection)."""
        return self.status == "Approved"


@dataclass(frozen=True, slots=True)
class Link:
    """A decision's place in the chain of its target's decisions.

    `number` counts from 1; `before` is the hash of the one before, "" for the first; `hash` is over that and what a decision
    never changes (its id, time, connection and private endpoint): what may change is held by the row's seal.
    """

    number: int = 0
    before: str = ""
    hash: str = ""

    def next(self, decision: Decision) -> Link:
        """The place of a new decision behind this one."""
        fixed = [
            decision.decision_id,
            timestamp(decision.decided_at),
            decision.connection_id,
            decision.private_endpoint_id,
        ]
        text = json.dumps([self.hash, self.number + 1, str(decision.target), *fixed])
        return Link(self.number + 1, self.hash, hashlib.sha256(text.encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request (a connection and its private endpoint) as it is remembered while the target shows it.

    Args:
        connection_id: the connection.
        private_endpoint_id: its private endpoint, None where it showed none.
        seen_at: when it was there for the first time.
        message: the message that it was first seen with; None: it was decided already.
        decision: the newest decision on it that is recorded.
        link: that decision's place in the chain.
        recorded_at: when that decision's row was last written (its `lastSeenAt`).
        waiting_since: since when its evidence, or an answer of ARM, is awaited.
        absent_since: since when no list shows it.
        intent: what is about to be done about it.
    """

    connection_id: str
    private_endpoint_id: str | None
    seen_at: datetime
    message: str | None = None
    decision: Decision | None = None
    link: Link = Link()
    recorded_at: datetime | None = None
    waiting_since: datetime | None = None
    absent_since: datetime | None = None
    intent: Intent | None = None

    @property
    def key(self) -> str:
        """See `Decision.key`."""
        return request_key(self.connection_id, self.private_endpoint_id)


@dataclass(frozen=True, slots=True)
class SpentEndpoint:
    """A managed endpoint that an approval was spent on. Ids folded, but for `resource` and `connection_id`.

    `absent_since`: when its requester no longer showed it. `tenant_id`: where its private endpoint lives.
    """

    endpoint_id: str
    private_endpoint_id: str
    connection_id: str
    resource: str
    decision_id: str
    bound_at: datetime
    sub_resource: str = ""
    tenant_id: str | None = None
    absent_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class FirewallSnapshot:
    """A firewall as it was before the app tightened it, and as the app left it.

    `before` and `after` are states of the target's form; `after` is None until it was read back: the tightening runs on, or
    its review was cut off. `decisions` asked for it. `operation`: URL of ARM's operation that still runs, or "". `sent`:
    digests of requests that ARM has taken and does not show yet: none of them is sent again.
    """

    taken_at: datetime
    before: Mapping[str, Any]
    decisions: tuple[str, ...]
    after: Mapping[str, Any] | None = None
    operation: str = field(default="", repr=False)
    sent: tuple[str, ...] = ()

    @property
    def being_written(self) -> bool:
        """Whether the tightening has not been read back yet."""
        return self.after is None


@dataclass(frozen=True, slots=True)
class RestoreIntent:
    """A firewall that a person wants put back, open until it is done. `seen`: its state when they asked."""

    decision: Decision
    created_at: datetime
    seen: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AlertState:
    """One condition that holds, or did until lately, and what was said of it.

    `first_seen_at`: when it began to hold, which is what tells one episode from the next. `cleared_at`: when it was seen
    cleared, None while it holds. `single`: an alert of its own was sent for it (else the digest stands for it), under
    `alert_id`.
    """

    type: str
    subject: str
    first_seen_at: datetime
    single: bool
    cleared_at: datetime | None = None
    alert_id: str = ""

    @property
    def active(self) -> bool:
        """Whether it holds."""
        return self.cleared_at is None


@dataclass(frozen=True, slots=True)
class DigestState:
    """The digest of a target, which stands for the alerts beyond the tenth.

    `full_at`: when the flood was last seen; `sent_at`: when the digest was last sent; `grown`: how many conditions it has
    come to stand for since; `type`: of the alert that was sent.
    """

    active: bool = False
    type: str = ""
    full_at: datetime | None = None
    sent_at: datetime | None = None
    grown: int = 0
    alert_id: str = ""


class Delivery(StrEnum):
    """What an entry of the outbox is, and so who gets it."""

    DECISION = "decision"  # the feed
    ALERT = "alert"  # the feed, the topic, the webhook
    NOTICE = "notice"  # the topic


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """Something that is to be told. `id` makes a repetition the same entry; `body` is its JSON; `at` is its time."""

    id: str
    kind: Delivery
    at: datetime
    body: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Its key among the entries of a record."""
        return f"{self.kind}|{self.id}"


@dataclass(frozen=True, slots=True)
class Record:
    """All that is remembered of a target, or of another subject of alerts ("policy", "sweep", a message's id).

    Args:
        subject: the target's id, or the other subject.
        etag: the ETag of its head row as it was read; "": it is not there yet.
        version: how often it was changed.
        listed_at: the storage service's time before the last complete review listed the target.
        reviewed_at: when that review was.
        absent_since: since when ARM says that there is no such target.
        failing_since: since when the target could not be read.
        work: the ETag of its row in the index of unfinished work, "" for none.
        requests: by `RequestRecord.key`.
        spent: by endpoint id.
        snapshots: tightened firewalls that were not put back, the newest first.
        restore: a firewall that is being put back.
        alerts: by `Condition.row`.
        digest: see `DigestState`.
        outbox: by `OutboxEntry.key`, what nobody has been told yet.
        tip: the newest place in the chain of the target's decisions.
        policy: the hash of the policy that was in force last (of the subject "policy").
        unreadable: the keys of rows that cannot be understood; they are left as they are.
        forged: what is not authentic: keys of rows, or what is missing. Nothing rests on such a record.
        digests: the rows as they lie in the table, by key (`sealing.digest_of`).
    """

    subject: str
    etag: str = field(default="", compare=False)
    version: int = field(default=0, compare=False)
    listed_at: datetime | None = None
    reviewed_at: datetime | None = None
    absent_since: datetime | None = None
    failing_since: datetime | None = None
    work: str = field(default="", compare=False)
    requests: Mapping[str, RequestRecord] = field(default_factory=dict)
    spent: Mapping[str, SpentEndpoint] = field(default_factory=dict)
    snapshots: tuple[FirewallSnapshot, ...] = ()
    restore: RestoreIntent | None = None
    alerts: Mapping[str, AlertState] = field(default_factory=dict)
    digest: DigestState = DigestState()
    outbox: Mapping[str, OutboxEntry] = field(default_factory=dict)
    tip: Link = Link()
    policy: str = ""
    unreadable: tuple[str, ...] = ()
    forged: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def intents(self) -> dict[str, Intent]:
        """The open intents, by request."""
        return {key: request.intent for key, request in self.requests.items() if request.intent}

    @property
    def unfinished(self) -> bool:
        """Whether somebody must come back to it: the sweep does, as long as this is so."""
        absent = any(request.absent_since for request in self.requests.values())
        return bool(self.intents or self.restore or self.outbox or self.absent_since or absent)

    @property
    def empty(self) -> bool:
        """Whether nothing is remembered that would be missed."""
        return not (
            self.requests
            or self.spent
            or self.snapshots
            or self.restore
            or self.alerts
            or self.outbox
            or self.digest.active
        )

    def until(self, now: datetime) -> Record:
        """The record with the present in the place of times in the future, which nobody can have noted.

        What falls due is due within a day at the latest (settling takes an hour at most).
        """
        latest = now + CLOCKS_DIFFER

        def past(moment: datetime | None) -> datetime | None:
            return moment if moment is None or moment <= latest else now

        requests = {
            key: replace(
                request,
                seen_at=min(request.seen_at, latest),
                waiting_since=past(request.waiting_since),
                absent_since=past(request.absent_since),
                recorded_at=past(request.recorded_at),
                intent=request.intent and request.intent.until(now),
            )
            for key, request in self.requests.items()
        }
        spent = {
            key: replace(one, bound_at=min(one.bound_at, latest), absent_since=past(one.absent_since))
            for key, one in self.spent.items()
        }
        return replace(
            self,
            absent_since=past(self.absent_since),
            failing_since=past(self.failing_since),
            reviewed_at=past(self.reviewed_at),
            requests=requests,
            spent=spent,
            alerts={key: replace(one, cleared_at=past(one.cleared_at)) for key, one in self.alerts.items()},
        )

    def seen(self) -> dict[str, Seen]:
        """What was seen of each request before, by its key."""
        return {key: Seen(request.message, request.seen_at) for key, request in self.requests.items()}

    def with_request(self, request: RequestRecord) -> Record:
        """The record with one request changed or added."""
        return replace(self, requests={**self.requests, request.key: request})

    def with_intent(self, key: str, intent: Intent | None) -> Record:
        """The record with the intent of one of its requests changed, or closed (None)."""
        return self.with_request(replace(self.requests[key], intent=intent))

    def without_requests(self, keys: set[str]) -> Record:
        """The record without some requests."""
        return replace(self, requests={key: request for key, request in self.requests.items() if key not in keys})

    def with_outbox(self, entries: Iterable[OutboxEntry]) -> Record:
        """The record with more to tell; an entry of the same key takes the place of the earlier one."""
        return replace(self, outbox={**self.outbox, **{entry.key: entry for entry in entries}})


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A decision's own row, which stays for its retention. `last_seen_at`: the last review that found it still so."""

    decision: Decision
    last_seen_at: datetime
    link: Link = Link()
