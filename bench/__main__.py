"""`python -m bench [NAME ...]`: runs all benchmarks, or those named; one JSON object a line on standard output."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict

from bench import approval, cold_start, policy
from bench.figure import Figure

BENCHMARKS: dict[str, Callable[[], Iterator[Figure]]] = {
    "policy": policy.run,
    "cold_start": cold_start.run,
    "approval": approval.run,
}


def main(names: list[str]) -> int:
    """Print every figure as soon as it is known; answers 2 for a benchmark that is not there."""
    if unknown := [name for name in names if name not in BENCHMARKS]:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    for name in names or BENCHMARKS:
        for figure in BENCHMARKS[name]():
            print(json.dumps({**asdict(figure), "python": platform.python_version()}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
