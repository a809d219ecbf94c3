"""The record of ARM calls, so that tests can count what an app did."""

from __future__ import annotations

from collections import deque

from local.azure.wire import Json, Request
from shared.resource_id import fold

_KEPT = 100_000


class Calls:
    """The last 100,000 calls: `{"method", "path", "apiVersion", "status", "tenant", "principal", "at"}`."""

    def __init__(self) -> None:
        self._calls: deque[tuple[str, str, str, int, str, str, str]] = deque(maxlen=_KEPT)

    def add(self, request: Request, status: int, tenant: str, principal: str, at: str) -> None:
        """Note a call and its status (0: the connection was dropped)."""
        version = request.query.get("api-version", "")
        self._calls.append((request.method, request.path, version, status, tenant, principal, at))

    def list(self, query: Json) -> list[Json]:
        """The calls in order; `method`, `pathContains` and `principal` narrow them."""
        method, part, who = (str(query.get(name.lower(), "")) for name in ("method", "pathContains", "principal"))
        names = ("method", "path", "apiVersion", "status", "tenant", "principal", "at")
        return [
            dict(zip(names, call, strict=True))
            for call in self._calls
            if (not method or call[0] == method.upper()) and fold(part) in fold(call[1]) and who in ("", call[5])
        ]

    def clear(self) -> None:
        """Forget all calls."""
        self._calls.clear()
