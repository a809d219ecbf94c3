"""Where the policy in force comes from: a file of the deployment or a blob, read again when it has changed.

Decides how old a policy may be, and that the last valid one never stands in for an invalid or unreadable newer one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, ResourceNotFoundError

from shared.policy.language.document import load
from shared.policy.language.findings import InvalidPolicyError, PolicyError
from shared.policy.language.yaml_nodes import MAX_BYTES
from shared.policy.rules import Policy

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient

CHECK_SECONDS = 30.0
"""A source is asked at most this often."""

MOST_SECONDS = 45.0
"""What was read longer ago than this is not in force: a change is, at the latest, after this time."""

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
    """The policy in force. Safe to share between threads.

    One thread reads; the others go on with what is known until that is too old, and wait then (as for the first reading).
    """

    def __init__(self, reader: Reader, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader = reader
        self._clock = clock
        self._turn = Condition()  # guards what follows; held for moments only, never while something is read
        self._reading = False
        self._as_of: float | None = None  # when the last reading began: what it told was so then, or later
        self._tag: str | None = None
        self._known: Policy | InvalidPolicyError | None = None  # what the text with that tag is
        self._problem: PolicyError | None = None  # why the last read told nothing

    def current(self) -> Policy:
        """The policy as it was at most `MOST_SECONDS` ago.

        Raises:
            InvalidPolicyError: the text is not a valid policy; `subject` is its hash.
            PolicyMissingError: there is none; `subject` is `missing`.
            PolicyUnreadableError: it cannot be read, or not in time; whatever it said before is not in force.
        """
        with self._turn:
            while self._age() >= CHECK_SECONDS and self._reading:
                if self._age() < MOST_SECONDS:
                    return self._answer()
                self._turn.wait()
            if self._age() < CHECK_SECONDS:
                return self._answer()
            self._reading = True
        try:
            self._ask()
        finally:
            with self._turn:
                self._reading = False
                self._turn.notify_all()
        with self._turn:
            return self._answer()

    def _age(self) -> float:
        return float("inf") if self._as_of is None else self._clock() - self._as_of

    def _answer(self) -> Policy:
        answer = self._problem or self._known
        if self._age() >= MOST_SECONDS:
            raise PolicyUnreadableError(f"reading the policy took longer than {MOST_SECONDS:.0f} s")
        if isinstance(answer, Policy):
            return answer
        if answer is None:
            raise PolicyUnreadableError("the policy's reader says unchanged about a text that it never gave")
        raise answer.with_traceback(None)  # the same error again and again must not grow its traceback

    def _ask(self) -> None:
        """Read, by the one thread whose turn it is; what others see changes in one step."""
        began = self._clock()
        known, tag, problem = self._known, self._tag, None
        try:
            answer = self._reader(tag)
        except PolicyError as error:
            problem = error
        else:
            if answer is not None:
                known, tag = _loaded(answer[0]), answer[1]
        with self._turn:
            self._known, self._tag, self._problem, self._as_of = known, tag, problem, began


def _loaded(text: bytes) -> Policy | InvalidPolicyError:
    try:
        return load(text)
    except InvalidPolicyError as invalid:
        return invalid


def file_reader(path: Path) -> Reader:
    """A reader of a file; its tag is the modification time and size."""

    def read(tag: str | None) -> tuple[bytes, str] | None:
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                now = f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}"
                return None if now == tag else (file.read(MAX_BYTES + 1), now)
        except FileNotFoundError:
            raise PolicyMissingError(f"there is no policy at {path}: set POLICY_PATH or add the file") from None
        except OSError as error:
            raise PolicyUnreadableError(f"the policy at {path} cannot be read: {error.strerror}") from error

    return read


def blob_reader(blob: BlobClient) -> Reader:
    """A reader of a blob; its tag is the blob's ETag. One request a reading, answered 304 where nothing has changed."""

    def read(tag: str | None) -> tuple[bytes, str] | None:
        unless: dict[str, Any] = {"etag": tag, "match_condition": MatchConditions.IfModified} if tag else {}
        try:
            download = blob.download_blob(0, MAX_BYTES + 1, **unless)
            return download.readall(), download.properties.etag
        except ResourceNotFoundError:
            raise PolicyMissingError(f"there is no policy at {blob.url}: set POLICY_PATH or upload the blob") from None
        except AzureError as error:
            status = getattr(error, "status_code", None) or type(error).__name__
            if status == 304:  # the SDK makes an error of it, of a class that other answers have too
                return None
            if status == 416:  # no byte of it can be read: it is empty
                return b"", ""
            raise PolicyUnreadableError(f"the policy at {blob.url} cannot be read: {status}") from error

    return read
