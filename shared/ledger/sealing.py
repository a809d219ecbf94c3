"""What keeps the ledger from being forged and read by who can write or read its tables, but has not the key.

Every row carries an HMAC-SHA-256 over its table, its keys and its content, under the setting LEDGER_KEY; random request
messages are kept as keyed hashes, and URLs of operations (which may be signed) encrypted. After a rotation what the previous
key has sealed is still believed, and sealed anew when it is next written. Without a key rows are not authenticated.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

SEAL = "seal"
"""The column that holds a row's seal."""

TRACE = "sha256:"
"""How a trace begins, which tells it from a message that is kept as it is."""

_HIDDEN = "aes256gcm:"
_NOT_CONTENT = frozenset({SEAL, "Timestamp", "odata.etag", "etag"})
_NONCE = 12


class Sealing:
    """Seals rows, hashes messages, hides URLs. `key` and `previous`: 32 bytes or more, or empty."""

    def __init__(self, key: bytes = b"", previous: bytes = b"") -> None:
        self._keys = [one for one in (key, previous) if one]

    @property
    def authenticates(self) -> bool:
        """Whether there is a key at all."""
        return bool(self._keys)

    def sealed(self, table: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row with its seal; as it is where there is no key."""
        if not self._keys:
            return dict(row)
        return {**row, SEAL: _hmac(self._keys[0], b"rows", _content(table, row))}

    def holds(self, table: str, row: Mapping[str, Any]) -> bool:
        """Whether a row was sealed so, in this table and under these keys; True for every row where there is no key."""
        if not self._keys:
            return True
        found, content = str(row.get(SEAL) or "").encode("utf-8", "surrogatepass"), _content(table, row)
        return any(hmac.compare_digest(found, _hmac(key, b"rows", content).encode()) for key in self._keys)

    def trace(self, message: str) -> str:
        """A keyed hash of a request message, by which it is known again without being kept."""
        return TRACE + _hmac(
            self._keys[0] if self._keys else b"", b"messages", message.encode("utf-8", "surrogatepass")
        )

    def is_trace_of(self, trace: str, message: str) -> bool:
        """Whether a trace was made of a message, under this key or the previous one."""
        text = message.encode("utf-8", "surrogatepass")
        return any(trace == TRACE + _hmac(key, b"messages", text) for key in self._keys or [b""])

    def hide(self, url: str) -> str:
        """A URL as it is stored: encrypted; where there is no key, without the parameters that may be a signature."""
        if not url:
            return ""
        if not self._keys:
            return _unsigned(url)
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # a part of azure-identity; 10 ms

        nonce = os.urandom(_NONCE)
        hidden = AESGCM(_derived(self._keys[0], b"urls")).encrypt(nonce, url.encode(), None)
        return _HIDDEN + urlsafe_b64encode(nonce + hidden).decode()

    def show(self, kept: str) -> str:
        """What `hide` was given. Raises ValueError where no key of ours has hidden it."""
        if not kept.startswith(_HIDDEN):
            return kept
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        sealed = urlsafe_b64decode(kept.removeprefix(_HIDDEN))
        for key in self._keys:
            try:
                return AESGCM(_derived(key, b"urls")).decrypt(sealed[:_NONCE], sealed[_NONCE:], None).decode()
            except InvalidTag:
                continue
        raise ValueError("a URL that no key of ours has hidden")


def digest_of(row: Mapping[str, Any]) -> str:
    """A hash of a row's content, by which the head of its record knows it."""
    return hashlib.sha256(_content("", row)).hexdigest()


def members_of(digests: Mapping[str, str]) -> str:
    """One hash for all rows of a record (key -> `digest_of`): a row that is taken away or put back as it was changes it."""
    text = "\n".join(f"{key} {digests[key]}" for key in sorted(digests))
    return hashlib.sha256(text.encode()).hexdigest()


def _content(table: str, row: Mapping[str, Any]) -> bytes:
    columns = sorted((name, value) for name, value in row.items() if name not in _NOT_CONTENT)
    return json.dumps([table, columns], default=str).encode()


def _hmac(key: bytes, purpose: bytes, content: bytes) -> str:
    return hmac.new(_derived(key, purpose), content, hashlib.sha256).hexdigest()


def _derived(key: bytes, purpose: bytes) -> bytes:
    """A key of its own for each purpose (RFC 5869's expand step, for one block)."""
    return hmac.new(key, purpose + b"\x01", hashlib.sha256).digest()


def _unsigned(url: str) -> str:
    """A URL with its api-version alone: what else ARM puts there signs it."""
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name.lower() == "api-version"]
    return urlunsplit(parts._replace(query=urlencode(kept)))
