"""The local Functions host as a child process, for tests and stories.

with HostProcess({"AzureWebJobsStorage": "..."}) as host:
requests.post(f"{host.url}/admin/functions/sweep")
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

REPOSITORY = Path(__file__).resolve().parents[2]
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "PYTHONPATH")
_LISTENING = re.compile(r"Now listening on: (http://\S+)")


class HostProcessError(Exception):
    """The host ended or did not do what was waited for; the message ends with its last log lines."""


class HostProcess:
    """A host with exactly the given settings; it ends with the `with` block, and when its parent dies."""

    def __init__(
        self,
        settings: Mapping[str, str],
        *,
        root: Path = REPOSITORY,
        port: int = 0,
        time_scale: float = 1.0,
        arguments: Sequence[str] = (),
    ) -> None:
        """`port` 0 takes a free one; `arguments` are further ones of `python -m local host`."""
        self._environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | dict(settings)
        self._command = [
            *(sys.executable, "-m", "local", "host", "--environment-only", "--lifeline"),
            *("--root", str(root), "--port", str(port), "--time-scale", str(time_scale), *arguments),
        ]
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self._child: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> HostProcess:
        """Start the host and wait until it is ready; raises HostProcessError."""
        self._child = subprocess.Popen(
            self._command,
            cwd=REPOSITORY,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        threading.Thread(target=self._read, args=(self._child,), daemon=True).start()
        try:
            self.wait_for_log("Host started", seconds=60)
        except BaseException:
            self.kill()
            raise
        listening = _LISTENING.search(self.log())
        self.url = listening[1] if listening else ""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the host; kill it if it does not stop."""
        self.stop()

    def log(self) -> str:
        """All that the host has written so far."""
        with self._news:
            return "\n".join(self._lines)

    def wait_for_log(self, pattern: str, *, count: int = 1, seconds: float = 30) -> str:
        """Wait until so many lines match a regular expression; answers the log.

        Raises:
            HostProcessError: the host ended before, or the time is over.
        """
        wanted = re.compile(pattern)
        deadline = time.monotonic() + seconds
        with self._news:
            while sum(1 for line in self._lines if wanted.search(line)) < count:
                if self._ended:
                    raise HostProcessError(f"the host ended before it logged {pattern!r}\n{self._last_lines()}")
                if not self._news.wait(deadline - time.monotonic()):
                    raise HostProcessError(f"no log line {pattern!r} in {seconds:g} s\n{self._last_lines()}")
            return "\n".join(self._lines)

    def stop(self, seconds: float = 20) -> int:
        """End the host as SIGTERM does, kill it after so many seconds; answers its exit code."""
        if self._child is None:
            return 0
        self._child.terminate()
        try:
            code = self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            return self.kill()
        self._close()
        return code

    def kill(self) -> int:
        """End the host at once (SIGKILL): messages that it took stay invisible. Answers its exit code."""
        if self._child is None:
            return 0
        self._child.kill()
        code = self._child.wait()
        self._close()
        return code

    def _close(self) -> None:
        if self._child is not None and self._child.stdin is not None:
            self._child.stdin.close()

    def _read(self, child: subprocess.Popen[str]) -> None:
        assert child.stderr is not None  # noqa: S101 - opened above as a pipe
        with child.stderr:
            for line in child.stderr:
                with self._news:
                    self._lines.append(line.rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _last_lines(self) -> str:
        return "\n".join(self._lines[-40:])
