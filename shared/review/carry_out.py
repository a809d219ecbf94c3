"""Acting on a verdict: binding, intent, PUT, operation, read-back; and finishing what an earlier review left behind.

Before every write stands a row in the ledger; after every write the connection is read back. What somebody else has
decided meanwhile stays as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.azure.arm import Arm
from shared.azure.operations import Operation, ended, follow
from shared.errors import ApproverError, PermanentError, TransientError
from shared.evidence.spent import may_be_reused
from shared.ledger.bindings import Bindings, BoundEndpoint
from shared.ledger.decisions import Decisions, row_key
from shared.ledger.intents import DECIDING, Intent, Intents
from shared.model.check import Check, FailedCheck
from shared.model.connection import Connection
from shared.model.decision import Decision, FirewallOutcome, Outcome, Reason
from shared.model.requester import Binding, ServiceRequester
from shared.model.target_types import sub_resource_key
from shared.policy.approval_text import stamp, stamped_rule
from shared.review.firewall_work import plan
from shared.review.scene import Scene

FRESH_SECONDS = 5.0
"""A list older than this is not trusted for a write: the connection is read again first."""

log = logging.getLogger(__name__)

STATUS = {Outcome.APPROVED: "Approved", Outcome.REJECTED: "Rejected"}


@dataclass(frozen=True, slots=True)
class Actor:
    """Carries out decisions on connections."""

    arm: Arm
    intents: Intents
    bindings: Bindings
    decisions: Decisions
    now: Callable[[], datetime]

    def carry_out(self, decision: Decision, scene: Scene) -> Decision:
        """Approve or reject one connection. The answer is the decision as it ended; nothing is raised for ARM's refusals."""
        try:
            scene.check_policy()
            decision = _continued(decision, scene.intents.get(decision.key))
            if (taken := self._spend(decision, scene)) is not None:
                return taken
            return self._write(decision, self._open(decision, scene), scene)
        except TransientError as error:
            scene.retry_after.append(error.retry_after or 15)
            return replace(decision, outcome=Outcome.FAILED, problem=str(error), transient=True)

    def finish(self, intent: Intent, decision: Decision, scene: Scene) -> Decision | None:
        """Finish an intent whose connection is not Pending any more; None where the connection was decided by others."""
        connection = decision.verdict.connection
        if not _ours(connection, intent):
            self.close(intent, scene)
            return None
        if not connection.provisioned:
            scene.retry_after.append(15)
            return _resumed(decision, intent, applied=None)
        if connection.failed:
            return self._unprovisioned(replace(_resumed(decision, intent, applied=None), made=None), intent, scene)
        return self._done(_resumed(decision, intent, applied=True), intent, scene)

    def close(self, intent: Intent, scene: Scene) -> None:
        """Close an intent: nothing is left to do, or it is no longer wanted."""
        self.intents.close(intent)
        scene.intents.pop(intent.key, None)

    def _spend(self, decision: Decision, scene: Scene) -> Decision | None:
        """Bind the endpoint that proves the request; a held decision where it belongs to another private endpoint."""
        verdict = decision.verdict
        connection, requester = verdict.connection, verdict.requester
        private_endpoint = connection.private_endpoint_key
        if verdict.endpoint_id is None or private_endpoint is None or not isinstance(requester, ServiceRequester):
            return None
        for bound in scene.bound.get(requester.name, []):
            if bound.binding.endpoint_id == verdict.endpoint_id:
                self._free(bound, private_endpoint, scene)
        sub_resource = sub_resource_key(verdict.sub_resource or "")
        binding = Binding(verdict.endpoint_id, private_endpoint, self.now(), sub_resource=sub_resource)
        wanted = BoundEndpoint(requester.resource, scene.target, connection.id, binding)
        owner = self.bindings.bind(wanted, decision.decision_id)
        if owner == private_endpoint:
            return None
        reason = Reason(
            verdict.rule or "", FailedCheck(Check.SPENT, "an endpoint that no approval was spent on", owner)
        )
        held = replace(verdict, outcome=Outcome.HELD, reasons=(reason, *verdict.reasons))
        return replace(decision, outcome=Outcome.HELD, verdict=held)

    def _free(self, bound: BoundEndpoint, private_endpoint: str, scene: Scene) -> None:
        """Make room for a new binding of an endpoint that the match held for unspent, or for reserved to this request.

        Another private endpoint's goes only once its connection is gone. This one's own is made anew: the endpoint may have
        been made again under its name, and what was noted of the one before must not free the new one.
        """
        gone = replace(bound.binding, absent_since=bound.binding.absent_since or self.now())
        if bound.binding.private_endpoint_id == private_endpoint or may_be_reused(gone, None, scene.connections):
            self.bindings.free(bound)

    def _open(self, decision: Decision, scene: Scene) -> Intent:
        verdict = decision.verdict
        there = scene.intents.get(decision.key)
        intent = Intent(
            key=decision.key,
            target=scene.target,
            connection_id=verdict.connection.id,
            private_endpoint_id=verdict.connection.private_endpoint_id,
            status=STATUS[decision.outcome],
            rule=verdict.rule or "",
            decision_id=decision.decision_id,
            decision_row=row_key(decision),
            shown=replace(decision, applied=True).to_json(),
            created_at=there.created_at if there else self.now(),
            firewall=verdict.firewall,
            requester=verdict.requester.name if verdict.requester else "",
            endpoint_id=verdict.endpoint_id or "",
            sub_resource=sub_resource_key(verdict.sub_resource or ""),
            operation=there.operation if there and there.decision_id == decision.decision_id else "",
        )
        if there is not None:
            self.intents.update(intent)
        elif not self.intents.open(intent):
            raise TransientError(f"another review is deciding {intent.connection_id}", code="IntentOpen", retry_after=5)
        scene.intents[decision.key] = intent
        return intent

    def _write(self, decision: Decision, intent: Intent, scene: Scene) -> Decision:
        connection = decision.verdict.connection
        try:
            if not intent.operation and scene.age() > FRESH_SECONDS and self._changed(connection, scene):
                self.close(intent, scene)
                return replace(decision, outcome=Outcome.UNCHANGED, applied=False)
            if not self._put(connection, intent, scene):
                scene.retry_after.append(15)
                return replace(decision, applied=None)
        except PermanentError as error:
            return self._refused(decision, intent, error, scene)
        return self._read_back(decision, intent, scene)

    def _put(self, connection: Connection, intent: Intent, scene: Scene) -> bool:
        """PUT the connection, unless an earlier review did; False while ARM's operation runs. Its URL is kept."""
        if intent.operation:
            if not ended(self.arm, Operation(intent.operation)):
                return False
            self.intents.update(replace(intent, operation=""))  # what still shows Pending after it is decided anew
            return True
        description = stamp(intent.status, intent.rule, intent.decision_id)
        operation = scene.adapter.decide(scene.target, connection, intent.status, description)
        if operation is None:
            return True
        self.intents.update(replace(intent, operation=operation.url))
        return follow(self.arm, operation, scene.patience)

    def _changed(self, connection: Connection, scene: Scene) -> bool:
        """Whether a connection is no longer what was decided on."""
        now = scene.adapter.connection(scene.target, connection)
        return now is None or (now.private_endpoint_id, now.status, now.description) != (
            connection.private_endpoint_id, connection.status, connection.description,
        )  # fmt: skip

    def _refused(self, decision: Decision, intent: Intent, error: PermanentError, scene: Scene) -> Decision:
        """ARM refused for good. That may only mean that somebody was faster: the connection says (storage's 400)."""
        log.warning("%s of %s refused: %s", intent.status, intent.connection_id, error)
        try:
            now = scene.adapter.connection(scene.target, decision.verdict.connection)
        except ApproverError as unread:
            log.warning("not read back: %s", unread)
            now = decision.verdict.connection
        if now is not None and now.pending and now.provisioned:
            self.close(intent, scene)
            return replace(decision, outcome=Outcome.FAILED, problem=str(error))
        return self._ended(decision, intent, now, scene)

    def _read_back(self, decision: Decision, intent: Intent, scene: Scene) -> Decision:
        """What the write came to. An approval counts only when ARM shows it."""
        try:
            now = scene.adapter.connection(scene.target, decision.verdict.connection)
        except ApproverError as error:
            scene.retry_after.append(getattr(error, "retry_after", None) or 15)
            return replace(decision, applied=None, problem=str(error))
        return self._ended(decision, intent, now, scene)

    def _ended(self, decision: Decision, intent: Intent, now: Connection | None, scene: Scene) -> Decision:
        if now is not None and (now.pending or (now.has_status(intent.status) and not now.provisioned)):
            scene.retry_after.append(15)
            return replace(decision, applied=None)
        if now is None or not _ours(now, intent):
            if now is None or stamped_rule(now.description) is None:
                self.close(intent, scene)
            else:  # another instance of ours decided while this one was frozen: the open intent is its own
                scene.intents.pop(intent.key, None)
            return replace(decision, outcome=Outcome.UNCHANGED, applied=False, firewall=None)
        if now.failed:
            return self._unprovisioned(decision, intent, scene)
        return self._done(replace(decision, applied=True), intent, scene)

    def _unprovisioned(self, decision: Decision, intent: Intent, scene: Scene) -> Decision:
        """Azure took the decision and failed to carry it out: no traffic can be relied on, and no firewall is closed."""
        self.close(intent, scene)
        problem = f"{intent.connection_id} is {intent.status}, but its provisioning failed at the target"
        return replace(decision, outcome=Outcome.FAILED, applied=False, problem=problem)

    def _done(self, decision: Decision, intent: Intent, scene: Scene) -> Decision:
        """The connection is decided; what is left is its firewall, after the settling time.

        The decision is recorded before the intent gives way: a crash in between loses neither.
        """
        if intent.firewall is None or intent.status != STATUS[Outcome.APPROVED]:
            asked = FirewallOutcome("notAsked") if intent.status == STATUS[Outcome.APPROVED] else None
            decision = decision.with_firewall(asked)
            self.decisions.record(scene.target, decision, self.now())
            scene.finished.append(scene.intents.pop(intent.key))
            return decision
        planned = plan(scene.adapter, scene.target, intent.firewall, scene.connections)
        decision = decision.with_firewall(FirewallOutcome("deferred", planned.before, preflight=planned.preflight))
        self.decisions.record(scene.target, decision, self.now())
        due = self.now() + timedelta(seconds=intent.firewall.settle_seconds)
        settling = replace(intent.tightening(due), shown=decision.to_json())
        self.intents.update(settling)
        scene.intents[intent.key] = settling
        scene.new_settles.append(settling)
        return decision


