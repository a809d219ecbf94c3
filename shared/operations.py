"""Following ARM's long-running operations, for a bounded time. What takes longer is continued by a delayed message.

Wire facts: the status stands in `status`, or in `properties.provisioningState` where the URL is the resource's own (Key
Vault); words on the way are InProgress, Updating, Running, Deleting, Accepted; a finished answer may carry Retry-After.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from azure.core.exceptions import AzureError

from shared.arm import Arm
from shared.errors import PermanentError
from shared.resource_id import fold
from shared.targets.adapter import Operation

MOST_SECONDS = 20.0
"""How long one function waits for operations, all of its review's together."""

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 5.0


class Patience:
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


def follow(arm: Arm, operation: Operation, patience: Patience) -> bool:
    """Wait for an operation's end; False where it still runs when the patience is used up.

    Raises:
        PermanentError: it failed or was cancelled.
    """
    wait = operation.retry_after or _FIRST_WAIT
    while patience.wait(wait):
        if _finished(arm, operation):
            return True
        wait = operation.retry_after or min(wait * 2, _LONGEST_WAIT)
    return False


def _finished(arm: Arm, operation: Operation) -> bool:
    response = arm.send_url(operation.url)
    if response.status_code == 202:
        return False
    status = _status(response)
    if status in ("failed", "canceled", "cancelled"):
        raise PermanentError(f"ARM's operation ended as {status}", code="OperationFailed")
    return status in ("succeeded", "ready", "")


def _status(response: Any) -> str:
    """The status word, folded; "" where the answer has none (a `Location` that ended with the resource or nothing)."""
    try:
        body = response.json() if response.content else {}
    except (ValueError, AzureError):
        return ""
    if not isinstance(body, dict):
        return ""
    word = body.get("status") or (body.get("properties") or {}).get("provisioningState") or ""
    return fold(str(word))
