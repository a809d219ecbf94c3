"""Putting a firewall back to what it was before the app tightened it: because a person asks, never by itself.

The last tightening that was not put back is undone, exactly: its snapshot is written, and read back. What was asked stands
in the record until then, so that a review finishes what a dead instance, or an operation longer than a function may wait,
has left behind.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from shared.errors import ConflictError, NotFoundError, PermanentError
from shared.ledger.record import FirewallSnapshot, Phase, Record, RestoreIntent
from shared.model.decision import Decision, FirewallOutcome, FirewallResult, Outcome, Person
from shared.model.firewall import Firewall
from shared.model.situation import Situation, Target
from shared.policy.rules import Mode, Policy
from shared.resource_id import ResourceId
from shared.review.observation import Observation
from shared.review.review import Reviewer, Trigger
from shared.targets.adapter import FirewallReading, TargetAdapter
from shared.targets.firewalls.form import same

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of a restore: the decision (`applied` True: done), or what would happen (`planned`: before and after)."""

    decision: Decision
    planned: tuple[Firewall, Firewall] | None = None


@dataclass(frozen=True, slots=True)
class Restorer:
    """The use case."""

    reviewer: Reviewer
    now: Callable[[], datetime]
    new_id: Callable[[], str]

    def restore(
        self, target: ResourceId, *, force: bool, dry_run: bool = False, asked_by: Person | None = None
    ) -> Restored:
        """Put a firewall back, as far as the time of one function goes; `asked_by` is who asks.

        Raises:
            PolicyError: there is no valid policy.
            ConflictError: the policy is in audit mode, the tightening still runs, or somebody has changed the firewall
                since and `force` is not given.
            NotFoundError: there is no such target, or no snapshot of it.
            ApproverError: the target or the ledger could not be read or written.
        """
        reviewer = self.reviewer
        policy = reviewer.policy.current()
        reviewer.scope.require(policy.scope, target)
        adapter = reviewer.adapter(target)
        reading = adapter.firewall(target)
        snapshot = _last_snapshot(reviewer.load(target))
        if dry_run:
            before, after = reading.firewall, adapter.to_firewall(dict(snapshot.before))
            return Restored(self._decision(target, snapshot, reading, policy, asked_by), (before, after))
        with reviewer.leases.hold(target):
            record = self.begin(target, adapter, policy, reviewer.load(target), force=force, asked_by=asked_by)
            return self._finish(target, adapter, policy, record)

    def begin(
        self,
        target: ResourceId,
        adapter: TargetAdapter,
        policy: Policy,
        record: Record,
        *,
        force: bool,
        asked_by: Person | None = None,
    ) -> Record:
        """Check that the firewall may be put back, and commit that it shall be; a restore that is open goes on.

        Raises the errors of `restore`.
        """
        if policy.mode is Mode.AUDIT:
            text = f"{target}: in audit mode the app writes nothing; put it back by hand"
            raise ConflictError(text, code="AuditMode")
        if record.restore is not None:
            return record
        snapshot, reading = _last_snapshot(record), adapter.firewall(target)
        _check(target, record, snapshot, reading, force=force)
        restore = RestoreIntent(self._decision(target, snapshot, reading, policy, asked_by), self.now(), reading.state)
        return self.reviewer.records.commit(record, replace(record, restore=restore))

    def _finish(self, target: ResourceId, adapter: TargetAdapter, policy: Policy, record: Record) -> Restored:
        """Go on until it is done, or ARM still works on it when the time is up."""
        asked = record.restore
        if asked is None:
            raise AssertionError("a restore that was not begun")
        seen = Observation(target, record, Situation(Target(target), ()), listed=False)
        seen, made = self.reviewer.run(seen, policy, adapter, Trigger())
        self.reviewer.outbox.deliver(seen.record)
        done = next((entry.decision for entry in made.history if entry.decision.key == asked.decision.key), None)
        if done is None:
            return Restored(asked.decision)
        if done.outcome is Outcome.FAILED:
            code = seen.firewall_answer.code if seen.firewall_answer else ""
            raise PermanentError(done.problem or "not put back", code=code or "NotPutBack")
        return Restored(done)

    def _decision(
        self,
        target: ResourceId,
        snapshot: FirewallSnapshot,
        reading: FirewallReading,
        policy: Policy,
        asked_by: Person | None,
    ) -> Decision:
        """A decision about no connection; `restores` are the decisions whose work is undone."""
        now = self.now()
        return Decision(
            decision_id=self.new_id(),
            target=target,
            outcome=Outcome.UNCHANGED,
            decided_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
            policy=policy.hash,
            applied=None,
            firewall=FirewallOutcome(FirewallResult.RESTORED, reading.firewall.shown()),
            restores=snapshot.decisions,
            asked_by=asked_by,
        )


def _last_snapshot(record: Record) -> FirewallSnapshot:
    """What would be put back. Raises NotFoundError: there is nothing."""
    if not record.snapshots:
        text = f"{record.subject}: the app has tightened nothing here that was not put back"
        raise NotFoundError(text, code="NotFound")
    return record.snapshots[0]


def _check(
    target: ResourceId, record: Record, snapshot: FirewallSnapshot, reading: FirewallReading, *, force: bool
) -> None:
    """Raise `ConflictError` where the firewall must not be put back now."""
    tightening = any(
        i.phase is Phase.TIGHTENING and i.decision.decision_id in snapshot.decisions for i in record.intents.values()
    )
    if snapshot.being_written and tightening:
        raise ConflictError(f"{target}: its firewall is being tightened; ask again later", code="BeingTightened")
    known = [dict(state) for state in (snapshot.before, snapshot.after) if state is not None]
    if not force and not any(same(reading.state, state) for state in known):
        text = f'{target}: somebody has changed its firewall since; send "force": true to put it back all the same'
        raise ConflictError(text, code="FirewallChanged")
