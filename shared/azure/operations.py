"""Following ARM's long-running operations, for a bounded time. What takes longer is continued by a delayed message.

Wire facts: the status stands in `status`, or in `properties.provisioningState` where the URL is the resource's own (Key
Vault); words on the way are InProgress, Updating, Running, Deleting, Accepted and others; a `Location` answers 202 until
it has ended; a finished answer may carry Retry-After.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from azure.core.exceptions import AzureError

from shared.azure.arm import Arm, is_transient_code, retry_after_of
from shared.errors import NotFoundError, PermanentError, TransientError
from shared.resource_id import fold

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


def follow(arm: Arm, operation: Operation, patience: WaitBudget) -> bool:
    """Wait for an operation's end; False where it still runs when the patience is used up.

    What ended is only known to have ended: what it came to is read from the resource.

    Raises:
        PermanentError: it failed or was cancelled.
        TransientError: it failed for a reason that may pass, or its status could not be read.
    """
    wait = operation.retry_after or _FIRST_WAIT
    while patience.wait(wait):
        over, asked = _state(arm, operation.url)
        if over:
            return True
        wait = asked or operation.retry_after or min(wait * 2, _LONGEST_WAIT)
    return False


def ended(arm: Arm, operation: Operation) -> bool:
    """Whether an operation that an earlier review started has ended. Asks once, waits for nothing; raises as `follow`."""
    return _state(arm, operation.url)[0]


def _state(arm: Arm, url: str) -> tuple[bool, float | None]:
    """Whether it has ended, and how long the service asks to wait if it has not."""
    try:
        response = arm.send_url(url)
    except NotFoundError:  # ARM forgets operations that ended long ago
        return True, None
    if response.status_code == 202:
        return False, retry_after_of(response)
    body = _body(response)
    word = fold(str(body.get("status") or (body.get("properties") or {}).get("provisioningState") or ""))
    if word in _ENDED_BADLY:
        raise _failure(word, body.get("error") or {})
    return word in _ENDED_WELL, retry_after_of(response)


def _failure(word: str, error: Mapping[str, Any]) -> Exception:
    code = str(error.get("code") or "OperationFailed")
    text = f"ARM's operation ended as {word}: {code}: {' '.join(str(error.get('message') or '').split())[:500]}"
    return TransientError(text, code=code) if is_transient_code(code) else PermanentError(text, code=code)


def _body(response: Any) -> dict[str, Any]:
    """The answer's JSON object; {} where it has none (a `Location` that ended with nothing)."""
    try:
        body = response.json() if response.content else {}
    except (ValueError, AzureError):
        return {}
    return body if isinstance(body, dict) else {}
