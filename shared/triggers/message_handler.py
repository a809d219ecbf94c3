"""What becomes of a review message, and of one that failed for good."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.alerts.conditions import Condition, approval_failed, not_ours, policy_invalid, review_failed
from shared.alerts.raising import Alerts
from shared.errors import (
    ApproverError,
    BusyError,
    ForgedError,
    NotFoundError,
    OutsideScopeError,
    PermanentError,
    TransientError,
)
from shared.ledger.runs import Runs
from shared.ledger.work import WorkIndex
from shared.policy.language.findings import PolicyError
from shared.resource_id import ResourceId
from shared.review.review import Review, Reviewer, Trigger
from shared.triggers.messages import InvalidMessageError, Messages, ReviewMessage, parse_message

RETRY_SECONDS = (15, 30, 60)
"""Delays of the first, the second and every further retry."""

MOST_ATTEMPTS = 20
"""After so many retries a review that fails because of the ledger itself goes to the poison queue, and is alerted."""

POISON_AGAIN = 300.0
"""Seconds until a failed message is looked at again if the ledger cannot take its alert, or no policy tells the scope."""

POISON = "poison"
"""The subject of the one alert about messages that are none of ours."""

POISON_STANDS = timedelta(hours=1)
"""How long that alert stands for further ones; after that there is a new one."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MessageHandler:
    """Handles the messages of the queue `reviews` and of its poison queue."""

    reviewer: Reviewer
    messages: Messages
    work: WorkIndex
    runs: Runs
    alerts: Alerts
    now: Callable[[], datetime]

    def handle(self, message: ReviewMessage, inserted_at: datetime | None) -> None:
        """Review the message's target and queue what is left to do.

        Raises:
            ApproverError, or anything unexpected: the queue delivers the message again, and poisons it in the end.
        """
        try:
            asked_by = self.runs.asked_by(message.run_id) if message.run_id is not None else None
            trigger = Trigger(message.cause, message.run_id, message.dry_run, inserted_at, asked_by)
            review = self.reviewer.review(message.target, trigger)
        except PolicyError as error:
            self.policy_unusable(error)
            self._done(message, None, failed=True)
        except OutsideScopeError as error:
            log.info("%s", error)
            self._done(message, None, failed=True)
        except NotFoundError as error:
            log.info("nothing to review: %s", error)
            self._done(message, None, failed=False)
            if error.look_again is not None and not message.dry_run:
                self._retry(replace(message, run_id=None), error.look_again)
        except BusyError as error:
            self._retry(message, error.retry_after or retry_delay(message))
        except TransientError as error:
            if error.code.startswith("Ledger") and message.attempt >= MOST_ATTEMPTS:
                raise  # no record can hold what is wrong with the ledger itself
            log.info("again later: %s", error)
            self._retry(message, error.retry_after or retry_delay(message))
        except ForgedError as error:
            log.error("%s", error)  # noqa: TRY400 - what happened is in the sentence
            self._done(message, None, failed=True)
        except PermanentError as error:
            self._refused(message, error)
        else:
            self.follow_up(message, review)
            self._done(message, review, failed=False)

    def follow_up(self, message: ReviewMessage, review: Review) -> None:
        """Queue what a review left for later: firewall work, unfinished operations, evidence that may still arrive."""
        if message.dry_run:
            return
        later = replace(message, run_id=None)  # the run has its answer
        if review.settle_after is not None:
            self.messages.send(later.again("settle"), review.settle_after)
        if review.retry_after is not None:
            self._retry(later, review.retry_after)

    def _retry(self, message: ReviewMessage, delay: float) -> None:
        """Queue a retry, unless one for the target is outstanding; a run's message must come back itself."""
        owed = message.run_id is not None or message.dry_run
        if owed or self.work.claim_retry(message.target, delay, self.now()):
            self.messages.send(message.again("retry"), delay)

    def policy_unusable(self, error: PolicyError) -> None:
        """Raise `PolicyInvalid`, once for each invalid text."""
        log.warning("no usable policy, nothing is approved: %s", error)
        self.alerts.update("policy", [policy_invalid(error.subject, str(error))], complete=False)

    def failed(self, text: str | bytes, message_id: str) -> None:
        """A message in the poison queue: raise `ReviewFailed`, and close it in its run.

        Where the ledger cannot take the alert, or no policy tells whether the target is in its scope, the message goes to
        the end of the poison queue: it is never lost unseen.
        """
        try:
            self._failed(text, message_id)
        except (ApproverError, PolicyError):
            log.exception("no alert could be raised for message %s, trying again later", message_id)
            self.messages.postpone_failed(text, POISON_AGAIN)

    def forget_poison(self) -> None:
        """Close the alert about messages that are none of ours when it has stood for an hour.

        Raises:
            ApproverError: the ledger could not be read or written.
        """
        self.alerts.expire(POISON, POISON_STANDS)

    def _failed(self, text: str | bytes, message_id: str) -> None:
        try:
            message = parse_message(text)
        except InvalidMessageError as error:
            log.warning("message %s is no review message: %s", message_id, error)
            self._alert(POISON, not_ours(POISON, str(error)))
            return
        log.error("the review of %s failed for good", message.target)
        if not message.dry_run and self._in_scope(message.target):
            self._alert(str(message.target), review_failed(str(message.target)))
        self._done(message, None, failed=True)

    def _in_scope(self, target: ResourceId) -> bool:
        try:
            self.reviewer.scope.require(self.reviewer.policy.current().scope, target)
        except OutsideScopeError as error:
            log.warning("nobody is alerted: %s", error)
            return False
        return True

    def _refused(self, message: ReviewMessage, error: PermanentError) -> None:
        log.warning("the review of %s was refused: %s", message.target, error)
        self._alert(str(message.target), approval_failed(message.target, str(error)))
        self._done(message, None, failed=True)

    def _alert(self, subject: str, condition: Condition) -> None:
        self.alerts.update(subject, [condition], complete=False)

    def _done(self, message: ReviewMessage, review: Review | None, *, failed: bool) -> None:
        if message.run_id is not None:
            decisions = review.decisions if review else ()
            self.runs.record(message.run_id, message.target, decisions, failed=failed, now=self.now())


def retry_delay(message: ReviewMessage) -> float:
    """Seconds until the retry of this message."""
    return float(RETRY_SECONDS[min(message.attempt, len(RETRY_SECONDS) - 1)])
