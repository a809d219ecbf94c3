"""Following ARM's long-running operations, for a bounded time. What takes longer is continued by a delayed message.

Wire facts: the status stands in `status`, or in `properties.provisioningState` where the URL is the resource's own (Key
Vault); words on the way are InProgress, Updating, Running, Deleting, Accepted and others; a `Location` answers 202 until
it has ended; a finished answer may carry Retry-After.

A question that fails says nothing about the operation: ARM has accepted the write, and goes on with it whether the app may
ask or not (the URLs of IoT Hub, Data Explorer, Digital Twins and SQL lie at the subscription, where a role that is given on
a resource group does not reach).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import unquote, urlsplit

from azure.core.exceptions import AzureError

from shared.azure.arm import Arm, is_transient_code, retry_after_of
from shared.azure.pinned import origin
from shared.errors import ApproverError, TransientError
from shared.resource_id import ResourceId, fold

MOST_SECONDS = 20.0
"""How long one function waits for operations, all of its review's together."""

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 5.0
_ENDED_WELL = ("succeeded", "ready", "")
_ENDED_BADLY = ("failed", "canceled", "cancelled")


@dataclass(frozen=True, slots=True)
class Operation:
    """A long-running operation of ARM. `url` is used verbatim and never logged; `retry_after` in seconds."""

    url: str = field(repr=False)
    retry_after: float | None = None


class State(Enum):
    """How far an operation is, as far as ARM tells."""

    RUNNING = "running"
    ENDED = "ended"
    """What it came to is read from the resource."""
    FAILED = "failed"
    """The operation's own body says so; no other answer means that it failed."""
    UNKNOWN = "unknown"
    """It could not be asked about, or ARM has forgotten it: the resource tells."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known of an operation.

    `text` says why it failed or is unknown; `code` is ARM's word for a failure, `transient` whether that may pass by itself;
    `retry_after` is the wait in seconds that ARM has asked for, None where it has not.
    """

    state: State
    text: str = ""
    code: str = ""
    transient: bool = False
    retry_after: float | None = None


class WaitBudget:
    """What is left of the time that one review may wait."""

    def __init__(self, sleep: Callable[[float], None], seconds: float = MOST_SECONDS) -> None:
        self._sleep = sleep
        self._left = seconds

    def wait(self, seconds: float) -> bool:
        """Wait, if there is time left for it; False where there is not."""
        if seconds > self._left:
            return False
        self._left -= seconds
        self._sleep(seconds)
        return True


def follow(arm: Arm, operation: Operation, budget: WaitBudget) -> Progress:
    """Wait for an operation's end, as long as the budget lasts. Raises nothing.

    A question that fails for a reason that may pass is asked again; RUNNING or UNKNOWN is then the last that is known.
    """
    wait = operation.retry_after or _FIRST_WAIT
    last = Progress(State.RUNNING, retry_after=operation.retry_after)
    while budget.wait(wait):
        last = ended(arm, operation)
        if last.state is not State.RUNNING and not (last.state is State.UNKNOWN and last.transient):
            return last
        wait = last.retry_after or operation.retry_after or min(wait * 2, _LONGEST_WAIT)
    return last


def ended(arm: Arm, operation: Operation) -> Progress:
    """How far an operation is. Asks once, waits for nothing, raises nothing."""
    try:
        response = arm.send_url(operation.url)
    except TransientError as error:
        return Progress(State.UNKNOWN, str(error), error.code, transient=True, retry_after=error.retry_after)
    except ApproverError as error:
        return Progress(State.UNKNOWN, str(error), error.code)
    asked = retry_after_of(response)
    if response.status_code == 202:
        return Progress(State.RUNNING, retry_after=asked)
    body = _body(response)
    properties = body.get("properties")
    shown = body.get("status") or (properties.get("provisioningState") if isinstance(properties, dict) else "")
    word = fold(str(shown or ""))
    if word in _ENDED_BADLY:
        return _failure(word, body.get("error"))
    return Progress(State.ENDED if word in _ENDED_WELL else State.RUNNING, retry_after=asked)


def lies_under(url: str, endpoint: str, target: ResourceId) -> bool:
    """Whether an operation's URL may be asked with the app's token: on ARM's host, under the target's subscription.

    Every operation of a resource is there, at the resource or at its provider's location. A URL that was kept in a ledger
    may be somebody else's work.
    """
    if origin(url) == "" or origin(url) != origin(endpoint):
        return False
    path = unquote(urlsplit(url).path)
    segments = fold(path).split("/")
    if "\\" in path or "%" in path or not {".", ".."}.isdisjoint(segments):
        return False
    return segments[1:3] == ["subscriptions", fold(target.subscription_id)]


def _failure(word: str, error: Any) -> Progress:
    error = error if isinstance(error, Mapping) else {}
    code = str(error.get("code") or "OperationFailed")
    text = f"ARM's operation ended as {word}: {code}: {' '.join(str(error.get('message') or '').split())[:500]}"
    return Progress(State.FAILED, text, code, is_transient_code(code))


def _body(response: Any) -> dict[str, Any]:
    """The answer's JSON object; {} where it has none (a `Location` that ended with nothing)."""
    try:
        body = response.json() if response.content else {}
    except (ValueError, AzureError):
        return {}
    return body if isinstance(body, dict) else {}
