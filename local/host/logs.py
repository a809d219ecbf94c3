"""The host's log on stderr: `func start`'s lines, timestamped, with the levels of host.json's `logging.logLevel`.

A record of the app belongs to the category `Function.NAME.User` when an invocation is running where it was made. What
libraries say on the host's own thread (polling queues, renewing leases) is shown from warnings on: in Azure it is the
host's, written in another language.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Mapping

from azure_functions_runtime import invocation_id_cv

from local.host.worker import invocation

_HOST = "local.host"
running: dict[str, str] = {}
"""The function's name for each running invocation's id."""


def configure(levels: Mapping[str, int], *, debug: bool = False) -> None:
    """Send every record to stderr; `debug` (PYTHON_ENABLE_DEBUG_LOGGING) lets the app's debug records through."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    handler.addFilter(_Categories(levels, threading.get_ident()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    logging.getLogger("azure.functions").setLevel(logging.WARNING)  # the worker's own system log


class _Categories(logging.Filter):
    """Gives a record its category and drops it when the category's level is higher."""

    def __init__(self, levels: Mapping[str, int], host_thread: int) -> None:
        super().__init__()
        self._levels = {name.lower(): level for name, level in levels.items()}
        self._host_thread = host_thread

    def filter(self, record: logging.LogRecord) -> bool:
        running_id = invocation.get() or invocation_id_cv.get()
        name = running.get(running_id or "")
        record.where = f"[{name} {running_id[:8]}] " if name and running_id else ""
        if record.name.startswith(_HOST):
            category = getattr(record, "category", "Host.General")
        elif record.thread == self._host_thread:
            return record.levelno >= logging.WARNING
        else:
            category = f"Function.{name}.User" if name else "Worker"
        return record.levelno >= self._level(category)

    def _level(self, category: str) -> int:
        parts = category.lower().split(".")
        for length in range(len(parts), 0, -1):
            level = self._levels.get(".".join(parts[:length]))
            if level is not None:
                return level
        return self._levels.get("default", logging.INFO)


class _Line(logging.Formatter):
    """`[2026-11-21T20:57:30.123Z] text`; the level is named from warnings on, the function where one is running."""

    def __init__(self) -> None:
        super().__init__("[%(asctime)s.%(msecs)03dZ] %(where)s%(level)s%(message)s", "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        record.level = f"{record.levelname}: " if record.levelno >= logging.WARNING else ""
        return super().format(record)
