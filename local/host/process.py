"""The local Functions host as a child process, for tests and stories: `with HostProcess(settings) as host: ...host.url`."""

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
        self._reader: threading.Thread | None = None
        self.url = ""

    def __enter__(self) -> HostProcess:
        """Start the host and wait until it is ready; raises HostProcessError."""
        self._child = subprocess.Popen(
            self._command,
            cwd=REPOSITORY,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,  # what the app prints
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, args=(self._child,), daemon=True)
        self._reader.start()
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

    @property
    def process_id(self) -> int:
        """The operating system's id of the started host."""
        return self._started.pid

    def stop(self) -> int:
        """End the host as SIGTERM does and wait; answers its exit code."""
        self._started.terminate()
        return self.wait()

    def kill(self) -> int:
        """End the host at once (SIGKILL): messages that it took stay invisible. Answers its exit code."""
        self._started.kill()
        return self.wait()

    def wait(self, seconds: float = 20) -> int:
        """Wait for the host's end, kill it after so many seconds; answers its exit code."""
        child = self._started
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
        if child.stdin is not None:
            child.stdin.close()
        if self._reader is not None:
            self._reader.join()
        return child.wait()

    @property
    def _started(self) -> subprocess.Popen[str]:
        if self._child is None:
            raise HostProcessError("the host was not started: use it in a with statement")
        return self._child

    def _read(self, child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None  # noqa: S101 - opened above as a pipe
        with child.stdout:
            for line in child.stdout:
                with self._news:
                    self._lines.append(line.rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _last_lines(self) -> str:
        return "\n".join(self._lines[-40:])
