"""Working on one target's firewall: planning a tightening, and leading a firewall to a state, whoever wants it there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.azure.arm import Arm
from shared.azure.operations import Operation, WaitBudget, ended_or_raise, follow_or_raise
from shared.errors import ApproverError, PermanentError, TransientError
from shared.ledger.firewalls import Firewalls, FirewallSnapshot
from shared.model.connection import Connection
from shared.model.decision import FirewallOutcome
from shared.model.firewall import Change, FirewallWish, difference
from shared.model.target_types import type_of
from shared.resource_id import ResourceId
from shared.review.preflight import preflight
from shared.targets.adapter import FirewallReading, TargetAdapter
from shared.targets.firewalls.form import FirewallState

MOST_STEPS = 8
"""More requests than any firewall needs (a SQL server: one for public access, one for each exception)."""


def change_of(target: ResourceId, reading: FirewallReading, wish: FirewallWish) -> Change:
    """What there is to write, and whether this resource may be written at all."""
    change = difference(reading.firewall, wish, type_of(target))
    return Change(problem=reading.obstacle) if change.after is not None and reading.obstacle else change


def plan(
    adapter: TargetAdapter, target: ResourceId, wish: FirewallWish, connections: Iterable[Connection]
) -> FirewallOutcome:
    """What tightening would come to, without writing anything (audit mode, dry runs, and before the settling time)."""
    try:
        reading = adapter.firewall(target)
    except ApproverError as error:
        return FirewallOutcome("failed", problem=str(error), preflight=(f"The firewall could not be read: {error}",))
    change = change_of(target, reading, wish)
    sentences = preflight(reading.firewall, change, type_of(target), connections)
    if change.problem is not None:
        return FirewallOutcome("failed", reading.firewall, None, change.problem, sentences)
    outcome = "tightened" if change.after else "unchanged"
    return FirewallOutcome(outcome, reading.firewall, change.after or reading.firewall, preflight=sentences)


@dataclass(frozen=True, slots=True)
class FirewallWriter:
    """Leads firewalls to a state, one request after another, each read back; never for more than the patience lasts."""

    arm: Arm
    firewalls: Firewalls

    def await_earlier(self, kept: FirewallSnapshot) -> None:
        """Return once the operation of an earlier write has ended.

        Raises:
            TransientError: it still runs.
            PermanentError: it failed.
        """
        if kept.operation and not ended_or_raise(self.arm, Operation(kept.operation)):
            raise _running(kept.target)

    def lead(
        self,
        adapter: TargetAdapter,
        kept: FirewallSnapshot,
        reading: FirewallReading,
        wanted: FirewallState,
        patience: WaitBudget,
    ) -> FirewallReading:
        """Lead a firewall from what was read to a state; answers what was read back.

        Args:
            adapter: the target's.
            kept: the ledger's row, which remembers an operation that runs on.
            reading: the firewall as it is.
            wanted: where it shall be.
            patience: for ARM's operations.

        Raises:
            TransientError: an operation runs on, or the firewall does not show what was written: come again.
            PermanentError: ARM refuses, or the resource must not be written.
        """
        for _ in range(MOST_STEPS):
            request = adapter.step(reading, wanted)
            if request is None:
                return reading
            if reading.obstacle:
                raise PermanentError(reading.obstacle, code="Unwritable")
            operation = adapter.send(kept.target, request)
            if operation is not None:
                kept = self.firewalls.running(kept, operation.url)
                if not follow_or_raise(self.arm, operation, patience):
                    raise _running(kept.target)
                kept = self.firewalls.running(kept, "")
            reading = adapter.firewall(kept.target)
        raise TransientError(f"the firewall of {kept.target} does not show what was written", code="NotShown")


def _running(target: ResourceId) -> TransientError:
    return TransientError(f"the firewall of {target} is still being written", code="Running", retry_after=15)
