"""What a Functions app pays on every scale-out: importing the app, and importing what the first review uses."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Figure, median

_SAMPLES = 5
_ROOT = Path(__file__).parents[1]
_PREFIX = "import time; t = time.perf_counter(); "
_SUFFIX = "; import resource; print(time.perf_counter() - t, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
_SETTINGS = {"AzureWebJobsStorage__accountName": "bench"}
_PROGRAMS = {
    "import of function_app": "import function_app",
    "import, and the review wired": f"from shared.app import build; build({_SETTINGS}).reviewer",
}


def run() -> Iterator[Figure]:
    """Milliseconds, and megabytes of resident memory at their peak (Linux), each in fresh interpreters."""
    for name, program in _PROGRAMS.items():
        runs = [_measured(program) for _ in range(_SAMPLES)]
        yield median(f"cold start: {name}", [seconds * 1000 for seconds, _ in runs], "ms")
        yield median(f"cold start: {name}, memory", [kilobytes / 1024 for _, kilobytes in runs], "MB")


def _measured(program: str) -> tuple[float, float]:
    command = [sys.executable, "-c", _PREFIX + program + _SUFFIX]
    said = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return float(said[0]), float(said[1])
