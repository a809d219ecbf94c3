"""What the demo shows: one line a step, a spinner on a terminal while it lasts, a table of decisions at the end."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text

from local.stories.expect import StoryError

_PLAIN_WIDTH = 120


class Screen:
    """Writes to standard output; plain lines where that is no terminal."""

    def __init__(self) -> None:
        console = Console(highlight=False)
        self._console = console if console.is_terminal else Console(highlight=False, width=_PLAIN_WIDTH)

    def say(self, text: str, style: str = "") -> None:
        """A line."""
        self._console.print(Text(text, style), soft_wrap=True)

    def heading(self, text: str) -> None:
        """The beginning of a story."""
        self.say(f"\n{text}", "bold")

    @contextmanager
    def step(self, sentence: str) -> Iterator[None]:
        """What is being done or awaited; shown with its duration when it has come true."""
        began = time.monotonic()
        try:
            with self._console.status(Text(sentence)):
                yield
        except StoryError:
            self._console.print(Text.assemble(("  ✗ ", "bold red"), sentence))
            raise
        taken = f"  {time.monotonic() - began:.1f} s"
        self._console.print(Text.assemble(("  ✓ ", "green"), sentence, (taken, "dim")))

    def table(self, title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
        """A table of texts."""
        table = Table(title=title, title_justify="left", title_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self._console.print()
        self._console.print(table)
