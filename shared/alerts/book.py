"""Which alerts of a record are open, and which are new. Pure.

One for each condition, again when it comes back, never a flood. Beyond the tenth that is open for one target a digest stands
for what strangers can cause at will. What collides with an endpoint of ours is never absorbed: whoever floods a target must
not hide a forgery in the flood.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from shared.alerts.conditions import FLOODING, AlertType, Condition, digest, policy_changed
from shared.ledger.record import AlertState, Delivery, DigestState, OutboxEntry, Record

OPEN_MOST = 10
"""So many alerts of one target are open singly; a digest stands for further ones."""

FLOOD_HOLDS = timedelta(minutes=10)
"""An alert counts as open, and a digest stays open, so long after the last request of a flood: who keeps deleting and
re-creating requests causes no new alerts."""

REPEATS_AFTER = timedelta(hours=1)
"""A digest that grows is sent again after so long."""


def with_conditions(
    record: Record,
    conditions: Iterable[Condition],
    now: datetime,
    *,
    complete: bool = True,
    unseen: frozenset[str] = frozenset(),
) -> Record:
    """The record with its alerts as they are now, and what is new in its outbox.

    Args:
        record: the record before.
        conditions: what is wrong now.
        now: the time of the alerts.
        complete: the conditions are all there are; what the record holds beyond them has cleared.
        unseen: subjects that could not be looked at: their alerts stay as they are.
    """
    return _Comparison(record, now).run({c.row: c for c in conditions}, complete=complete, unseen=unseen)


def announce(record: Record, condition: Condition, now: datetime) -> Record:
    """The record with one alert to send about something that has happened, and that nothing will clear."""
    return record.with_outbox([_entry(condition, now, now)])


def policy_in_force(record: Record, policy: str, now: datetime) -> Record:
    """The record with the policy that is in force now; a notice tells of the change, with both hashes."""
    if record.policy == policy:
        return record
    changed = replace(record, policy=policy)
    if not record.policy:
        return changed  # the first one that was ever in force is no change
    event = policy_changed(record.policy, policy, now)
    return changed.with_outbox([OutboxEntry(event["id"], Delivery.NOTICE, now, event)])


class _Comparison:
    """One comparison of a record's alerts with what holds now."""

    def __init__(self, record: Record, now: datetime) -> None:
        self.record = record
        self.now = now
        self.alerts: dict[str, AlertState] = {
            key: state
            for key, state in record.alerts.items()
            if state.cleared_at is None or self._lately(state.cleared_at)
        }
        self.digest = record.digest
        self.outbox: list[OutboxEntry] = []

    def run(self, holding: Mapping[str, Condition], *, complete: bool, unseen: frozenset[str]) -> Record:
        if complete:
            for key, state in list(self.alerts.items()):
                if state.active and key not in holding and state.subject not in unseen:
                    self._clear(key, state)
        flooding = {key: c for key, c in holding.items() if c.type in FLOODING and not c.collides}
        for key, condition in holding.items():
            if key not in flooding:
                self._see(key, condition, single=True)
        if complete:
            self._see_flood(flooding)
        record = replace(self.record, alerts=self.alerts, digest=self.digest)
        return record.with_outbox(self.outbox)

    def _see_flood(self, flooding: Mapping[str, Condition]) -> None:
        """At most `OPEN_MOST` singly; while a digest is open, it stands for every new one."""
        alone = {key for key, state in self.alerts.items() if state.type in FLOODING and state.single}
        new = {key for key in flooding if not self._open(key)}
        full = len(alone | flooding.keys()) >= OPEN_MOST
        held = self.digest.full_at is not None and self.now - self.digest.full_at < FLOOD_HOLDS
        stands = self.digest.active and (full or held)
        absorbed = []
        for key, condition in flooding.items():
            if (self._open(key) and key in alone) or not (stands or len(alone) >= OPEN_MOST):
                alone.add(key)
                self._see(key, condition, single=True)
            else:
                absorbed.append(key)
                self._see(key, condition, single=False)
        goes_on = full or any(key in new for key in absorbed)
        self._see_digest([flooding[key].type for key in absorbed], sum(key in new for key in absorbed), stands=stands)
        if goes_on and self.digest.active:
            self.digest = replace(self.digest, full_at=self.now)

    def _see_digest(self, absorbed: list[AlertType], grown: int, *, stands: bool) -> None:
        """Open the digest, or send it again: when it has come to stand for something graver, and hourly while it grows."""
        if not absorbed:
            self.digest = replace(self.digest, active=stands) if stands else DigestState()
            return
        condition, was = digest(self.record.subject, absorbed), self.digest
        grown += was.grown if was.active else 0
        opened = not was.active
        graver = not opened and FLOODING.index(condition.type) < FLOODING.index(AlertType(was.type))
        repeats = not opened and grown > 0 and was.sent_at is not None and self.now - was.sent_at >= REPEATS_AFTER
        if opened or graver or repeats:
            entry = _entry(condition, self.now, self.now)
            self.outbox.append(entry)
            self.digest = DigestState(True, condition.type.value, self.now, self.now, 0, entry.id)
        else:
            self.digest = replace(was, active=True, grown=grown)

    def _open(self, key: str) -> bool:
        return key in self.alerts and self.alerts[key].active

    def _see(self, key: str, condition: Condition, *, single: bool) -> None:
        """Note a condition; it is sent when it is new, or when nothing stands for it any more."""
        state = self.alerts.get(key)
        known = state if state and state.active else None
        if known is not None and (known.single or not single):
            return
        first_seen = known.first_seen_at if known else self.now
        alert_id = ""
        if single:
            entry = _entry(condition, first_seen, self.now)
            self.outbox.append(entry)
            alert_id = entry.id
        self.alerts[key] = AlertState(condition.type.value, condition.subject, first_seen, single, None, alert_id)

    def _clear(self, key: str, state: AlertState) -> None:
        """Note that a condition holds no longer. What was never sent singly is forgotten: a flood leaves nothing behind."""
        if state.single:
            self.alerts[key] = replace(state, cleared_at=self.now)
        else:
            del self.alerts[key]

    def _lately(self, cleared_at: datetime) -> bool:
        return timedelta() <= self.now - cleared_at < FLOOD_HOLDS


def _entry(condition: Condition, first_seen: datetime, now: datetime) -> OutboxEntry:
    event = condition.event(first_seen, now)
    return OutboxEntry(event["id"], Delivery.ALERT, now, event)
