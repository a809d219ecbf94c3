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
        self._ahead = 0.0  # Azure's seconds that `advance` has let pass
        self._jobs: list[tuple[float, int, str, tuple[str, ...]]] = []  # due in Azure's seconds, as `_time` tells them
        self._order = itertools.count()
        self._handlers: dict[str, Job] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def now(self) -> datetime:
        """The time of day (UTC), as far ahead of the real one as `advance` has put it."""
        return datetime.now(UTC) + timedelta(seconds=self._ahead)

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
        heapq.heappush(self._jobs, (self._time() + seconds, next(self._order), name, arguments))
        self._arm()

    def advance(self, seconds: float) -> None:
        """Let that many of Azure's seconds pass at once; what is due in them has happened, in order, when this returns."""
        end = self._time() + seconds
        while self._jobs and self._jobs[0][0] <= end:
            self._ahead += max(0.0, self._jobs[0][0] - self._time())
            self._run()
        self._ahead += max(0.0, end - self._time())
        self._arm()

    def hurry(self, subject: str) -> None:
        """Let what is due for one resource (the first argument of its jobs) happen now, in order, while no time passes."""
        due = sorted(job for job in self._jobs if job[3][:1] == (subject,))
        self._jobs = [job for job in self._jobs if job not in due]
        heapq.heapify(self._jobs)
        for _, _, name, arguments in due:
            self._handlers[name](*arguments)
        self._arm()

    def start(self) -> None:
        """Begin to run jobs, in the running event loop."""
        self._loop = asyncio.get_running_loop()
        now = self._time()
        self._jobs = [(now + due, *rest) for due, *rest in self._jobs]  # type: ignore[misc]  # until now from 0 on
        self._arm()

    def stop(self) -> None:
        """Run no more jobs; those not yet due stay in the snapshot."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def snapshot(self) -> list[Any]:
        """The jobs to come as `[Azure's seconds from now, name, arguments]`."""
        now = self._time()
        return [[max(0.0, due - now), name, list(arguments)] for due, _, name, arguments in sorted(self._jobs)]

    def load(self, jobs: list[Any]) -> None:
        """Replace the jobs to come by those of a snapshot."""
        self._jobs.clear()
        for seconds, name, arguments in jobs:
            self.after(seconds, name, *arguments)

    def _time(self) -> float:
        """Azure's seconds since some moment; 0 before the start."""
        return self._loop.time() / self.factor + self._ahead if self._loop else 0.0

    def _arm(self) -> None:
        self.stop()
        if self._loop and self._jobs:
            wait = max(0.0, self._jobs[0][0] - self._time()) * self.factor
            self._timer = self._loop.call_later(wait, self._run)

    def _run(self) -> None:
        try:
            while self._jobs and self._jobs[0][0] <= self._time():
                _, _, name, arguments = heapq.heappop(self._jobs)
                self._handlers[name](*arguments)
        finally:
            self._arm()
