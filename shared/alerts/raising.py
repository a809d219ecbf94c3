"""Raising and clearing alerts about what no review is at work on: the policy, the sweep, a message that failed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.alerts.book import policy_in_force, with_conditions
from shared.alerts.conditions import Condition, record_forged
from shared.alerts.outbox import Outbox
from shared.ledger.record import Record
from shared.ledger.records import Records
from shared.ledger.tables import RowChangedError

TOLD_AGAIN = timedelta(days=1)
"""While a record is not authentic that is told once in so long: nobody can tell when it was well in between."""

TRIES = 5
"""Others may change the same record at the same moment; each try begins with what they have left."""

log = logging.getLogger(__name__)


def beside(subject: str) -> str:
    """Whose record takes the alerts of a subject whose own is not authentic."""
    return f"beside {subject}"


@dataclass(frozen=True, slots=True)
class Alerts:
    """Alerts of any subject: a target, "policy", "sweep", "poison"."""

    records: Records
    outbox: Outbox
    now: Callable[[], datetime]

    def update(
        self, subject: str, conditions: Iterable[Condition], *, complete: bool = True, policy: str | None = None
    ) -> None:
        """Bring a subject's alerts up to what holds now, and deliver what is new.

        Args:
            subject: whose record the conditions are remembered in.
            conditions: what is wrong now.
            complete: the conditions are all there are; what the record holds beyond them has cleared.
            policy: the hash of the policy that is in force now; a change is told.

        Raises:
            ApproverError: the ledger could not be read or written.
        """
        wanted = list(conditions)
        for tries_left in range(TRIES - 1, -1, -1):
            record = self.records.load(subject)
            found, known = wanted, record
            try:
                if record.forged:
                    found = [*wanted, record_forged(subject, record.forged)]
                    record = self._beside(subject)
                    known = self._told_lately(record)
                after = with_conditions(known, found, self.now(), complete=complete)
                after = policy_in_force(after, policy, self.now()) if policy else after
                changed = self.records.commit(record, after)
            except RowChangedError as error:
                if not tries_left:
                    raise
                log.info("alerts of %s: %s", subject, error)
            else:
                self.outbox.deliver(changed)
                return

    def expire(self, subject: str, stood: timedelta) -> None:
        """Close a subject's alerts that are older than `stood`: about what has happened and what nothing will clear.

        Raises the errors of `update`.
        """
        now = self.now()
        states = self.records.load(subject).alerts.values()
        if any(state.active and now - state.first_seen_at >= stood for state in states):
            self.update(subject, [])

    def _beside(self, subject: str) -> Record:
        """A record of its own for what cannot be remembered in one that is not authentic, and for saying so.

        It holds alerts only. So it is begun anew where it is not authentic either: what is told twice hides nothing.
        """
        record = self.records.load(beside(subject))
        return self.records.begin_anew(record.subject) if record.forged else record

    def _told_lately(self, record: Record) -> Record:
        told = {key: one for key, one in record.alerts.items() if self.now() - one.first_seen_at < TOLD_AGAIN}
        return replace(record, alerts=told)
