"""The table of what came of every case."""

from __future__ import annotations

from shared.commands.terminal import table
from tests.tamper.kinds import KINDS, Kind
from tests.tamper.tamperings import TAMPERINGS


class Told:
    """Collects cells; a cell is what became of one kind of row under one tampering."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._cells: dict[tuple[str, str], str] = {}

    def add(self, kind: Kind, tampering: str, what: str) -> None:
        self._cells[str(kind), tampering] = what

    def __str__(self) -> str:
        rows = [[str(kind), *(self._cells.get((str(kind), name), "") for name in TAMPERINGS)] for kind in KINDS]
        shown = [row for row in rows if any(row[1:])]
        return f"{self.title}\n{table(['row', *TAMPERINGS], shown)}"
