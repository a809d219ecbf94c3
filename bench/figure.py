"""What a benchmark yields."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: the median of so many samples (1: a count or a single measurement)."""

    name: str
    value: float
    unit: str
    samples: int = 1


def median_time(name: str, work: Callable[[], object], *, samples: int) -> Figure:
    """The wall-clock time of a piece of work, in milliseconds."""
    taken = []
    for _ in range(samples):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return median(name, taken, "ms")


def median(name: str, values: list[float], unit: str) -> Figure:
    """The median of measurements that were made elsewhere."""
    return Figure(name, round(statistics.median(values), 3), unit, len(values))
