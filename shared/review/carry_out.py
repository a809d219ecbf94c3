"""Carrying out effects: PUTs and operations, each read back. Every effect stands in a committed record before it is done."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from shared.azure.arm import Arm
from shared.azure.operations import Operation, State, WaitBudget, ended, follow, lies_under
from shared.errors import ApproverError, PermanentError, TransientError
from shared.model.connection import Connection
from shared.model.target_types import type_of
from shared.resource_id import fold
from shared.review.effects import Decide, Effect, FollowDecision, FollowFirewall, WriteFirewall
from shared.review.observation import Answer, Observation, Unread, Went
from shared.review.observe import Observer, unread
from shared.targets.adapter import TargetAdapter

FRESH_SECONDS = 5.0
"""A list older than this is not trusted for a write: the connection is read again first."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Executor:
    """Does what a plan asks for."""

    arm: Arm
    observer: Observer
    clock: Callable[[], float]

    def carry_out(
        self,
        effects: tuple[Effect, ...],
        seen: Observation,
        adapter: TargetAdapter,
        budget: WaitBudget,
        check_policy: Callable[[], None],
    ) -> Observation:
        """Carry out effects one after the other, until one starts an operation: that is remembered before it is followed.

        Args:
            effects: what to do.
            seen: what the plan was made from.
            adapter: the target's.
            budget: the time that operations may be waited for.
            check_policy: raises where the policy in force is not the one that was decided by.

        Raises:
            TransientError: the policy has changed; nothing was done.
        """
        for effect in effects:
            match effect:
                case Decide():
                    check_policy()
                    answer = self._decide(effect, seen, adapter)
                    seen = self._read_back(effect, answer, seen, adapter)
                case FollowDecision():
                    answer = self._follow(effect, seen, effect.key in seen.answers, budget)
                    seen = self._read_back(effect, answer, seen, adapter)
                case WriteFirewall():
                    check_policy()
                    answer = self._write(effect, seen, adapter)
                    seen = self._firewall(answer, seen, adapter)
                case FollowFirewall():
                    answer = self._follow(effect, seen, seen.firewall_answer is not None, budget)
                    seen = self._firewall(answer, seen, adapter)
            if answer.went is Went.STARTED:
                break
        return seen

    def _decide(self, effect: Decide, seen: Observation, adapter: TargetAdapter) -> Answer:
        try:
            old = self.clock() - seen.read_at > FRESH_SECONDS or type_of(seen.target).reuses_names
            if old and self._changed(effect.connection, seen, adapter):
                return Answer(Went.CHANGED)
            operation = adapter.decide(seen.target, effect.connection, effect.status, effect.description)
        except ApproverError as error:
            log.warning("%s of %s: %s", effect.status, effect.connection.id, error)
            return _failed(error)
        return _started(operation) if operation else Answer(Went.DONE)

    @staticmethod
    def _changed(connection: Connection, seen: Observation, adapter: TargetAdapter) -> bool:
        """Whether a connection is no longer what was decided on."""
        now = adapter.connection(seen.target, connection)
        return now is None or _shown(now) != _shown(connection)

    def _follow(
        self, effect: FollowDecision | FollowFirewall, seen: Observation, fresh: bool, budget: WaitBudget
    ) -> Answer:
        """How an operation goes: one that this review started is followed for a while, an older one asked about once."""
        if not lies_under(effect.operation, self.arm.endpoint, seen.target):
            log.warning("an operation of %s is not asked about: its URL lies elsewhere", seen.target)
            return Answer(Went.DONE)  # what is read back decides
        operation = Operation(effect.operation, effect.retry_after)
        progress = follow(self.arm, operation, budget) if fresh else ended(self.arm, operation)
        match progress.state:
            case State.RUNNING:
                return Answer(Went.RUNNING)
            case State.UNKNOWN if progress.transient:
                return Answer(Went.RUNNING, progress.text, progress.retry_after)
            case State.FAILED:
                went = Went.FAILED if progress.transient else Went.REFUSED
                return Answer(went, progress.text, progress.retry_after, code=progress.code)
        return Answer(Went.DONE)  # ended, or nobody can tell: what is read back decides

    @staticmethod
    def _read_back(
        effect: Decide | FollowDecision, answer: Answer, seen: Observation, adapter: TargetAdapter
    ) -> Observation:
        """The connection as it is now; not read while an operation runs, nor after a try that will be repeated."""
        now: Connection | Unread | None = effect.connection
        if answer.went in (Went.DONE, Went.REFUSED, Went.CHANGED):
            try:
                now = adapter.connection(seen.target, effect.connection)
            except ApproverError as error:
                log.warning("%s not read back: %s", effect.connection.id, error)
                now = unread(error)
        return seen.with_answer(effect.key, answer, now)

    def _write(self, effect: WriteFirewall, seen: Observation, adapter: TargetAdapter) -> Answer:
        try:
            if self.clock() - seen.firewall_at > FRESH_SECONDS:
                return Answer(Went.CHANGED)
            operation = adapter.send(seen.target, effect.request)
        except ApproverError as error:
            log.warning("firewall of %s: %s", seen.target, error)
            return _failed(error)
        if operation:
            return replace(_started(operation), request=effect.request.digest)
        return Answer(Went.DONE, request=effect.request.digest)

    def _firewall(self, answer: Answer, seen: Observation, adapter: TargetAdapter) -> Observation:
        seen = replace(seen, firewall_answer=answer)
        if answer.went in (Went.STARTED, Went.RUNNING, Went.FAILED):
            return seen
        return self.observer.with_firewall(seen, adapter)


def _started(operation: Operation) -> Answer:
    return Answer(Went.STARTED, retry_after=operation.retry_after, operation=operation.url)


def _failed(error: ApproverError) -> Answer:
    """What an error of ARM's means for what was asked."""
    if isinstance(error, PermanentError):
        return Answer(Went.REFUSED, str(error), code=error.code)
    retry_after = error.retry_after if isinstance(error, TransientError) else None
    return Answer(Went.FAILED, str(error), retry_after, code=error.code)


def _shown(connection: Connection) -> tuple[str, str, str]:
    return fold(connection.private_endpoint_id or ""), fold(connection.status), connection.description
