"""docs/policy.md: every example is run, every key is explained."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.commands.policy import main
from shared.policy.language.check import check
from shared.policy.language.schema import POLICY
from tests.policies.corpus import FOLDER

ROOT = FOLDER.parent.parent
TEXT = (ROOT / "docs" / "policy.md").read_text()
FENCE = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = {name: body for _, name, body in FENCE.findall(TEXT) if name}
POLICIES = sorted(name for name in FILES if re.fullmatch(r"[\w-]+\.yaml", name) and name != "broken.yaml")
CONSOLE = [body for language, _, body in FENCE.findall(TEXT) if language == "console"]
PATH = f"import sys; sys.path += [{str(ROOT)!r}, {str(Path(yaml.__file__).parent.parent)!r}]"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, body in FILES.items():
        (tmp_path / name).write_text(body)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def schema_keys(schema: dict[str, Any]) -> Iterator[str]:
    yield from schema.get("properties", {})
    for child in schema.values():
        for part in child if isinstance(child, list) else [child, *child.values()] if isinstance(child, dict) else []:
            if isinstance(part, dict):
                yield from schema_keys(part)


def test_every_example_is_named_so_that_it_can_be_run() -> None:
    assert all(name for language, name, _ in FENCE.findall(TEXT) if language != "console")


@pytest.mark.parametrize("name", POLICIES)
def test_an_example_is_valid_and_warns_of_nothing_it_does_not_mention(name: str) -> None:
    assert [str(finding) for finding in check(FILES[name])] == []


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("session", CONSOLE, ids=range(len(CONSOLE)))
def test_a_session_on_the_console_goes_as_shown(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    command, _, shown = session.partition("\n")
    main(shlex.split(command.removeprefix("$ python -m shared.policy ")))
    printed = capsys.readouterr().out
    assert shown in ("...\n", printed)


def test_every_key_of_the_schema_is_explained() -> None:
    assert [key for key in schema_keys(POLICY.schema()) if f"`{key}`" not in TEXT] == []


def test_the_commands_need_no_dependency_but_pyyaml() -> None:
    modules = "shared.policy.__main__, shared.commands.cases, shared.commands.simulate, shared.policy.language.lint"
    code = f"import sys, {modules}; print(*(m.partition('.')[0] for m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"{PATH}; {code}"], capture_output=True, text=True, check=True
    )
    others = set(done.stdout.split()) - sys.stdlib_module_names - {"shared", "yaml", "_yaml", "__main__"}
    assert {name for name in others if "cython" not in name} == set()  # libyaml's binding brings Cython's own modules
