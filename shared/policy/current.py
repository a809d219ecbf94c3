"""Where the policy in force comes from: a file of the deployment or a blob, read again when it has changed.

Decides how old a policy may be, and that the last valid one never stands in for an invalid newer one. How a blob is
read is the composition root's: it injects a `Reader`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from shared.policy.language.document import load
from shared.policy.language.findings import InvalidPolicyError, PolicyError
from shared.policy.language.yaml_nodes import MAX_BYTES
from shared.policy.rules import Policy

CHECK_SECONDS = 30.0
"""A source is asked at most this often; with the time that a read takes, a change is in force within 45 s."""

Reader = Callable[[str | None], tuple[bytes, str] | None]
"""Given the tag of the text that is known (None: none), the new text and its tag, or None where it has not changed.

Raises:
    PolicyMissingError: there is no such file or blob.
    PolicyUnreadableError: it cannot be read for now.
"""


class PolicyMissingError(PolicyError):
    """There is no policy where POLICY_PATH points."""


class PolicyUnreadableError(PolicyError):
    """The policy may be there, but cannot be read: no permission, no network, a service that is down."""


class PolicySource:
    """The policy in force. Safe to share between threads: one of them reads, the others wait for it."""

    def __init__(self, reader: Reader, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader = reader
        self._clock = clock
        self._lock = Lock()
        self._asked_at: float | None = None
        self._tag: str | None = None
        self._known: Policy | InvalidPolicyError | None = None  # what the text with that tag is
        self._problem: PolicyError | None = None  # why the last read told nothing

    def current(self) -> Policy:
        """The policy as it was at most `CHECK_SECONDS` ago.

        Raises:
            InvalidPolicyError: the text is not a valid policy; `subject` is its hash.
            PolicyMissingError: there is none; `subject` is `missing`.
            PolicyUnreadableError: it cannot be read; whatever it said before is not in force.
        """
        with self._lock:
            if self._asked_at is None or self._clock() - self._asked_at >= CHECK_SECONDS:
                self._ask()
                self._asked_at = self._clock()
            answer = self._problem or self._known
        if isinstance(answer, Policy):
            return answer
        if answer is None:
            raise PolicyUnreadableError("the policy's reader says unchanged about a text that it never gave")
        raise answer.with_traceback(None)  # the same error again and again must not grow its traceback

    def _ask(self) -> None:
        self._problem = None
        try:
            answer = self._reader(self._tag)
        except PolicyError as problem:
            self._problem = problem
            return
        if answer is None:
            return
        text, self._tag = answer
        try:
            self._known = load(text)
        except InvalidPolicyError as invalid:
            self._known = invalid


def file_reader(path: Path) -> Reader:
    """A reader of a file; its tag is the modification time and size."""

    def read(tag: str | None) -> tuple[bytes, str] | None:
        try:
            with path.open("rb") as file:
                status = path.stat()
                now = f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}"
                return None if now == tag else (file.read(MAX_BYTES + 1), now)
        except FileNotFoundError:
            raise PolicyMissingError(f"there is no policy at {path}: set POLICY_PATH or add the file") from None
        except OSError as error:
            raise PolicyUnreadableError(f"the policy at {path} cannot be read: {error.strerror}") from error

    return read
