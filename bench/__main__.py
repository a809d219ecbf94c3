"""`python -m bench [--against REV] [NAME ...]`: runs all benchmarks, or those named; one JSON object a line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from importlib import import_module

from bench import against
from bench.figure import Figure, line

BENCHMARKS = ("policy", "cold_start", "operations", "approval", "rate")
"""Modules of this package. Each is imported when it runs: another revision's product may lack what one of them uses."""


def main(arguments: list[str]) -> int:
    """Print every figure as soon as it is known; answers 2 for a benchmark or a revision that is not there."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Benchmarks; see bench/__init__.py.")
    parser.add_argument("--against", metavar="REV", default="", help="compare with this revision of the product")
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"one of {', '.join(BENCHMARKS)}")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    if given.against:
        return _compare(given.against, given.names or against.DEFAULT)
    for name in given.names or BENCHMARKS:
        figures: Iterator[Figure] = import_module(f"bench.{name}").run()
        for figure in figures:
            print(line(figure), flush=True)
    return 0


def _compare(revision: str, names: list[str] | tuple[str, ...]) -> int:
    try:
        for compared in against.compare(revision, names):
            print(line(compared), flush=True)
    except against.RevisionError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
