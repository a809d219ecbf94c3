"""Tightening a target's firewall, last of all: after the approval has settled, never while another one is unfinished.

Works from the open intents that are due, whoever approved them and whenever; writes only a difference, reads it back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce

from shared.act import Actor, Scene, unfinished
from shared.arm import Arm
from shared.decision import FirewallOutcome
from shared.errors import PermanentError, TransientError
from shared.firewall import difference
from shared.ledger.decisions import Decisions
from shared.ledger.intents import TIGHTENING, Intent
from shared.operations import follow
from shared.policy.model import FirewallRule, Policy
from shared.resource_id import ResourceId
from shared.settle import Settling
from shared.targets.adapter import FirewallReading, TargetAdapter
from shared.targets.types import type_of

WAITS_FOR_OTHERS = timedelta(hours=1)
"""An unfinished approval of another connection delays the firewall for so long at most."""

TRIES_AGAIN = timedelta(hours=1)
"""After a refusal that will not go away by itself the next try is this much later."""

log = logging.getLogger(__name__)


def plan(adapter: TargetAdapter, target: ResourceId, wish: FirewallRule) -> FirewallOutcome:
    """What tightening would come to, without writing anything (audit mode and dry runs)."""
    before = adapter.firewall(target).firewall
    change = difference(before, wish, type_of(target))
    if change.problem is not None:
        return FirewallOutcome("failed", before, None, change.problem)
    return FirewallOutcome("tightened" if change.after else "unchanged", before, change.after or before)


@dataclass(frozen=True, slots=True)
class Tightener:
    """Does the firewall work that is due."""

    arm: Arm
    actor: Actor
    settling: Settling
    decisions: Decisions
    now: Callable[[], datetime]

    def tighten(self, scene: Scene, policy: Policy) -> dict[str, FirewallOutcome]:
        """Tighten what is due. Answers what came of it, by the key of the request whose approval asked for it."""
        due = self.settling.settled(self._wanted(scene, policy), scene, policy)
        if not due:
            return {}
        if self._others_unfinished(scene):
            scene.retry_after.append(30)
            return {}
        wish = reduce(FirewallRule.combine, [i.firewall for i in due if i.firewall is not None])
        try:
            outcome = self._write(scene, wish)
        except TransientError as error:
            log.info("firewall of %s: %s", scene.target, error)
            scene.retry_after.append(error.retry_after or 15)
            return {}
        except PermanentError as error:
            outcome = FirewallOutcome("failed", problem=str(error))
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

    def _write(self, scene: Scene, wish: FirewallRule) -> FirewallOutcome:
        reading: FirewallReading = scene.adapter.firewall(scene.target)
        before = reading.firewall
        change = difference(before, wish, type_of(scene.target))
        if change.problem is not None:
            return FirewallOutcome("failed", before, None, change.problem)
        if change.after is None:
            return FirewallOutcome("unchanged", before, before)
        scene.check_policy()
        operation = scene.adapter.tighten(scene.target, reading, change.after)
        if operation is not None and not follow(self.arm, operation, scene.patience):
            raise TransientError(
                f"the firewall of {scene.target} is still being written", code="Running", retry_after=15
            )
        after = scene.adapter.firewall(scene.target).firewall
        if difference(after, wish, type_of(scene.target)).after is not None:
            raise TransientError(f"the firewall of {scene.target} does not show what was written", code="NotShown")
        return FirewallOutcome("tightened", before, after)

    def _settle(self, intent: Intent, outcome: FirewallOutcome, scene: Scene) -> FirewallOutcome:
        """Write the outcome into the decision that asked for it; a failure stays open for a later try."""
        shown = {**intent.shown, "firewall": outcome.to_json()}
        self.decisions.amend(scene.target, intent.decision_row, shown)
        if outcome.problem is None:
            self.actor.close(intent, scene)
        else:
            failed = replace(intent, problem=outcome.problem, due_at=self.now() + TRIES_AGAIN, shown=shown)
            self.actor.intents.update(failed)
            scene.intents[intent.key] = failed
        return outcome
