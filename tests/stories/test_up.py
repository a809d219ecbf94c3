"""`make up`: what it prints can be pasted into a shell, and works."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 60

pytestmark = pytest.mark.slow


class Up:
    """A running `python -m local up`, with what it has said so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        Thread(target=self._read, daemon=True).start()

    def wait_for(self, text: str) -> None:
        until(lambda: text in self.said, f"it did not say {text!r}: {self.said}")

    @property
    def said(self) -> str:
        return "".join(self.lines)

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))


def until(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "local", "up", "--port", str(port), "--policy", str(tmp_path / "policy.yaml")]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        try:
            yield Up(process)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the printed lines are for curl")
def test_the_printed_lines_make_a_request_that_is_approved(up: Up) -> None:
    up.wait_for("Host started")
    exports = "\n".join(re.findall(r"^  (export .*)$", up.said, re.MULTILINE))
    asked, shown, decided, swept, alerts = re.findall(r"^  (curl (?:.*\\\n)*.*)$", up.said, re.MULTILINE)

    def pasted(line: str) -> str:
        command = ["bash", "-euc", f"{exports}\n{line.replace('curl', 'curl --silent --show-error --fail', 1)}"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert json.loads(pasted(asked))["properties"]["provisioningState"] == "Creating"
    until(lambda: '"status":"Approved"' in pasted(shown).replace(" ", ""), "the request was not approved")
    assert [result["outcome"] for result in json.loads(pasted(decided))["results"]] == ["unchanged"]
    assert pasted(swept) == ""
    assert json.loads(pasted(alerts)) == []


def test_ctrl_c_ends_everything(up: Up) -> None:
    up.wait_for("Host started")
    os.killpg(up.process.pid, signal.SIGINT)
    assert up.process.wait(SECONDS) == 0
    until(lambda: not alive(up.process.pid), "a child outlived it")


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
