"""The command line: what it prints, and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from shared.commands.policy import main
from tests.policies.corpus import FOLDER, STARTER
from tests.policies.sample import CASES

Write = Callable[[str, str], str]


def test_a_valid_policy_exits_with_0(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", policy, "--strict"]) == 0
    assert capsys.readouterr().out == f"{policy}: 0 errors, 0 warnings\n"


def test_every_error_is_a_line_that_editors_can_jump_to(capsys: pytest.CaptureFixture[str]) -> None:
    path = FOLDER / "bad" / "two-mistakes.yaml"
    assert main(["check", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" ")[0] for line in lines[:3]] == [f"{path}:{n}:" for n in ("6:14", "16:14", "19:18")]


def test_warnings_fail_only_when_strict(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(FOLDER / "warn" / "requester-unused.yaml")
    assert main(["check", path]) == 0
    assert main(["check", path, "--strict"]) == 1
    assert "no rule uses the requester spare" in capsys.readouterr().out


def test_json_holds_the_findings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(FOLDER / "bad" / "mode-unknown.yaml"), "--format", "json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["valid"] is False
    (finding,) = answer["findings"]
    assert (finding["line"], finding["path"], finding["allowed"]) == (2, "mode", ["audit", "enforce"])


def test_a_message_is_random_one_word_and_short_enough(capsys: pytest.CaptureFixture[str]) -> None:
    messages = set()
    for _ in range(100):
        assert main(["message"]) == 0
        messages.add(capsys.readouterr().out.removesuffix("\n"))
    assert len(messages) == 100
    assert all(22 <= len(message) <= 140 and len(message.split()) == 1 for message in messages)


@pytest.mark.parametrize(
    "arguments",
    [["check", "nowhere.yaml"], ["explain", str(STARTER), "--request", "nowhere.json"],
     ["test", str(STARTER), "nowhere.yaml"], ["simulate", str(STARTER), "--connections", "nowhere.jsonl"]],
)  # fmt: skip
def test_a_file_that_is_not_there_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("nowhere.")


@pytest.mark.parametrize(
    "arguments", [[], ["explain"], ["check"], ["no-such-command"], ["check", "a", "--format", "xml"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(arguments)
    assert exited.value.code == 2


@pytest.mark.parametrize("command", ["check", "explain", "test", "simulate", "export", "message", "schema"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main([command, "--help"])
    assert exited.value.code == 0
    assert f"python -m shared.policy {command}" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["explain", "test", "simulate"])
def test_an_invalid_policy_is_told_and_exits_with_1(
    command: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = str(FOLDER / "bad" / "mode-unknown.yaml")
    more = {"explain": ["--request", write("r.json", "{}")], "test": [write("c.yaml", CASES)],
            "simulate": ["--connections", write("c.jsonl", "")]}  # fmt: skip
    assert main([command, bad, *more[command]]) == 1
    assert capsys.readouterr().err.startswith(f"{bad}:2:7: error: mode")


def test_it_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "shared.policy", "check", str(STARTER)], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_whoever_reads_the_output_may_stop_reading() -> None:
    command = [sys.executable, "-m", "shared.policy", "schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert (running.stderr.read(), running.wait()) == (b"", 0)


def test_without_the_environment_it_says_how_to_run_it() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "shared.policy", "check", str(STARTER)], capture_output=True, check=False
    )
    assert done.returncode == 1
    assert b"make setup" in done.stderr
    assert b"Traceback" not in done.stderr
