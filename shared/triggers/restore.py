"""`POST /api/firewall/restore {"targetId", "force"}`: a person puts a firewall back. Errors as in INTERFACE section 6."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.azure.leases import Leases
from shared.azure.operations import WaitBudget
from shared.errors import ApproverError, TransientError
from shared.model.target_types import TARGET_TYPES, is_target, type_of
from shared.policy.current import PolicySource
from shared.policy.language.findings import PolicyError
from shared.policy.rules import Policy
from shared.resource_id import InvalidResourceIdError, ResourceId, parse
from shared.review.restore import Restorer
from shared.review.scope import ScopeGuard
from shared.targets.adapter import TargetAdapter
from shared.triggers.http import Answer, BadRequestError, boolean, fields_of, refused
from shared.triggers.message_handler import Worker
from shared.triggers.messages import Messages, ReviewMessage

AGAIN_AFTER = 15
"""Seconds until a firewall that ARM still writes is looked at again."""

log = logging.getLogger(__name__)


def parse_request(body: bytes) -> tuple[ResourceId, bool]:
    """The target and `force` of a request.

    Raises:
        BadRequestError: it is malformed; the text names the key and what is expected.
    """
    fields = fields_of(body, {"targetId": "<id>", "force": False})
    force = boolean(fields, "force")
    try:
        target = parse(fields.get("targetId"))
    except InvalidResourceIdError as error:
        raise BadRequestError("InvalidTargetId", f"targetId: {error}") from None
    if not is_target(target):
        known = ", ".join(t.name for t in TARGET_TYPES.values())
        raise BadRequestError("UnsupportedType", f"targetId: not a target; supported types are {known}")
    return target, force


@dataclass(frozen=True, slots=True)
class Restoration:
    """The use case."""

    policy: PolicySource
    scope: ScopeGuard
    adapters: Mapping[str, TargetAdapter]
    restorer: Restorer
    leases: Leases
    messages: Messages
    worker: Worker
    sleep: Callable[[float], None]

    def answer(self, body: bytes) -> Answer:
        """Answer a POST. Never raises for what a caller, the policy or Azure can cause.

        200 with `{"targetId", "decisionId", "before", "after", "restores"}` (the decisions whose work is undone);
        202 while ARM still works or is busy: a review goes on with it, and the same request again waits for it too.
        """
        try:
            target, force = parse_request(body)
            policy = self.policy.current()
        except BadRequestError as error:
            return refused(error)
        except PolicyError as error:
            self.worker.policy_unusable(error)
            return refused(error)
        try:
            return self._restore(target, policy, force=force)
        except ApproverError as error:
            log.info("not put back: %s", error)
            return refused(error)

    def _restore(self, target: ResourceId, policy: Policy, *, force: bool) -> Answer:
        self.scope.require(policy.scope, target)
        adapter = self.adapters[type_of(target).name]
        adapter.firewall(target)
        self.restorer.kept(target)
        with self.leases.hold(target):
            intent = self.restorer.begin(adapter, target, policy, force=force)
            try:
                shown = self.restorer.finish(adapter, intent, WaitBudget(self.sleep))
            except TransientError as error:
                self.messages.send(ReviewMessage(target, "retry"), error.retry_after or AGAIN_AFTER)
                log.info("a review goes on with it: %s", error)
                body = {"targetId": str(target), "decisionId": intent.decision_id, "status": "Running"}
                return Answer(202, body, {"Retry-After": str(AGAIN_AFTER)})
        firewall = shown["firewall"]
        return Answer(200, {"targetId": str(target), **{k: shown[k] for k in ("decisionId", "restores")},
                            "before": firewall["before"], "after": firewall["after"]})  # fmt: skip
