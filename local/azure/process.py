"""The local Azure as a child process, for tests and the demo; and how a child ends with its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from local.azure.client import LocalClient

_PR_SET_PDEATHSIG = 1
_START_SECONDS = 60
_STOP_SECONDS = 10
_ROOT = Path(__file__).parents[2]
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def end_with_parent() -> None:
    """Ask Linux to send this process SIGTERM when its parent ends, however it ends. Does nothing elsewhere."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


class AzureProcess:
    """`with AzureProcess(time_scale=0.01) as azure:` runs `python -m local azure` until the block ends.

    `settings` is what the child printed; `client` talks to it; the child and its Azurite end with the block and with this
    process.
    """

    def __init__(
        self,
        *,
        time_scale: float = 0.01,
        port: int = 0,
        webhook: str | None = None,
        home_tenant: str = "",
        state: str = "",
        azurite: bool = True,
    ) -> None:
        self._arguments = ["--time-scale", str(time_scale), "--port", str(port), "--end-with-parent"]
        if webhook is not None:
            self._arguments += ["--webhook", webhook]
        if home_tenant:
            self._arguments += ["--home-tenant", home_tenant]
        if state:
            self._arguments += ["--state", state]
        if not azurite:
            self._arguments.append("--no-azurite")
        self._process: subprocess.Popen[str] | None = None
        self._said: deque[str] = deque(maxlen=500)
        self._ready = threading.Event()
        self._reader: threading.Thread | None = None
        self.settings: dict[str, str] = {}

    @property
    def url(self) -> str:
        """ARM's address."""
        return self.settings["ARM_ENDPOINT"]

    @property
    def client(self) -> LocalClient:
        """A client for ARM calls of any tenant and for the control interface."""
        return LocalClient(self.settings)

    def start(self) -> Self:
        """Start the child and wait until it is ready.

        Raises:
            RuntimeError: it has ended or is not ready in time; with what it said.
        """
        command = [sys.executable, "-m", "local", "azure", *self._arguments]
        self._process = subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()
        if not self._ready.wait(_START_SECONDS) or "ARM_ENDPOINT" not in self.settings:
            self.stop()
            raise RuntimeError(f"the local Azure did not start:\n{self.log()}")
        return self

    def stop(self) -> None:
        """End the child and its Azurite; harmless when it has ended."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._reader is not None:
            self._reader.join(_STOP_SECONDS)

    def kill(self) -> None:
        """End the child as a crash would (SIGKILL); its Azurite ends by itself."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def log(self) -> str:
        """What the child has said beside the settings, at most its last 500 lines."""
        return "".join(self._said)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _read(self, lines: IO[str]) -> None:
        """Settings come first, then "ready" (both through one pipe, so in this order), then only log lines."""
        with lines:
            for line in lines:
                name, separator, value = line.rstrip("\n").partition("=")
                if not self._ready.is_set() and separator and name.isidentifier():
                    self.settings[name] = value
                else:
                    self._said.append(line)
                if line.strip() == "ready":
                    self._ready.set()
        self._ready.set()  # it has ended: nobody should wait for more
