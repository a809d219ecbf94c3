"""`test`: policy test cases."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from shared.commands.policy import main
from tests.policies.sample import CASES

Write = Callable[[str, str], str]


def test_cases_that_pass_exit_with_0_and_name_what_none_reaches(
    policy: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["test", policy, write("cases.yaml", CASES)]) == 0
    out = capsys.readouterr().out
    assert "2 cases, 0 failed; rules that no case reaches: hub-reads" in out
    assert "\x1b" not in out


def test_a_case_that_fails_says_what_differed(policy: str, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    cases = write("cases.yaml", CASES.replace("rule: null, check: tenant", "rule: adx-reads, check: evidence.message"))
    assert main(["test", policy, cases]) == 1
    out = capsys.readouterr().out
    assert (
        "line 15: a stranger: rule: expected adx-reads, got none; check: expected evidence.message, got tenant" in out
    )


def test_json_and_junit_tell_the_same(
    policy: str, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = write("cases.yaml", CASES.replace("expect: approved", "expect: denied"))
    assert main(["test", policy, cases, "--format", "json", "--junit", str(tmp_path / "junit.xml")]) == 1
    answer = json.loads(capsys.readouterr().out)
    suite = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314 - written just now
    assert [case["passed"] for case in answer["cases"]] == [False, True]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    (failure,) = suite.iter("failure")
    assert "expected denied, got approved" in failure.get("message", "")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("expect: approved", "expect: aproved", ":14:11: error: [0].expect: unknown value"),
        ("expect: approved", "expect: {rule: a}", ":14:11: error: [0].expect: the key outcome is missing"),
        ("    tenantId: 33", "    tenant: 33", ":5:5: error: [0].request.tenant: unknown key"),
        ("check: tenant", "check: tenants", ":17:"),
        ("a stranger", "the cluster's own request", ":15:9: error: [1].name: another case has this name: line 1"),
        ("requester: adx", "requester: adz", ":8:20: error: [0].request.endpoints[0].requester: unknown requester"),
    ],
)
def test_a_mistake_in_the_cases_is_told_with_its_line_and_exits_with_2(
    old: str, new: str, place: str, policy: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["test", policy, write("cases.yaml", CASES.replace(old, new, 1))]) == 2
    assert place in capsys.readouterr().err


def test_no_cases_are_no_success(policy: str, write: Write) -> None:
    assert main(["test", policy, write("cases.yaml", "[]")]) == 2
