"""JSON as others send it: a key that stands twice is an error, not a choice between the two."""

from __future__ import annotations

import json
from typing import Any


class DuplicateKeyError(ValueError):
    """A key stands twice in one object; the text names it, cut."""


def load(text: str | bytes) -> Any:
    """The JSON value of a text.

    Raises:
        DuplicateKeyError: a key stands twice in one object.
        ValueError: it is no JSON, or nested too deeply.
    """
    try:
        return json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise DuplicateKeyError(f"the key {key[:80]!r} stands twice")
        found[key] = value
    return found
