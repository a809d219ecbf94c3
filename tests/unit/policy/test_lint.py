"""Warnings: exactly where they belong, and nowhere else."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from shared.policy.language.check import check
from tests.policies.corpus import FOLDER, WARN, expected, stem, unmet

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize("path", WARN, ids=stem)
def test_a_policy_is_warned_about_in_the_right_lines_only(path: Path) -> None:
    findings = check(path.read_bytes(), TODAY)
    assert {f.level for f in findings} <= {"warning"}
    assert unmet(findings, expected(path, "warn")) == []


def test_without_a_day_no_rule_has_expired() -> None:
    assert check((FOLDER / "warn" / "rule-expired.yaml").read_bytes()) == []


def test_an_invalid_policy_is_not_warned_about() -> None:
    text = (FOLDER / "warn" / "requester-unused.yaml").read_text().replace("version: 1", "version: 2")
    assert [f.level for f in check(text, TODAY)] == ["error"]
