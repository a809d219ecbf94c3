"""`make audit` and `make sbom`: what their answers mean, and what a deployment of each Python installs.

The tools themselves are run by `make audit-offline`, which CI runs.
"""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

LOCK = """# This file was made by a tool
azure-functions==1.26.0 ; python_full_version < '3.13' \\
    --hash=sha256:11 \\
    --hash=sha256:12
    # via -r requirements.txt
azure-functions==2.3.0 ; python_full_version >= '3.13' \\
    --hash=sha256:21
pywin32==312 ; sys_platform == 'win32' \\
    --hash=sha256:31
pyyaml==6.0.4 \\
    --hash=sha256:41
"""


@pytest.fixture(scope="module")
def supply_chain() -> ModuleType:
    """The script, which is run as a file and belongs to no package."""
    spec = importlib.util.spec_from_file_location("supply_chain", ROOT / "scripts" / "supply_chain.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(*dependencies: dict[str, Any]) -> str:
    """What pip-audit prints with `--format json`."""
    return json.dumps({"dependencies": list(dependencies), "fixes": []})


SOUND = {"name": "azure-core", "version": "1.41.0", "vulns": []}
UNASKED = {"name": "pyyaml", "skip_reason": "Dependency not found on PyPI and could not be audited: pyyaml (6.0.4)"}
VULNERABLE = {"name": "idna", "version": "3.6", "vulns": [
    {"id": "PYSEC-2024-60", "fix_versions": ["3.7"], "aliases": ["CVE-2024-3651"], "description": "long"}]}  # fmt: skip


@pytest.mark.parametrize(
    ("dependencies", "code"),
    [([SOUND], 0), ([VULNERABLE, SOUND], 1), ([UNASKED, SOUND], 3), ([UNASKED, VULNERABLE], 1), ([], 3)],
    ids=["nothing known", "something known", "not asked", "known, and not asked", "an empty answer"],
)
def test_what_could_not_be_asked_is_another_exit_code_than_what_is_known(
    supply_chain: ModuleType, dependencies: list[dict[str, Any]], code: int
) -> None:
    assert supply_chain.judged(report(*dependencies)).code == code


@pytest.mark.parametrize("text", ["", "Traceback (most recent call last):", "[]", '{"error": "no network"}'])
def test_a_report_that_is_none_says_that_nothing_was_asked(supply_chain: ModuleType, text: str) -> None:
    judged = supply_chain.judged(text)
    assert judged.code == 3
    assert any("could not be asked" in line for line in judged.lines)


def test_a_known_vulnerability_is_told_with_its_remedy(supply_chain: ModuleType) -> None:
    assert supply_chain.judged(report(VULNERABLE)).lines == ("idna 3.6: PYSEC-2024-60 (CVE-2024-3651); mended in 3.7",)


def test_what_was_not_asked_is_named(supply_chain: ModuleType) -> None:
    lines = supply_chain.judged(report(SOUND, UNASKED)).lines
    assert len(lines) == 1
    assert "could not be asked" in lines[0]
    assert "pyyaml" in lines[0]
    assert "azure-core" not in lines[0]


@pytest.mark.parametrize(
    ("codes", "code"), [([0, 0], 0), ([3, 1], 1), ([0, 3], 3), ([1, 3], 1), ([2, 0], 1), ([0, 2, 3], 1)]
)
def test_findings_outweigh_what_could_not_be_asked_and_a_tool_that_failed_is_a_finding(
    supply_chain: ModuleType, codes: list[int], code: int
) -> None:
    assert supply_chain.together(codes) == code


@pytest.mark.parametrize(("python", "version"), [("3.11", "1.26.0"), ("3.12", "1.26.0"), ("3.13", "2.3.0")])
def test_a_deployment_is_one_python_on_linux(supply_chain: ModuleType, python: str, version: str) -> None:
    lines = supply_chain.installed(LOCK, python).splitlines()
    assert [line.split()[0] for line in lines] == [f"azure-functions=={version}", "pyyaml==6.0.4"]
    assert all(re.fullmatch(r"[^;#]+==[^;#]+( --hash=sha256:[0-9]+)+", line) for line in lines)


def test_every_entry_of_the_lock_is_installed_by_some_python(supply_chain: ModuleType) -> None:
    text = (ROOT / "requirements.lock").read_text()
    entries = set(re.findall(r"^[\w.-]+==\S+", text, re.MULTILINE))
    lines = [line for python in supply_chain.PYTHONS for line in supply_chain.installed(text, python).splitlines()]
    assert lines
    assert entries == {line.split()[0] for line in lines}


def test_the_pythons_are_those_that_the_app_supports(supply_chain: ModuleType) -> None:
    others = re.search(r"^OTHERS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert others
    assert list(supply_chain.PYTHONS) == ["3.11", *others[1].split()]


def test_every_reviewed_finding_of_the_secret_scan_is_said_to_be_none() -> None:
    baseline = json.loads((ROOT / ".secrets.baseline").read_text())
    findings = [one for found in baseline["results"].values() for one in found]
    assert [one for one in findings if one.get("is_secret") is not False] == []
    assert len(findings) < 20
    assert [name for name in baseline["results"] if not name.startswith("tests/")] == []


def test_the_secret_scan_asks_nobody_whether_a_secret_is_valid() -> None:
    filters = [one["path"] for one in json.loads((ROOT / ".secrets.baseline").read_text())["filters_used"]]
    assert [path for path in filters if "verification" in path] == []


def test_a_secret_is_told_by_its_place_and_never_itself(supply_chain: ModuleType) -> None:
    found = {"type": "AWS Access Key", "line_number": 7, "hashed_secret": "ab" * 20}
    assert supply_chain.secrets_shown(json.dumps({"results": {"a.py": [found]}})) == ("a.py:7: AWS Access Key",)


@pytest.mark.parametrize("text", ["", "{}", "Traceback"])
def test_a_secret_scan_that_broke_off_reports_no_secrets_of_its_own(supply_chain: ModuleType, text: str) -> None:
    assert supply_chain.secrets_shown(text) == ()
