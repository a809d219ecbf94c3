"""Commands under the set-up's lock run one after the other, however the first one ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

IN_TURN = Path(__file__).parents[2] / "scripts" / "in_turn.py"


def started(lock: Path, code: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(IN_TURN), str(lock), sys.executable, "-c", code]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe, stderr=pipe)


@pytest.mark.parametrize("killed", [False, True], ids=["ends", "is killed"])
def test_the_second_command_waits_until_the_first(killed: bool, tmp_path: Path) -> None:
    lock, done = tmp_path / "made" / "lock", tmp_path / "done"
    first = started(lock, f"print('in', flush=True); input(); open({str(done)!r}, 'w').close()")
    assert first.stdout
    assert first.stdout.readline() == "in\n"
    second = started(lock, f"import os; print(os.path.exists({str(done)!r}))")
    assert second.stderr
    assert second.stderr.readline().startswith("waiting")
    assert second.poll() is None
    if killed:
        first.kill()
    first.communicate("\n")
    assert second.communicate(timeout=60)[0] == f"{not killed}\n"
    assert second.returncode == 0


def test_the_exit_status_is_the_commands(tmp_path: Path) -> None:
    failed = started(tmp_path / "lock", "raise SystemExit(7)")
    failed.communicate(timeout=60)
    assert failed.returncode == 7
