"""`POST /api/reevaluate`: a person asks for a review. Answers are status, headers and JSON.

A target, or a connection of one, is reviewed at once; wider scopes are queued as a run.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.azure.arm import Arm
from shared.errors import ApproverError, NotFoundError, OutsideScopeError
from shared.ledger.records import Records
from shared.ledger.runs import Runs
from shared.model.decision import Person, asked_by_json
from shared.model.target_types import TARGET_TYPES, is_target
from shared.policy.current import PolicySource
from shared.policy.language.findings import PolicyError
from shared.policy.rules import Policy, Scope
from shared.resource_id import InvalidResourceIdError, ResourceId, fold, is_guid, parse
from shared.review.review import Review, Reviewer, Trigger
from shared.review.scope import ScopeGuard
from shared.triggers.http import Answer, BadRequestError, Call, boolean, failure, fields_of, refused
from shared.triggers.message_handler import MessageHandler
from shared.triggers.messages import Messages, ReviewMessage
from shared.triggers.sweep import Estate, once, targets_of

GROUP_VERSION = "2021-04-01"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """A well-formed request. `scope` is None for "all"; `connection` is the whole connection's id, if one was named."""

    scope: ResourceId | None
    dry_run: bool = False
    connection: ResourceId | None = None
    asked_by: Person | None = None


def parse_request(call: Call) -> Request:
    """Parse a call for a re-evaluation.

    Raises:
        BadRequestError: it is malformed; the text names the key and what is expected.
    """
    fields = fields_of(call, {"scope": "<id>", "dryRun": False})
    dry_run = boolean(fields, "dryRun")
    scope = fields.get("scope")
    if not isinstance(scope, str):
        raise BadRequestError("InvalidScope", 'scope: an ARM id or "all" is expected')
    if scope == "all":
        return Request(None, dry_run, asked_by=call.asked_by)
    try:
        return replace(_scoped(parse(scope), dry_run), asked_by=call.asked_by)
    except InvalidResourceIdError as error:
        raise BadRequestError("InvalidScope", f"scope: {error}") from None


def _scoped(resource: ResourceId, dry_run: bool) -> Request:
    if not resource.type or is_target(resource):
        return Request(resource, dry_run)
    of_target = len(resource.names) == 2 and is_target(resource.top)
    if of_target and fold(resource.type.rpartition("/")[2]) == "privateendpointconnections":
        return Request(resource.top, dry_run, connection=resource)
    known = ", ".join(t.name for t in TARGET_TYPES.values())
    raise BadRequestError("UnsupportedType", f"scope: {resource.type} is not supported; supported are {known}")


@dataclass(frozen=True, slots=True)
class Reevaluation:
    """The use case."""

    policy: PolicySource
    scope: ScopeGuard
    arm: Arm
    estate: Estate
    reviewer: Reviewer
    handler: MessageHandler
    records: Records
    runs: Runs
    messages: Messages
    now: Callable[[], datetime]

    def answer(self, call: Call) -> Answer:
        """Answer a POST. Never raises for what a caller, the policy or Azure can cause."""
        try:
            request = parse_request(call)
            policy = self.policy.current()
        except BadRequestError as error:
            return refused(error)
        except PolicyError as error:
            self.handler.policy_unusable(error)
            return refused(error)
        run_id = str(uuid.uuid4())
        try:
            if request.scope is not None and is_target(request.scope):
                return self._one(request, request.scope, run_id)
            return self._many(request, policy, run_id)
        except (ApproverError, PolicyError) as error:
            log.info("re-evaluation refused: %s", error)
            return refused(error)

    def run_status(self, run_id: str) -> Answer:
        """Answer a GET of a run's status."""
        try:
            found = self.runs.status(run_id) if is_guid(run_id) else None  # keys of a table take no other text
        except ApproverError as error:
            return refused(error)
        if found is None:
            return failure(404, "NotFound", f"there is no run {run_id[:80]!r} (runs are kept for 7 days)")
        return Answer(200, found)

    def _one(self, request: Request, target: ResourceId, run_id: str) -> Answer:
        review = self.reviewer.review(target, Trigger("manual", run_id, request.dry_run, asked_by=request.asked_by))
        self.handler.follow_up(ReviewMessage(target, "manual", dry_run=request.dry_run), review)
        results = [d.to_json() for d in review.decisions]
        if request.connection is not None:
            results = [r for r in results if fold(r["connectionId"]) == request.connection.key]
            if not results:
                raise NotFoundError(f"{request.connection}: there is no such connection", code="NotFound")
        return Answer(200, self._head(run_id, request, _policy(review)) | {"results": results})

    def _many(self, request: Request, policy: Policy, run_id: str) -> Answer:
        members = self.scope.members(policy.scope)
        if request.scope is not None:
            if not _touches(policy.scope, request.scope, members):
                raise OutsideScopeError(f"{request.scope}: outside the policy's scope", code="OutsideScope")
            self._require(request.scope)
        unfinished = [
            t for t in targets_of(self.records.unfinished()) if policy.scope.covers(t, members) and _within(t, request.scope)
        ]  # fmt: skip
        targets = once([*unfinished, *self.estate.pending(policy.scope, request.scope)]).values()
        head = self._head(run_id, request, policy) | asked_by_json(request.asked_by)
        self.runs.start(run_id, targets=targets, head=head, now=self.now())
        for target in targets:
            self.messages.send(ReviewMessage(target, "manual", run_id=run_id, dry_run=request.dry_run))
        body = {"runId": run_id, "queued": len(targets), "statusUrl": f"/api/runs/{run_id}"}
        return Answer(202, body, {"Location": f"/api/runs/{run_id}"})

    def _require(self, scope: ResourceId) -> None:
        """Raise `NotFoundError` for a subscription or resource group that is not there."""
        self.arm.get(str(scope), GROUP_VERSION)

    @staticmethod
    def _head(run_id: str, request: Request, policy: Policy) -> dict[str, Any]:
        return {"runId": run_id, "dryRun": request.dry_run, "mode": policy.mode.value, "policy": policy.hash}


def _policy(review: Review) -> Policy:
    if review.policy is None:
        raise TypeError("a review without a policy")
    return review.policy


def _touches(scope: Scope, asked: ResourceId, members: frozenset[str]) -> bool:
    """Whether any part of what is asked for lies inside the policy's scope."""
    if scope.covers(asked, members):
        return True
    inside = (parse(group) for group in scope.resource_groups)
    return not asked.resource_group and any(group.subscription_id == asked.subscription_id for group in inside)


def _within(target: ResourceId, asked: ResourceId | None) -> bool:
    if asked is None:
        return True
    if asked.resource_group:
        return target.group.key == asked.key
    return target.subscription_id == asked.subscription_id
