"""Review messages: their JSON, and sending them with a delay through `azure-storage-queue`.

A message only names a target and why it should be looked at; it carries no facts about it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Protocol

from shared.azure.queues import Queue
from shared.model.target_types import is_target
from shared.resource_id import InvalidResourceIdError, ResourceId, is_guid, parse

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient

QUEUE = "reviews"
POISON_QUEUE = "reviews-poison"
CAUSES = ("event", "sweep", "manual", "settle", "retry")


class InvalidMessageError(ValueError):
    """The message is not one of ours; the text says why, without repeating the message."""


@dataclass(frozen=True, slots=True)
class ReviewMessage:
    """What the queue `reviews` carries: which target to review, why, and for which run of a person's."""

    target: ResourceId
    cause: str
    attempt: int = 0
    event_id: str | None = None
    run_id: str | None = None
    dry_run: bool = False

    def again(self, cause: str) -> ReviewMessage:
        """The message that follows this one: `retry` counts attempts, `settle` starts afresh."""
        return replace(self, cause=cause, attempt=self.attempt + 1 if cause == "retry" else 0)

    def to_text(self) -> str:
        """`{"targetId", "cause", "attempt", "eventId", "runId", "dryRun"}`; the queue's clients encode it in base64."""
        fields = asdict(self)
        names = {"event_id": "eventId", "run_id": "runId", "dry_run": "dryRun"}
        body = {"targetId": str(self.target)} | {names.get(k, k): v for k, v in fields.items() if k != "target"}
        return json.dumps(body)


def parse_message(text: str | bytes) -> ReviewMessage:
    """Parse a queue message (already decoded from base64).

    Raises:
        InvalidMessageError: it is not a review message; it can only go to the poison queue.
    """
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidMessageError("the message is not JSON") from error
    if not isinstance(body, dict):
        raise InvalidMessageError("the message is not a JSON object")
    try:
        target = parse(body.get("targetId"))
    except InvalidResourceIdError as error:
        raise InvalidMessageError(f"targetId: {error}") from error
    if not is_target(target):
        raise InvalidMessageError("targetId: not a resource of a supported type")
    if body.get("cause") not in CAUSES:
        raise InvalidMessageError(f"cause: one of {', '.join(CAUSES)} is expected")
    attempt, dry_run = body.get("attempt", 0), body.get("dryRun", False)
    if isinstance(attempt, bool) or not isinstance(attempt, int) or attempt < 0:
        raise InvalidMessageError("attempt: a number of 0 or more is expected")
    if not isinstance(dry_run, bool):
        raise InvalidMessageError("dryRun: true or false is expected")
    event_id, run_id = body.get("eventId"), body.get("runId")
    if event_id is not None and not isinstance(event_id, str):
        raise InvalidMessageError("eventId: a string or null is expected")
    if run_id is not None and not (isinstance(run_id, str) and is_guid(run_id)):  # it becomes the key of a table
        raise InvalidMessageError("runId: a GUID or null is expected")
    return ReviewMessage(target, body["cause"], attempt, event_id, run_id, dry_run)


class Messages(Protocol):
    """Where review messages are sent."""

    def send(self, message: ReviewMessage, delay: float = 0) -> None:
        """Send a message that becomes visible after `delay` seconds."""
        ...

    def postpone_failed(self, text: str | bytes, delay: float) -> None:
        """Put a message of the poison queue back there, visible after `delay` seconds."""
        ...


class QueueMessages:
    """The queue `reviews` in the app's storage account; made when it is missing."""

    def __init__(self, client: Callable[[str], QueueClient]) -> None:
        """`client`: the client of a queue by its name."""
        self._reviews = Queue(lambda: client(QUEUE))
        self._poison = Queue(lambda: client(POISON_QUEUE))

    def send(self, message: ReviewMessage, delay: float = 0) -> None:
        """See `Messages`. Azure delays a message by at most 7 days; ours wait for minutes."""
        self._reviews.send(message.to_text(), delay)

    def postpone_failed(self, text: str | bytes, delay: float) -> None:
        """See `Messages`."""
        self._poison.send(text.decode("utf-8", "replace") if isinstance(text, bytes) else text, delay)
