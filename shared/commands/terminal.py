"""Text for a terminal: what a requester chose cannot act on it, tables line up. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from shared.policy.language.findings import Finding

_RED, _GREEN, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[0m"


class UnusableError(Exception):
    """A file, or Azure, is not as a command needs it. The lines are printed; `status` is the exit status."""

    def __init__(self, lines: list[str], status: int) -> None:
        super().__init__("\n".join(lines))
        self.status = status

    @classmethod
    def of(cls, file: Path, findings: Iterable[Finding], status: int) -> UnusableError:
        """What is wrong with a file."""
        return cls([f"{file}:{finding}" for finding in findings], status)


def plain(text: object) -> str:
    """The text on one line; whatever a terminal would act on, or that hides, is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as their widest cell; the last one is not padded."""
    cells = [[plain(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)][:-1]
    lines = ("  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]]) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def coloured(text: str, *, good: bool, colour: bool) -> str:
    """The text in green or red where colour is wanted."""
    return f"{_GREEN if good else _RED}{text}{_PLAIN}" if colour else text
