"""The real app, with something that happens between its reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from shared.app import App
from shared.model.requester import RequesterSide, ServiceRequester
from shared.review.observe import SideReader


@dataclass
class Interrupted:
    """Requesters' sides, and what happens around the next read of one."""

    sides: SideReader
    before: Callable[[], None] | None = None
    after: Callable[[], None] | None = None

    def read(self, requester: ServiceRequester) -> RequesterSide:
        """See `shared.gather.SideReader`."""
        before, after = self.before, self.after
        self.before = self.after = None
        if before:
            before()
        side = self.sides.read(requester)
        if after:
            after()
        return side


class InterruptedApp(App):
    """The app, with a way to do something between its reads."""

    @cached_property
    def sides(self) -> Any:
        """The requesters' own resources."""
        return Interrupted(super().sides)
