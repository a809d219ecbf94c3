"""Putting a firewall back to what it was before the app tightened it: because a person asks, never by itself.

The last tightening that was not put back is undone, exactly: what the ledger kept is written, and read back. An open intent
stands for it until then, so that a review finishes what a dead instance, or an operation longer than 20 s, left behind.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.alerts.conditions import firewall_restored
from shared.alerts.topic import Outbox
from shared.azure.operations import WaitBudget
from shared.errors import ConflictError, NotFoundError, PermanentError, TransientError
from shared.ledger.alerts import AlertBook
from shared.ledger.decisions import Decisions, row_of
from shared.ledger.firewalls import Firewalls, FirewallSnapshot
from shared.ledger.intents import RESTORING, TIGHTENING, Intent, Intents
from shared.model.decision import Outcome
from shared.model.firewall import Firewall
from shared.policy.rules import Mode, Policy
from shared.resource_id import ResourceId
from shared.review.firewall_work import FirewallWriter
from shared.review.scene import Scene
from shared.targets.adapter import FirewallReading, TargetAdapter
from shared.targets.firewalls.form import same

RESTORE = "~restore"
"""The key of a target's intent to put its firewall back; a request's key has only hexadecimal digits."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Restorer:
    """Puts firewalls back. Whoever calls `begin` or `finish` holds the target's lease."""

    writer: FirewallWriter
    firewalls: Firewalls
    intents: Intents
    decisions: Decisions
    alerts: AlertBook
    outbox: Outbox
    now: Callable[[], datetime]

    def kept(self, target: ResourceId) -> FirewallSnapshot:
        """What would be put back.

        Raises:
            NotFoundError: there is nothing.
        """
        kept = self.firewalls.newest(target)
        if kept is None:
            raise NotFoundError(f"{target}: the app has tightened nothing here that was not put back", code="NotFound")
        return kept

    def begin(self, adapter: TargetAdapter, target: ResourceId, policy: Policy, *, force: bool) -> Intent:
        """Check that the firewall may be put back, and write the intent; an open one is gone on with.

        Raises:
            ConflictError: the policy is in audit mode, the tightening still runs, or somebody has changed the firewall
                since and `force` is not given.
            ApproverError: the target or the ledger could not be read, or nothing is kept.
        """
        if policy.mode is Mode.AUDIT:
            raise ConflictError(
                f"{target}: in audit mode the app writes nothing; put it back by hand", code="AuditMode"
            )
        open_intents = {intent.key: intent for intent in self.intents.of(target)}
        if RESTORE in open_intents:
            return open_intents[RESTORE]
        kept, reading = self.kept(target), adapter.firewall(target)
        tightening = any(i.phase == TIGHTENING and i.decision_id in kept.decisions for i in open_intents.values())
        _check(kept, reading, force=force, tightening=tightening)
        now, decision_id = self.now(), str(uuid.uuid4())
        intent = Intent(
            key=RESTORE,
            target=target,
            connection_id="",
            private_endpoint_id=None,
            status="",
            rule="",
            decision_id=decision_id,
            decision_row=row_of(now, decision_id),
            shown=_record(kept, reading.firewall, decision_id, now, policy),
            created_at=now,
            phase=RESTORING,
        )
        self.alerts.settle(_subject(target), [], now)  # each restoration is an episode of its own
        self.intents.update(intent)
        return intent

    def finish(self, adapter: TargetAdapter, intent: Intent, patience: WaitBudget) -> dict[str, Any]:
        """Write what was kept, read it back, record it and alert; answers the record.

        Raises:
            TransientError: ARM still works on it, or is busy: a review goes on with it.
            PermanentError: ARM refuses; the intent is closed, and what was kept is kept.
        """
        kept = self.firewalls.newest(intent.target)
        if (
            kept is None or list(kept.decisions) != intent.shown["restores"]
        ):  # done, but for the intent: an instance died
            self.intents.close(intent)
            return intent.shown
        after = self._write(adapter, kept, intent, patience)
        told = {**intent.shown["firewall"], "after": after.shown()}
        shown = {**intent.shown, "applied": True, "firewall": told}
        self.decisions.note(intent.target, intent.decision_row, shown, self.now())
        alerts = self.alerts.settle(_subject(intent.target), [firewall_restored(intent.target, shown)], self.now())
        self.outbox.deliver(alerts)
        self.firewalls.forget(kept)
        self.intents.close(intent)
        return shown

    def forget(self, target: ResourceId) -> None:
        """The target is gone: nothing of it can be put back."""
        self.firewalls.forget_all(target)

    def resumed(self, scene: Scene) -> bool:
        """In a review: go on with what a person has asked for; False while it still runs, and nothing may be tightened."""
        intent = scene.intents.pop(RESTORE, None)
        if intent is None:
            return True
        try:
            self.finish(scene.adapter, intent, scene.patience)
        except TransientError as error:
            scene.retry_after.append(error.retry_after or 15)
            return False
        except PermanentError as error:
            log.warning("the firewall of %s was not put back: %s", scene.target, error)
        return True

    def _write(self, adapter: TargetAdapter, kept: FirewallSnapshot, intent: Intent, patience: WaitBudget) -> Firewall:
        try:
            self.writer.await_earlier(kept)
            reading = adapter.firewall(intent.target)
            return self.writer.lead(adapter, kept, reading, kept.before, patience).firewall
        except PermanentError:
            self.firewalls.running(kept, "")
            self.intents.close(intent)
            raise


def _check(kept: FirewallSnapshot, reading: FirewallReading, *, force: bool, tightening: bool) -> None:
    """Raise `ConflictError` where the firewall must not be put back now."""
    target = kept.target
    if kept.being_written and tightening:
        raise ConflictError(f"{target}: its firewall is being tightened; ask again later", code="BeingTightened")
    known = [state for state in (kept.before, kept.after) if state is not None]
    if not force and not any(same(reading.state, state) for state in known):
        text = f'{target}: somebody has changed its firewall since; send "force": true to put it back all the same'
        raise ConflictError(text, code="FirewallChanged")


def _record(
    kept: FirewallSnapshot, before: Firewall, decision_id: str, now: datetime, policy: Policy
) -> dict[str, Any]:
    """A row like a Decision's (INTERFACE section 6), about no connection; `restores` are the decisions that are undone."""
    names = ("runId", "connectionId", "privateEndpointId", "subResource", "requestMessage", "previousStatus", "rule")
    return dict.fromkeys(names) | {
        "decisionId": decision_id,
        "targetId": str(kept.target),
        "targetType": kept.target.type,
        "requester": dict.fromkeys(("name", "service", "subscriptionId", "tenantId")),
        "outcome": Outcome.UNCHANGED.value,
        "applied": None,
        "reasons": [],
        "reasonsOmitted": 0,
        "firewall": {"outcome": "restored", "before": before.shown(), "after": None},
        "decidedAt": now.isoformat().replace("+00:00", "Z"),
        "policy": policy.hash,
        "restores": list(kept.decisions),
    }


def _subject(target: ResourceId) -> str:
    """Under what the alert book remembers restorations, apart from what reviews settle."""
    return f"{target}/restored"
