"""The review of one target: read, gather, decide, act, tighten, alert, record (INTERFACE section 5).

Level-triggered: whatever woke it only named the target. Running it twice, late or twice at once changes nothing that
running it once would not have.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.alerts.conditions import Condition, condition_of, firewall_failed
from shared.alerts.topic import Outbox
from shared.azure.leases import Leases
from shared.azure.operations import WaitBudget
from shared.errors import NotFoundError, TransientError
from shared.ledger.alerts import AlertBook
from shared.ledger.decisions import Decisions, TargetRecord
from shared.ledger.intents import DECIDING, TIGHTENING, Intents
from shared.model.connection import Connection
from shared.model.decision import Decision, FirewallOutcome, Outcome, decided
from shared.model.target_types import type_of
from shared.policy.current import PolicySource
from shared.policy.decide import decide
from shared.policy.rules import Mode, Policy
from shared.policy.verdict import Verdict
from shared.resource_id import ResourceId
from shared.review.carry_out import Actor
from shared.review.firewall_work import plan
from shared.review.observe import Gathered, Gatherer
from shared.review.restore import Restorer
from shared.review.scene import Scene
from shared.review.scope import ScopeGuard
from shared.review.tighten import Tightener
from shared.review.waiting import with_pair_warnings
from shared.targets.adapter import TargetAdapter

COALESCE_WITHIN = timedelta(seconds=5)
"""Approvals that settle so soon after one another close the firewall with one write."""

ALERT_AFTER = timedelta(minutes=15)
"""Evidence that may still arrive is waited for so long before anybody is alerted."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a review is asked for. `inserted_at` is a queue message's insertion time as the queue service gives it."""

    cause: str = "manual"
    run_id: str | None = None
    dry_run: bool = False
    inserted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """What a review came to.

    `retry_after`: seconds after which it must be looked at again, None: not for this review's sake. `settle_after`: seconds
    until firewall work is due. `skipped`: an earlier review has answered the message already.
    """

    decisions: tuple[Decision, ...] = ()
    policy: Policy | None = None
    retry_after: float | None = None
    awaits_evidence: bool = False
    settle_after: float | None = None
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Reviewer:
    """The use case with everything that it needs."""

    policy: PolicySource
    scope: ScopeGuard
    adapters: Mapping[str, TargetAdapter]
    gatherer: Gatherer
    actor: Actor
    tightener: Tightener
    restorer: Restorer
    decisions: Decisions
    intents: Intents
    alerts: AlertBook
    outbox: Outbox
    leases: Leases
    now: Callable[[], datetime]
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    def review(self, target: ResourceId, wish: Wish) -> Review:
        """Review a target.

        Raises:
            PolicyError: there is no valid policy; nothing was read.
            OutsideScopeError: the policy's scope does not cover the target; nothing was read.
            NotFoundError: there is no such target (its alerts and intents are closed).
            BusyError: another review holds the target.
            ApproverError: the target or the ledger could not be read.
        """
        policy = self.policy.current()
        self.scope.require(policy.scope, target)
        before = self.decisions.load(target)
        if self._answered(before, wish):
            return Review(policy=policy, skipped=True)
        if wish.dry_run:
            return self._dry(policy, target, wish, before)
        with self.leases.hold(target) as held:
            before = self.decisions.load(target)
            if self._answered(before, wish):
                return Review(policy=policy, skipped=True)
            review, alerts = self._live(policy, target, wish, before, held.since)
        self.outbox.deliver(alerts)
        return review

    def _answered(self, record: TargetRecord, wish: Wish) -> bool:
        """Whether a complete review listed the target after the message was queued (both times are the storage's)."""
        if wish.cause not in ("event", "sweep") or wish.inserted_at is None or record.listed_at is None:
            return False
        return wish.inserted_at < record.listed_at

    def _dry(self, policy: Policy, target: ResourceId, wish: Wish, before: TargetRecord) -> Review:
        gathered, _ = self._gather(policy, target, before)
        verdicts = with_pair_warnings(decide(gathered.situation, policy, self.now().date()), gathered.situation)
        adapter = self._adapter(target)
        made = [self._decision(v, target, policy, TargetRecord(), wish) for v in verdicts]
        return Review(tuple(self._planned(d, adapter, gathered.situation.connections) for d in made), policy)

    def _live(
        self, policy: Policy, target: ResourceId, wish: Wish, before: TargetRecord, listed_at: datetime
    ) -> tuple[Review, list[str]]:
        try:
            gathered, read_at = self._gather(policy, target, before)
        except NotFoundError:
            self._forget(target)
            raise
        scene = self._scene(policy, target, gathered, read_at)
        verdicts = with_pair_warnings(decide(gathered.situation, policy, self.now().date()), gathered.situation)
        made = [self._decision(v, target, policy, before, wish) for v in verdicts]
        self._note_absent(gathered)
        self._close_orphans(made, scene)
        done = [self._carry_out(decision, scene) for decision in made]
        if policy.mode is Mode.ENFORCE and self.restorer.resumed(scene):
            firewalls = self.tightener.tighten(scene, policy)
            done = [d.with_firewall(firewalls[d.key]) if d.key in firewalls else d for d in done]
        waiting = self._waiting(done, before)
        self.decisions.save(target, before, done, waiting=waiting, listed_at=listed_at, now=self.now())
        conditions = self._conditions(done, scene, waiting, gathered.situation.home_tenant)
        alerts = self.alerts.settle(str(target), conditions, self.now())
        for intent in scene.finished:
            self.intents.close(intent)
        return self._outcome(done, policy, scene, waiting, wish), alerts

    def _gather(self, policy: Policy, target: ResourceId, before: TargetRecord) -> tuple[Gathered, float]:
        """The situation, and the moment (monotonic seconds) before its first list: no list in it is older."""
        began = self.clock()
        today = self.now().date()
        begun = [i for i in self.intents.of(target) if i.phase == DECIDING and i.status == "Approved"]
        gathered = self.gatherer.gather(policy, target, self._adapter(target), today, before.seen, begun)
        return gathered, began

    def _adapter(self, target: ResourceId) -> TargetAdapter:
        return self.adapters[type_of(target).name]

    def _scene(self, policy: Policy, target: ResourceId, gathered: Gathered, read_at: float) -> Scene:
        def check_policy() -> None:
            if self.policy.current().hash != policy.hash:
                raise TransientError("the policy changed during the review", code="PolicyChanged", retry_after=1)

        return Scene(
            target=target,
            adapter=self._adapter(target),
            connections=gathered.situation.connections,
            bound=gathered.bound,
            sides=gathered.sides,
            intents={i.key: i for i in self.intents.of(target)},
            patience=WaitBudget(self.sleep),
            age=lambda: self.clock() - read_at,
            check_policy=check_policy,
        )

    def _decision(
        self, verdict: Verdict, target: ResourceId, policy: Policy, before: TargetRecord, wish: Wish
    ) -> Decision:
        """A decision under the id that the ledger knows it by, if it is the same one again."""
        now = self.now()
        moment = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as precise as the ledger's rows
        made = decided(verdict, target, policy, decision_id=str(uuid.uuid4()), decided_at=moment, run_id=wish.run_id)
        known = before.current.get(made.key)
        if known is None or known.digest != made.digest:
            return made
        return replace(made, decision_id=known.decision_id, decided_at=known.decided_at)

    def _carry_out(self, decision: Decision, scene: Scene) -> Decision:
        intent = scene.intents.get(decision.key)
        acts = decision.outcome in (Outcome.APPROVED, Outcome.REJECTED)
        if acts and decision.verdict.mode is Mode.AUDIT:
            return self._planned(decision, scene.adapter, scene.connections)
        if acts:
            return self.actor.carry_out(decision, scene)
        if intent is None or intent.phase != DECIDING:
            return decision
        if decision.outcome is Outcome.UNCHANGED:
            return self.actor.finish(intent, decision, scene) or decision
        self.actor.close(intent, scene)  # still Pending, and the policy does not approve it any more
        return decision

    def _planned(self, decision: Decision, adapter: TargetAdapter, connections: Iterable[Connection]) -> Decision:
        """A decision that changes nothing: with what would become of the firewall."""
        wish = decision.verdict.firewall
        if decision.outcome is not Outcome.APPROVED:
            return decision
        if wish is None:
            return decision.with_firewall(FirewallOutcome("notAsked"))
        return decision.with_firewall(plan(adapter, decision.target, wish, connections))

    def _close_orphans(self, made: list[Decision], scene: Scene) -> None:
        """Intents whose connection is gone have nothing left to do."""
        listed = {decision.key for decision in made}
        for intent in [i for i in scene.intents.values() if i.key not in listed and i.phase == DECIDING]:
            self.actor.close(intent, scene)

    def _note_absent(self, gathered: Gathered) -> None:
        """Spent endpoints that their requester no longer shows: once their connection is gone too they are free."""
        for name, rows in gathered.bound.items():
            self.actor.bindings.note_absent(rows, gathered.situation.sides[name], self.now())

    def _waiting(self, done: list[Decision], before: TargetRecord) -> dict[str, datetime]:
        """Since when each request waits: for evidence, or for an answer of ARM that may still come."""
        waiting = {}
        for decision in done:
            if decision.verdict.waiting or decision.transient:
                known = before.current.get(decision.key)
                waiting[decision.key] = (known and known.waiting_since) or self.now()
        return waiting

    def _conditions(
        self, done: list[Decision], scene: Scene, waiting: Mapping[str, datetime], home: str | None
    ) -> list[Condition]:
        patient = {key for key, since in waiting.items() if self.now() - since < ALERT_AFTER}
        found = [condition_of(d, home) for d in done if d.key not in patient]
        firewalls = [
            firewall_failed(scene.target, i.problem, i.shown)
            for i in scene.intents.values()
            if i.phase == TIGHTENING and i.problem
        ]
        return [c for c in found if c is not None] + firewalls[:1]

    def _outcome(
        self, done: list[Decision], policy: Policy, scene: Scene, waiting: Mapping[str, datetime], wish: Wish
    ) -> Review:
        evidence = any(self.now() - since < ALERT_AFTER for since in waiting.values())
        settling = [i for i in scene.intents.values() if i.phase == TIGHTENING and i.due_at and not i.problem]
        fresh = scene.new_settles if wish.cause != "settle" else settling
        looked_at = scene.looked_at or self.now()  # what was due then and still waits has asked for a retry
        dues = sorted(i.due_at for i in fresh if i in settling and i.due_at and i.due_at > looked_at)
        together = [due for due in dues if due - dues[0] <= COALESCE_WITHIN]
        return Review(
            decisions=tuple(done),
            policy=policy,
            retry_after=max(scene.retry_after) if scene.retry_after else None,
            awaits_evidence=evidence,
            settle_after=max(1.0, (together[-1] - self.now()).total_seconds()) if together else None,
        )

    def _forget(self, target: ResourceId) -> None:
        """The target is gone: nothing is left to do or to alert about."""
        for intent in self.intents.of(target):
            self.intents.close(intent)
        self.restorer.forget(target)
        self.decisions.forget(target)
        self.alerts.settle(str(target), [], self.now())
