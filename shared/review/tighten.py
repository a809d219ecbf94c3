"""Tightening a target's firewall, last of all: after the approval has settled, never while another one is unfinished.

Works from the open intents that are due, whoever approved them and whenever; writes only a difference, reads it back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce

from shared.errors import PermanentError, TransientError
from shared.ledger.decisions import Decisions
from shared.ledger.firewalls import Firewalls
from shared.ledger.intents import TIGHTENING, Intent
from shared.model.decision import FirewallOutcome
from shared.model.firewall import FirewallWish, difference
from shared.model.target_types import type_of
from shared.policy.rules import Policy
from shared.review.carry_out import Actor
from shared.review.firewall_work import FirewallWriter, change_of
from shared.review.preflight import preflight
from shared.review.scene import Scene, unfinished
from shared.review.waiting import Settling
from shared.targets.firewalls.form import same

WAITS_FOR_OTHERS = timedelta(hours=1)
"""An unfinished approval of another connection delays the firewall for so long at most."""

TRIES_AGAIN = timedelta(hours=1)
"""After a refusal that will not go away by itself the next try is this much later."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tightener:
    """Does the firewall work that is due."""

    actor: Actor
    settling: Settling
    writer: FirewallWriter
    firewalls: Firewalls
    decisions: Decisions
    now: Callable[[], datetime]

    def tighten(self, scene: Scene, policy: Policy) -> dict[str, FirewallOutcome]:
        """Tighten what is due. Answers what came of it, by the key of the request whose approval asked for it."""
        scene.looked_at = self.now()
        due = self.settling.settled(self._wanted(scene, policy), scene, policy)
        if not due:
            return {}
        if self._others_unfinished(scene):
            scene.retry_after.append(30)
            return {}
        wish = reduce(FirewallWish.combine, [i.firewall for i in due if i.firewall is not None])
        try:
            outcome = self._outcome(scene, wish, tuple(sorted({i.decision_id for i in due})))
        except TransientError as error:
            log.info("firewall of %s: %s", scene.target, error)
            scene.retry_after.append(error.retry_after or 15)
            return {}
        return {intent.key: self._settle(intent, outcome, scene) for intent in due}

    def _wanted(self, scene: Scene, policy: Policy) -> list[Intent]:
        """The intents whose connection is still approved and whose rule still asks; all others are closed."""
        asking = {rule.name for rule in policy.rules if rule.firewall is not None}
        wanted = []
        for intent in [i for i in scene.intents.values() if i.phase == TIGHTENING]:
            there = any(c.approved and intent.is_about(c.id, c.private_endpoint_id) for c in scene.connections)
            if (there or intent in scene.new_settles) and intent.rule in asking:
                wanted.append(intent)
            else:
                self.actor.close(intent, scene)
        return wanted

    def _others_unfinished(self, scene: Scene) -> bool:
        since = self.now() - WAITS_FOR_OTHERS
        return any(i.status == "Approved" and i.created_at > since for i in unfinished(scene.intents))

    def _outcome(self, scene: Scene, wish: FirewallWish, decisions: tuple[str, ...]) -> FirewallOutcome:
        try:
            return self._write(scene, wish, decisions)
        except PermanentError as error:
            return self._refused(scene, error)

    def _write(self, scene: Scene, wish: FirewallWish, decisions: tuple[str, ...]) -> FirewallOutcome:
        """Tighten, or finish what an earlier review began: then it is the firewall before both that is kept."""
        begun = self.firewalls.newest(scene.target)
        kept = begun if begun and begun.being_written and set(begun.decisions) & set(decisions) else None
        if kept is not None:
            self.writer.await_earlier(kept)
        reading = scene.adapter.firewall(scene.target)
        kind = type_of(scene.target)
        before = scene.adapter.to_firewall(kept.before) if kept else reading.firewall
        change = change_of(scene.target, reading, wish)
        meant = difference(before, wish, kind) if kept else change
        sentences = preflight(before, meant, kind, scene.connections)
        if change.problem is not None:
            return FirewallOutcome("failed", reading.firewall, None, change.problem, sentences)
        if change.after is not None:
            scene.check_policy()
            kept = kept or self.firewalls.begin(scene.target, reading.state, decisions, self.now())
            wanted = scene.adapter.tightened(reading, change.after)
            reading = self.writer.lead(scene.adapter, kept, reading, wanted, scene.patience)
        if kept is None:
            return FirewallOutcome("unchanged", reading.firewall, reading.firewall, preflight=sentences)
        self.firewalls.written(kept, reading.state)
        return FirewallOutcome("tightened", before, reading.firewall, preflight=sentences)

    def _refused(self, scene: Scene, error: PermanentError) -> FirewallOutcome:
        """ARM refused for good: what it refused as a whole leaves nothing to put back."""
        kept = self.firewalls.newest(scene.target)
        if kept is not None and kept.being_written:
            if same(scene.adapter.firewall(scene.target).state, kept.before):
                self.firewalls.forget(kept)
            else:
                self.firewalls.running(kept, "")
        return FirewallOutcome("failed", problem=str(error))

    def _settle(self, intent: Intent, outcome: FirewallOutcome, scene: Scene) -> FirewallOutcome:
        """Write the outcome into the decision that asked for it; a failure stays open for a later try."""
        earlier = intent.shown.get("firewall") or {}
        told = {name: earlier[name] for name in ("preflight",) if name in earlier}
        shown = {**intent.shown, "firewall": told | outcome.to_json()}
        self.decisions.amend(scene.target, intent.decision_row, shown)
        if outcome.problem is None:
            self.actor.close(intent, scene)
        else:
            failed = replace(intent, problem=outcome.problem, due_at=self.now() + TRIES_AGAIN, shown=shown)
            self.actor.intents.update(failed)
            scene.intents[intent.key] = failed
        return outcome
