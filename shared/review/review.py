"""The review of one target: observe, plan, commit, carry out, and again until nothing is left to do.

Level-triggered: whatever woke it only named the target. Running it twice, late or twice at once changes nothing that
running it once would not have: whoever commits second finds that the record has changed, and starts again from what is true.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.alerts.book import with_conditions
from shared.alerts.conditions import review_failed
from shared.alerts.outbox import Outbox
from shared.alerts.raising import Alerts
from shared.azure.leases import Held, Leases
from shared.azure.operations import WaitBudget
from shared.errors import ForgedError, NotFoundError, TransientError
from shared.ledger.policies import Policies
from shared.ledger.record import Intent, Phase, Record
from shared.ledger.records import Records
from shared.ledger.sealing import Sealing
from shared.ledger.tables import RowChangedError
from shared.model.decision import Decision, Person
from shared.model.target_types import type_of
from shared.policy.current import PolicySource
from shared.policy.rules import Policy
from shared.resource_id import ResourceId
from shared.review.carry_out import Executor
from shared.review.connection_work import GONE_AFTER
from shared.review.observation import Answer, Observation
from shared.review.observe import Observer
from shared.review.plan import ALERT_AFTER, Plan, plan
from shared.review.scope import ScopeGuard
from shared.targets.adapter import TargetAdapter

COALESCE_WITHIN = timedelta(seconds=5)
"""Approvals that settle so soon after one another close the firewall with one write."""

MOST_STEPS = 200
"""More steps than any review has: 120 connections with an operation each take less. A guard, not a limit to reach."""

STARTS_AGAIN = 3
"""So often a review starts again from what is true when somebody else has changed the record meanwhile."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trigger:
    """Why a review is asked for. `inserted_at` is a queue message's insertion time as the queue service gives it.

    `asked_by`: who asked, None where nobody did, or nobody is known.
    """

    cause: str = "manual"
    run_id: str | None = None
    dry_run: bool = False
    inserted_at: datetime | None = None
    asked_by: Person | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """What a review came to.

    `retry_after`: seconds after which it must be looked at again, None: not for this review's sake. `settle_after`: seconds
    until firewall work is due. `skipped`: an earlier review has answered the message already. `firewall_answer`: what ARM
    said of the last write of a firewall.
    """

    decisions: tuple[Decision, ...] = ()
    policy: Policy | None = None
    retry_after: float | None = None
    settle_after: float | None = None
    skipped: bool = False
    record: Record | None = None
    firewall_answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Reviewer:
    """The use case with everything that it needs."""

    policy: PolicySource
    scope: ScopeGuard
    adapters: Mapping[str, TargetAdapter]
    observer: Observer
    executor: Executor
    records: Records
    policies: Policies
    sealing: Sealing
    outbox: Outbox
    alerts: Alerts
    leases: Leases
    now: Callable[[], datetime]
    sleep: Callable[[float], None]

    def review(self, target: ResourceId, trigger: Trigger) -> Review:
        """Review a target.

        Raises:
            PolicyError: there is no valid policy; nothing was read.
            OutsideScopeError: the policy's scope does not cover the target; nothing was read.
            NotFoundError: there is no such target. What is remembered of it goes when that is still so a minute later.
            BusyError: another review holds the target.
            ApproverError: the target or the ledger could not be read.
        """
        policy = self.policy.current()
        self.scope.require(policy.scope, target)
        self.policies.keep(policy)
        if trigger.dry_run:
            return self._dry(policy, target, trigger)
        with self.leases.hold(target) as held:
            record = self.load(target)
            if self._answered(record, trigger, held):
                return Review(policy=policy, skipped=True)
            review = self._live(policy, target, trigger, record, held)
        return replace(review, record=self.outbox.deliver(review.record) if review.record else None)

    def load(self, target: ResourceId) -> Record:
        """What is remembered of a target.

        Raises:
            ForgedError: it is not authentic. `ReviewFailed` says so; nothing is decided on it.
        """
        record = self.records.load(target)
        if record.forged:
            self.alerts.update(str(target), [], complete=False)  # which finds the same, and says so
            text = f"what the ledger remembers of {target} is not authentic: {', '.join(record.forged[:5])}"
            raise ForgedError(text, code="LedgerForged")
        return record.until(self.now())

    @staticmethod
    def _answered(record: Record, trigger: Trigger, held: Held) -> bool:
        """Whether a complete review listed the target after the message was queued (all times are the storage's own)."""
        if trigger.cause not in ("event", "sweep") or trigger.inserted_at is None or record.listed_at is None:
            return False
        return trigger.inserted_at < record.listed_at <= held.since

    def _dry(self, policy: Policy, target: ResourceId, trigger: Trigger) -> Review:
        """What would happen. Nothing is committed, and nothing carried out."""
        adapter = self.adapter(target)
        seen = self.observer.observe(policy, target, adapter, self.load(target))
        made = self._plan(seen, policy, adapter, trigger)[1]
        return Review(made.decisions, policy)

    def _live(self, policy: Policy, target: ResourceId, trigger: Trigger, record: Record, held: Held) -> Review:
        """Review, and again from what is true where somebody else has changed the record meanwhile."""
        for tries_left in range(STARTS_AGAIN - 1, -1, -1):
            try:
                return self._once(policy, target, trigger, record, held)
            except RowChangedError as error:
                if not tries_left:
                    raise
                log.info("starting again: %s", error)
                record = self.load(target)
        raise AssertionError("a review that neither answers nor raises")

    def _once(self, policy: Policy, target: ResourceId, trigger: Trigger, before: Record, held: Held) -> Review:
        adapter = self.adapter(target)
        try:
            seen = self.observer.observe(policy, target, adapter, before, held.since)
        except NotFoundError as error:
            self._not_found(target, adapter, before, held)
            look_again = None if before.empty or before.absent_since else GONE_AFTER.total_seconds()
            raise NotFoundError(str(error), code=error.code, look_again=look_again) from error
        except TransientError as error:
            self._not_read(before, error)
            raise
        seen, made = self.run(seen, policy, adapter, trigger)
        return Review(
            decisions=made.decisions,
            policy=policy,
            retry_after=made.looks_again,
            settle_after=self._settle_after(seen.record, before, trigger),
            record=seen.record,
            firewall_answer=seen.firewall_answer,
        )

    def run(
        self, seen: Observation, policy: Policy, adapter: TargetAdapter, trigger: Trigger
    ) -> tuple[Observation, Plan]:
        """Plan, commit and carry out until nothing is left to do.

        Raises:
            RowChangedError: somebody else has changed the record.
        """
        budget = WaitBudget(self.sleep)

        def check_policy() -> None:
            if self.policy.current().hash != policy.hash:
                raise TransientError("the policy changed during the review", code="PolicyChanged", retry_after=1)

        for _ in range(MOST_STEPS):
            seen, made = self._plan(seen, policy, adapter, trigger)
            record = self.records.commit(seen.record, made.record, made.history)
            seen = replace(seen, record=record, concluded={**seen.concluded, **made.concluded})
            if not made.effects:
                return seen, made
            seen = self.executor.carry_out(made.effects, seen, adapter, budget, check_policy)
        raise TransientError(f"the review of {seen.target} has no end", code="TooManySteps")

    def _plan(
        self, seen: Observation, policy: Policy, adapter: TargetAdapter, trigger: Trigger
    ) -> tuple[Observation, Plan]:
        """The plan, once everything is read that it needs."""
        while True:
            made = plan(
                seen,
                policy,
                self.now(),
                _new_id,
                self.sealing.trace,
                run_id=trigger.run_id,
                asked_by=trigger.asked_by,
                dry=trigger.dry_run,
            )
            if not made.needs:
                return seen, made
            seen = self.observer.read(seen, made.needs, policy, adapter)

    def adapter(self, target: ResourceId) -> TargetAdapter:
        """The adapter of a target's type."""
        return self.adapters[type_of(target).name]

    def _settle_after(self, record: Record, before: Record, trigger: Trigger) -> float | None:
        """Seconds until firewall work is due that has no delayed message yet.

        What was due before this review has one, unless that was the very message that caused the review (`settle`).
        """
        waiting = {key: i for key, i in record.intents.items() if _settles(i)}
        earlier = {key for key, i in before.intents.items() if _settles(i)}
        fresh = waiting if trigger.cause == "settle" else {k: i for k, i in waiting.items() if k not in earlier}
        now = self.now()
        dues = sorted(i.due_at for i in fresh.values() if i.due_at and i.due_at > now)
        together = [due for due in dues if due - dues[0] <= COALESCE_WITHIN]
        return max(1.0, (together[-1] - now).total_seconds()) if together else None

    def _not_found(self, target: ResourceId, adapter: TargetAdapter, record: Record, held: Held) -> None:
        """ARM says that there is no such target: remember since when, and forget all of it when that stays so."""
        now = self.now()
        if not record.empty and record.absent_since is None:
            self.outbox.deliver(self.records.commit(record, replace(record, absent_since=now)))
        elif record.empty or (now - (record.absent_since or now) >= GONE_AFTER and not adapter.exists(target)):
            closed = with_conditions(
                replace(record, requests={}, spent={}, snapshots=(), restore=None, absent_since=None), [], now
            )
            left = self.outbox.deliver(self.records.commit(record, closed))
            if left.outbox:
                return  # something is still to be delivered; the sweep comes back to it
            log.info("%s is gone, and what was remembered of it", target)
            self.records.forget(left)
            held.discard()

    def _not_read(self, record: Record, error: TransientError) -> None:
        """The target cannot be read for now: note since when, and alert once that has lasted for `ALERT_AFTER`."""
        now = self.now()
        since = record.failing_since or now
        after = replace(record, failing_since=since)
        if now - since >= ALERT_AFTER:
            after = with_conditions(after, [review_failed(record.subject, str(error))], now, complete=False)
        self.outbox.deliver(self.records.commit(record, after))


def _settles(intent: Intent) -> bool:
    return intent.phase is Phase.TIGHTENING and intent.due_at is not None and not intent.problem


def _new_id() -> str:
    return str(uuid.uuid4())
