"""Raising and clearing alerts about what no review is at work on: the policy, the sweep, a message that failed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.alerts.book import policy_in_force, with_conditions
from shared.alerts.conditions import Condition
from shared.alerts.outbox import Outbox
from shared.ledger.records import Records
from shared.ledger.tables import RowChangedError

TRIES = 5
"""Others may change the same record at the same moment; each try begins with what they have left."""

log = logging.getLogger(__name__)


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
        found = list(conditions)
        for tries_left in range(TRIES - 1, -1, -1):
            record = self.records.load(subject)
            if record.forged:  # a record of its own takes what cannot be told here
                subject, record = f"beside {subject}", self.records.load(f"beside {subject}")
            try:
                after = with_conditions(record, found, self.now(), complete=complete)
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
