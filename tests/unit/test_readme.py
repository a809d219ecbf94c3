"""What the documents name is there: commands, files, settings, and policies that are valid."""

from __future__ import annotations

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from local.__main__ import PROGRAMS
from shared.policy.language.check import check
from shared.settings import read_settings, sweep_schedule

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
OF_THE_PLATFORM = {"IDENTITY_ENDPOINT", "WEBSITE_AUTH_ENABLED"}

DEPLOYED = {"function_app.py", "host.json", "shared", "policy.yaml", "policy.schema.json", "requirements.txt",
            "requirements.lock", "LICENSE", ".funcignore"}  # fmt: skip

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


@each_document
def test_every_make_command_that_a_document_names_exists(document: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    named = re.findall(r"(?:`|^)make ([a-z-]+)", document.read_text("utf-8"), re.MULTILINE)
    assert set(named) <= set(targets)


@each_document
def test_every_file_that_a_document_links_to_exists(document: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", document.read_text("utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@each_document
def test_every_local_program_that_a_document_names_exists(document: Path) -> None:
    named = re.findall(r"python -m local ([a-z]+)", document.read_text("utf-8"))
    assert set(named) <= set(PROGRAMS)


def test_the_policies_in_the_readme_are_valid_without_a_warning() -> None:
    policies = re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert policies
    assert [finding for policy in policies for finding in check(policy)] == []


def test_the_readme_names_every_setting_that_the_app_reads() -> None:
    asked: set[str] = set()

    class Recording(dict[str, str]):
        def get(self, key: str, default: Any = None) -> Any:
            asked.add(key)
            return super().get(key, default)

    sweep_schedule(Recording())
    read_settings(Recording(AzureWebJobsStorage__accountName="sample"))
    short = {name.removeprefix("AzureWebJobsStorage") or name for name in asked - OF_THE_PLATFORM}
    assert [name for name in sorted(short) if f"`{name}`" not in README and f"Storage{name}`" not in README] == []


def test_the_readme_shows_every_make_command_that_make_help_shows() -> None:
    shown = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert [name for name in shown if f"make {name}" not in README and name not in ("help", "clean")] == []


def test_the_readme_links_the_licence_and_where_to_report_a_vulnerability() -> None:
    links = re.findall(r"\]\(([^)#\s]+)\)", README)
    assert {"LICENSE", "SECURITY.md"} <= set(links)
    assert (
        (ROOT / "LICENSE")
        .read_text()
        .startswith("MIT License\n\nCopyright (c) 2026 Private Endpoint Approver contributors")
    )


def test_nothing_but_what_the_app_needs_is_deployed() -> None:
    ignored = {line.rstrip("/") for line in (ROOT / ".funcignore").read_text().splitlines()}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    top = {name.partition("/")[0] for name in tracked.splitlines()}
    deployed = {name for name in top if not any(fnmatch(name, pattern) for pattern in ignored)}
    assert deployed <= DEPLOYED
