"""A fresh random request message for a managed private endpoint of Data Explorer."""

from __future__ import annotations

import secrets

_BYTES = 20


def random_message() -> str:
    """40 hexadecimal digits, 160 bits: no space, nothing a shell or a form would change, well below 140 characters."""
    return secrets.token_hex(_BYTES)
