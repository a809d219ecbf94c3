"""Function keys for `--enable-auth`: made at start, kept in memory, asked for by each function's `authLevel`.

Without `--enable-auth` no key is asked for, as with `func start`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from hmac import compare_digest

from aiohttp import web

from local.host.bindings import Function

EVENT_GRID_KEY = "eventgrid_extension"


def _key() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Keys:
    """The keys of a host: master (everything), default (every function), one for each function, and the system key.

    Where none is required, everything may be called.
    """

    required: bool
    functions: dict[str, str]
    master: str = field(default_factory=_key)
    default: str = field(default_factory=_key)
    event_grid: str = field(default_factory=_key)

    @staticmethod
    def make(functions: Iterable[Function], *, required: bool) -> Keys:
        """New random keys."""
        return Keys(required, {function.name: _key() for function in functions})

    def may_call(self, request: web.Request, function: Function) -> bool:
        """Whether the request's key is enough for the function's `authLevel` (`function` where none is given)."""
        level = function.trigger.text("authLevel", "function").lower()
        if level == "anonymous":
            return True
        if level == "admin":
            return self._opens(request, self.master)
        return self._opens(request, self.master, self.default, self.functions[function.name])

    def may_administer(self, request: web.Request) -> bool:
        """Whether the request carries the master key."""
        return self._opens(request, self.master)

    def may_send_events(self, request: web.Request) -> bool:
        """Whether the request carries the Event Grid extension's system key, or the master key."""
        return self._opens(request, self.event_grid, self.master)

    def lines(self) -> list[str]:
        """The keys as text, one a line."""
        functions = [f"function {name}: {key}" for name, key in self.functions.items()]
        return [
            f"master: {self.master}",
            f"default: {self.default}",
            f"{EVENT_GRID_KEY}: {self.event_grid}",
            *functions,
        ]

    def _opens(self, request: web.Request, *keys: str) -> bool:
        given = request.headers.get("x-functions-key") or request.query.get("code") or ""
        return not self.required or any(compare_digest(given.encode(), key.encode()) for key in keys)
