"""Time in the local Azure: one clock, and everything that happens later.

Delays are given in Azure's seconds and pass `factor` times as long here. What is to happen is a named job with text
arguments, so that a snapshot holds it too. Jobs run in the event loop, one after another; there is no thread.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

Job = Callable[..., None]


class Clock:
    """Azure's time, and the jobs that are due later."""

    def __init__(self, time_scale: float = 1.0) -> None:
        if not (time_scale > 0 and math.isfinite(time_scale)):
            raise ValueError(f"a time scale is a positive number, not {time_scale}")
        self.factor = min(time_scale, 1 / time_scale)
        self._ahead = timedelta(0)
        self._jobs: list[tuple[float, int, str, tuple[str, ...]]] = []
        self._order = itertools.count()
        self._handlers: dict[str, Job] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def now(self) -> datetime:
        """The time of day (UTC), as far ahead of the real one as `advance` has put it."""
        return datetime.now(UTC) + self._ahead

    def stamp(self) -> str:
        """The time as ARM writes it: seven decimals and a Z."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"

    def wait(self, seconds: float) -> int:
        """A Retry-After for a delay of Azure's seconds: real seconds, at least 1 (clients take 0 for "no header")."""
        return max(1, math.ceil(seconds * self.factor))

    def on(self, name: str, handler: Job) -> None:
        """Say what a job's name means."""
        self._handlers[name] = handler

    def after(self, seconds: float, name: str, *arguments: str) -> None:
        """Run a job after a delay in Azure's seconds."""
        if name not in self._handlers:
            raise KeyError(f"no job is called {name!r}")
        due = self._time() + seconds * self.factor
        heapq.heappush(self._jobs, (due, next(self._order), name, arguments))
        self._arm()

    def advance(self, seconds: float) -> None:
        """Let that many of Azure's seconds pass at once."""
        self._ahead += timedelta(seconds=seconds)
        self._jobs = [(due - seconds * self.factor, *rest) for due, *rest in self._jobs]  # type: ignore[misc]
        heapq.heapify(self._jobs)
        self._arm()

    def start(self) -> None:
        """Begin to run jobs, in the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._jobs = [(self._loop.time() + due, *rest) for due, *rest in self._jobs]  # type: ignore[misc]
        self._arm()

    def stop(self) -> None:
        """Run no more jobs; those not yet due stay in the snapshot."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def snapshot(self) -> list[Any]:
        """The jobs to come as `[Azure's seconds from now, name, arguments]`."""
        now = self._time()
        return [[max(0.0, (due - now) / self.factor), name, list(args)] for due, _, name, args in sorted(self._jobs)]

    def load(self, jobs: list[Any]) -> None:
        """Replace the jobs to come by those of a snapshot."""
        self._jobs.clear()
        for seconds, name, arguments in jobs:
            self.after(seconds, name, *arguments)

    def _time(self) -> float:
        return self._loop.time() if self._loop else 0.0

    def _arm(self) -> None:
        self.stop()
        if self._loop and self._jobs:
            self._timer = self._loop.call_at(self._jobs[0][0], self._run)

    def _run(self) -> None:
        now = self._time()
        try:
            while self._jobs and self._jobs[0][0] <= now:
                _, _, name, arguments = heapq.heappop(self._jobs)
                self._handlers[name](*arguments)
        finally:
            self._arm()
