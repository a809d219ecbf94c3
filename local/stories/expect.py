"""Expectations: what a story claims, in a sentence that says what was found instead."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


class StoryError(Exception):
    """The story did not go as it should; the text says what was found."""


def expect(holds: object, otherwise: str) -> None:
    """Raise `StoryError` with the sentence `otherwise` unless something holds."""
    if not holds:
        raise StoryError(otherwise)


def eventually(look: Callable[[], Found], *, seconds: float, pause: float = 0.25) -> Found:
    """Look again after every pause until nothing is wrong any more; answers what was found.

    Raises:
        StoryError: the last one, when it was still wrong after so many seconds.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return look()
        except StoryError as error:
            if time.monotonic() >= deadline:
                raise StoryError(f"{error} (after {seconds:g} s)") from error
        time.sleep(pause)
