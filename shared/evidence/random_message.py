"""Whether a request message is one that nobody guesses. Pure.

Entropy is judged by the message's own characters: whoever made it may have drawn them from where one likes, but 22 times the
same letter, a sentence or a URL is no secret.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from math import log2

LENGTH = 22
"""Characters: 128 bits in base64url are 22."""

BITS = 64.0
"""Bits by the message's own character counts: its length times the Shannon entropy of its characters."""

SHOWN = 4
"""Characters of a random message that people are shown, so that they can tell one from another."""

_TOKEN = re.compile(r"[A-Za-z0-9_+/=-]*")
_SHORTEST_NAME = 3
"""Shorter names stand in a random text by chance."""


def weakness(message: str, names: Collection[str] = ()) -> str | None:
    """Why a message could be guessed; None where it is random.

    Args:
        message: the whole request message.
        names: what is known to others too, in Unicode's folded case: names and ids of target, requester and policy.
    """
    if not message:
        return "no message"
    if not _TOKEN.fullmatch(message):
        return "a message that is not one token of A-Z a-z 0-9 _ + / = -"
    if len(message) < LENGTH:
        return "a shorter message"
    if bits(message) < BITS:
        return "a message of too few different characters"
    folded = message.casefold()
    known = next((name for name in sorted(names) if len(name) >= _SHORTEST_NAME and name in folded), None)
    return f"a message that holds the name {known}" if known else None


def redacted(message: str) -> str:
    """A message as people are shown it: of a random one, a secret until it is approved, the first four characters."""
    return message if weakness(message) else f"{message[:SHOWN]}…"


def bits(message: str) -> float:
    """The message's length times the Shannon entropy of its characters."""
    return sum(count * log2(len(message) / count) for count in Counter(message).values())
