"""The workflow for pull requests: its commands are run as they stand, with the base's code and the change's data."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "policy-pull-request.yml").read_text()
WORKFLOW: dict[str, Any] = yaml.safe_load(TEXT)
STEPS: list[dict[str, Any]] = WORKFLOW["jobs"]["policy"]["steps"]
POLICY, CASES = "policy.yaml", "tests/policies/policy.cases.yaml"
EVIL = "import os; print('the checker of the pull request'); os._exit(0)"


@dataclass
class Workspace:
    """A runner's workspace after both checkouts."""

    folder: Path

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a step as the runner does."""
        (step,) = [one for one in STEPS if one.get("name") == name]
        environment = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "HOME": str(self.folder)}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        folder = self.folder / step.get("working-directory", ".")
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    def change(self, path: str, before: str, after: str) -> None:
        """Change a file in the pull request."""
        file = self.folder / "change" / path
        assert before in file.read_text()
        file.write_text(file.read_text().replace(before, after))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    for name in ("base", "change"):
        (tmp_path / name / "tests" / "policies").mkdir(parents=True)
        shutil.copytree(ROOT / "shared", tmp_path / name / "shared", ignore=shutil.ignore_patterns("__pycache__"))
        for path in (POLICY, CASES, "requirements.lock"):
            shutil.copy(ROOT / path, tmp_path / name / path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tmp_path / "bin" / "python").chmod(0o755)
    return Workspace(tmp_path)


def test_an_unchanged_policy_passes_every_step(workspace: Workspace) -> None:
    (workspace.folder / "base" / "connections.jsonl").write_text("")
    for name in ("Check", "Test", "What would be decided differently"):
        done = workspace.run(name)
        assert done.returncode == 0, (name, done.stdout, done.stderr)
    assert (workspace.folder / "policy-cases.xml").exists()


def test_a_policy_that_is_not_valid_fails(workspace: Workspace) -> None:
    workspace.change(POLICY, "version: 1", "version: 2")
    assert workspace.run("Check").returncode != 0


def test_a_case_that_fails_fails_the_run(workspace: Workspace) -> None:
    workspace.change(CASES, "outcome: approved", "outcome: rejected")
    assert workspace.run("Test").returncode != 0


@pytest.mark.parametrize("module", ["shared/policy/__main__.py", "shared/__init__.py", "yaml.py", "sitecustomize.py"])
def test_code_of_the_pull_request_is_never_run(workspace: Workspace, module: str) -> None:
    (workspace.folder / "change" / module).write_text(EVIL)
    workspace.change(POLICY, "version: 1", "version: 2")
    for name in ("Check", "Test"):
        done = workspace.run(name)
        assert done.returncode != 0
        assert "the checker of the pull request" not in done.stdout + done.stderr


def test_what_would_be_decided_differently_is_shown_about_the_connections_of_the_base(workspace: Workspace) -> None:
    (workspace.folder / "base" / "connections.jsonl").write_text("no request")
    (workspace.folder / "change" / "connections.jsonl").write_text("")
    assert workspace.run("What would be decided differently").returncode != 0


def test_the_dependency_is_installed_as_the_base_has_locked_it(workspace: Workspace) -> None:
    recorded = workspace.folder / "asked.txt"
    (workspace.folder / "bin" / "python").write_text(f'#!/bin/sh\necho "$@" > "{recorded}"\ncat >> "{recorded}"\n')
    (workspace.folder / "change" / "requirements.lock").write_text("evil==1\n")

    assert workspace.run("Install the policy's only dependency").returncode == 0

    arguments, entry, *hashes = recorded.read_text().splitlines()
    assert arguments == "-m pip install --require-hashes --no-deps --requirement /dev/stdin"
    assert Requirement(entry.rstrip("\\ ")).name == "pyyaml"
    assert hashes
    assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in hashes)


def test_every_action_is_pinned_by_its_commit() -> None:
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert used
    assert [one for one in used if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", one)] == []
    assert len(re.findall(r"uses: \S+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", TEXT, re.MULTILINE)) == len(used)


def test_the_base_and_the_change_are_checked_out_beside_each_other_without_credentials() -> None:
    checkouts = [step["with"] for step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert [(one["path"], one.get("ref")) for one in checkouts] == [
        ("base", "${{ github.event.pull_request.base.sha }}"),
        ("change", None),
    ]
    assert [one["persist-credentials"] for one in checkouts] == [False, False]
    assert WORKFLOW["permissions"] == {"contents": "read"}


def test_no_step_puts_what_a_pull_request_says_into_a_shell() -> None:
    assert [step["run"] for step in STEPS if "${{" in step.get("run", "")] == []