def _ours(connection: Connection, intent: Intent) -> bool:
    """Whether the connection is in the wanted state because of this very decision."""
    stamped = stamp(intent.status, intent.rule, intent.decision_id)
    return connection.has_status(intent.status) and connection.description == stamped


def _continued(decision: Decision, intent: Intent | None) -> Decision:
    """A decision that an earlier review began to carry out keeps its id and time: ARM may still be working on it."""
    began = intent is not None and intent.phase == DECIDING
    if began and intent and (intent.status, intent.rule) == (STATUS[decision.outcome], decision.verdict.rule):
        return replace(decision, decision_id=intent.decision_id, decided_at=_made_at(intent))
    return decision


def _resumed(decision: Decision, intent: Intent, *, applied: bool | None) -> Decision:
    """The decision of the review that was cut off, told again as it was made."""
    outcome = Outcome.APPROVED if intent.status == STATUS[Outcome.APPROVED] else Outcome.REJECTED
    verdict = replace(decision.verdict, outcome=outcome, rule=intent.rule)
    return replace(
        decision, decision_id=intent.decision_id, outcome=outcome, verdict=verdict, applied=applied,
        decided_at=_made_at(intent), made=intent.shown,
    )  # fmt: skip


def _made_at(intent: Intent) -> datetime:
    return datetime.fromisoformat(intent.shown["decidedAt"])
