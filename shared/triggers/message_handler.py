"""What becomes of a review message (the table in INTERFACE section 5), and of one that failed for good."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from shared.alerts.conditions import Condition, approval_failed, policy_invalid, review_failed
from shared.alerts.topic import Outbox
from shared.errors import NotFoundError, OutsideScopeError, PermanentError, TransientError
from shared.ledger.alerts import AlertBook
from shared.ledger.follow_ups import FollowUps
from shared.ledger.runs import Runs
from shared.policy.language.findings import PolicyError
from shared.review.review import Review, Reviewer, Wish
from shared.triggers.messages import InvalidMessageError, Messages, ReviewMessage, parse_message

RETRY_SECONDS = (15, 30, 60)
"""Delays of the first, the second and every further retry."""

MOST_ATTEMPTS = 20
"""After so many retries a failing review is left to the poison queue, which alerts."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Worker:
    """Handles the messages of the queue `reviews` and of its poison queue."""

    reviewer: Reviewer
    messages: Messages
    follow_ups: FollowUps
    runs: Runs
    alerts: AlertBook
    outbox: Outbox
    now: Callable[[], datetime]

    def handle(self, message: ReviewMessage, inserted_at: datetime | None) -> None:
        """Review the message's target and queue what is left to do.

        Raises:
            ApproverError, or anything unexpected: the queue delivers the message again, and poisons it in the end.
        """
        wish = Wish(message.cause, message.run_id, message.dry_run, inserted_at)
        try:
            review = self.reviewer.review(message.target, wish)
        except PolicyError as error:
            self.policy_unusable(error)
            self._done(message, None, failed=True)
        except OutsideScopeError as error:
            log.info("%s", error)
            self._done(message, None, failed=True)
        except NotFoundError as error:
            log.info("nothing to review: %s", error)
            self._done(message, None, failed=False)
        except TransientError as error:
            if message.attempt >= MOST_ATTEMPTS:
                raise
            log.info("again later: %s", error)
            self._retry(message, error.retry_after or retry_delay(message))
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
        elif review.awaits_evidence:
            self._retry(later, retry_delay(message))

    def _retry(self, message: ReviewMessage, delay: float) -> None:
        """Queue a retry, unless one for the target is outstanding; a run's message must come back itself."""
        owed = message.run_id is not None or message.dry_run
        if owed or self.follow_ups.wanted(message.target, delay, self.now()):
            self.messages.send(message.again("retry"), delay)

    def policy_unusable(self, error: PolicyError) -> None:
        """Raise `PolicyInvalid`, once for each invalid text."""
        log.warning("no usable policy, nothing is approved: %s", error)
        conditions = [policy_invalid(error.subject, str(error))]
        self.outbox.deliver(self.alerts.settle("policy", conditions, self.now(), complete=False))

    def failed(self, text: str | bytes, message_id: str) -> None:
        """A message in the poison queue: raise `ReviewFailed`, and close it in its run."""
        try:
            message = parse_message(text)
        except InvalidMessageError as error:
            log.warning("message %s is no review message: %s", message_id, error)
            self._alert(f"message {message_id}", review_failed(f"message {message_id}"))
            return
        log.error("the review of %s failed for good", message.target)
        if not message.dry_run:
            self._alert(str(message.target), review_failed(str(message.target)))
        self._done(message, None, failed=True)

    def _refused(self, message: ReviewMessage, error: PermanentError) -> None:
        log.warning("the review of %s was refused: %s", message.target, error)
        self._alert(str(message.target), approval_failed(message.target, str(error)))
        self._done(message, None, failed=True)

    def _alert(self, subject: str, condition: Condition) -> None:
        self.outbox.deliver(self.alerts.settle(subject, [condition], self.now(), complete=False))

    def _done(self, message: ReviewMessage, review: Review | None, *, failed: bool) -> None:
        if message.run_id is not None:
            decisions = review.decisions if review else ()
            self.runs.record(message.run_id, message.target, decisions, failed=failed, now=self.now())


def retry_delay(message: ReviewMessage) -> float:
    """Seconds until the retry of this message."""
    return float(RETRY_SECONDS[min(message.attempt, len(RETRY_SECONDS) - 1)])
