"""A story that does not go as it should is told as such."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stories.expect import StoryError, eventually, expect
from local.stories.screen import Screen

ROOT = Path(__file__).parents[2]


def test_an_expectation_that_holds_says_nothing() -> None:
    expect([1], "never said")


def test_an_expectation_that_does_not_hold_says_what_was_found() -> None:
    with pytest.raises(StoryError, match="it is Pending"):
        expect([], "it is Pending")


def test_what_comes_true_later_is_waited_for() -> None:
    looks: Iterator[bool] = iter([False, False, True])

    def look() -> str:
        expect(next(looks), "not yet")
        return "found"

    assert eventually(look, seconds=30, pause=0) == "found"


def test_what_never_comes_true_fails_with_the_last_finding() -> None:
    states = iter(["Creating", "Pending"])

    def look() -> None:
        expect(False, f"it is {next(states)}")

    with pytest.raises(StoryError, match=r"it is Creating \(after 0 s\)"):
        eventually(look, seconds=0)


def test_a_step_that_fails_is_shown_as_failed_and_ends_the_story(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StoryError), Screen().step("the moon is approved"):
        expect(False, "it is Pending")
    assert "✗ the moon is approved" in capsys.readouterr().out


def test_the_demo_takes_no_arguments() -> None:
    command = [sys.executable, "-m", "local", "demo", "now"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
