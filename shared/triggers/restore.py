"""`POST /api/firewall/restore {"targetId", "force", "dryRun"}`: a person puts a firewall back."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from shared.errors import ApproverError
from shared.model.decision import Person
from shared.model.target_types import TARGET_TYPES, is_target
from shared.policy.language.findings import PolicyError
from shared.resource_id import InvalidResourceIdError, ResourceId, parse
from shared.review.restore import Restorer
from shared.triggers.http import Answer, BadRequestError, Call, boolean, fields_of, refused
from shared.triggers.message_handler import MessageHandler
from shared.triggers.messages import Messages, ReviewMessage

AGAIN_AFTER = 15
"""Seconds until a firewall that ARM still writes is looked at again."""

log = logging.getLogger(__name__)


def parse_request(call: Call) -> tuple[ResourceId, bool, bool]:
    """The target, `force` and `dryRun` of a request.

    Raises:
        BadRequestError: it is malformed; the text names the key and what is expected.
    """
    fields = fields_of(call, {"targetId": "<id>", "force": False, "dryRun": False})
    force, dry_run = boolean(fields, "force"), boolean(fields, "dryRun")
    try:
        target = parse(fields.get("targetId"))
    except InvalidResourceIdError as error:
        raise BadRequestError("InvalidTargetId", f"targetId: {error}") from None
    if not is_target(target):
        known = ", ".join(t.name for t in TARGET_TYPES.values())
        raise BadRequestError("UnsupportedType", f"targetId: not a target; supported types are {known}")
    return target, force, dry_run


@dataclass(frozen=True, slots=True)
class Restoration:
    """The use case."""

    restorer: Restorer
    messages: Messages
    handler: MessageHandler

    def answer(self, call: Call) -> Answer:
        """Answer a POST. Never raises for what a caller, the policy or Azure can cause.

        200 with `{"targetId", "decisionId", "before", "after", "restores"}` (the decisions whose work is undone);
        202 while ARM still works or is busy: a review goes on with it, and the same request again waits for it too. With
        `dryRun` 200 with `{"targetId", "dryRun", "before", "after", "restores"}`: both firewalls whole, rule by rule.
        """
        try:
            target, force, dry_run = parse_request(call)
            return self._restore(target, force=force, dry_run=dry_run, asked_by=call.asked_by)
        except BadRequestError as error:
            return refused(error)
        except PolicyError as error:
            self.handler.policy_unusable(error)
            return refused(error)
        except ApproverError as error:
            log.info("not put back: %s", error)
            return refused(error)

    def _restore(self, target: ResourceId, *, force: bool, dry_run: bool, asked_by: Person | None) -> Answer:
        restored = self.restorer.restore(target, force=force, dry_run=dry_run, asked_by=asked_by)
        decision = restored.decision
        shown: dict[str, Any] = {"targetId": str(target)}
        if restored.planned:
            before, after = restored.planned
            states = {"before": before.whole(), "after": after.whole()}
            return Answer(200, shown | {"dryRun": True, "restores": list(decision.restores)} | states)
        shown |= {"decisionId": decision.decision_id}
        if decision.applied is not True or decision.firewall is None:
            self.messages.send(ReviewMessage(target, "retry"), AGAIN_AFTER)
            return Answer(202, shown | {"status": "Running"}, {"Retry-After": str(AGAIN_AFTER)})
        firewall = decision.firewall
        shown |= {"restores": list(decision.restores), "before": firewall.before, "after": firewall.after}
        return Answer(200, shown)
