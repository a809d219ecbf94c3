"""`python -m tests.attacks`: plays the attack matrix and prints it as a table; further arguments are pytest's.

A line is a kind of requester and an attack; a column is a moment (the attack comes right before that call of the review).
A cell says what the attacked review made of our own request, and what became of it once nothing collided with it any more.
"""

# ruff: noqa: T201 - a command line prints

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

MATRIX = Path(__file__).with_name("test_races.py")


class Table:
    """Collects what the tests of the matrix report."""

    def __init__(self) -> None:
        self.lines: dict[str, str] = {}
        self.cells: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One test has ended, or was skipped."""
        name = report.nodeid.partition("[")[2].rstrip("]") or report.nodeid.rpartition("::")[2]
        if report.skipped and isinstance(report.longrepr, tuple):
            self.lines[name] = f"cannot exist: {report.longrepr[2].removeprefix('Skipped: ')}"
        elif report.when == "call":
            cells = [f"{moment}: {result}" for moment, result in report.user_properties]
            self.cells.update(str(result) for _, result in report.user_properties)
            self.lines[name] = " | ".join(cells) if report.passed else "FAILED"

    def show(self) -> None:
        """Print it."""
        for name, line in sorted(self.lines.items()):
            print(f"{name}\n    {line}")
        print(
            f"\n{sum(self.cells.values())} cells: " + ", ".join(f"{n} {what}" for what, n in self.cells.most_common())
        )


def main(arguments: list[str]) -> int:
    """Play and print; answers the exit code."""
    table = Table()
    code = pytest.main([str(MATRIX), "-m", "slow", *arguments], plugins=[table])
    table.show()
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
