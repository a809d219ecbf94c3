"""What a benchmark yields, and the lines in which it is printed."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: the median of so many samples (1: a count or a single measurement)."""

    name: str
    value: float
    unit: str
    samples: int = 1


def line(fields: Figure | Mapping[str, Any]) -> str:
    """A figure as a line of JSON: its fields, the Python, and the machine's load average over the last minute."""
    shown = asdict(fields) if isinstance(fields, Figure) else dict(fields)
    return json.dumps({**shown, "python": platform.python_version(), "load": round(os.getloadavg()[0], 2)})


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
