"""docs/architecture.md: its table of files and names, and its table of rooms, are those of the code."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text("utf-8")
ANSWERS = re.findall(r"^\| ([^|]+\?) \| `([^`]+\.py)` \| `([^`]+)` \|$", TEXT, re.MULTILINE)
ROOMS = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| [^|]+ \| [^|]*\|$", TEXT, re.MULTILINE)


def names(body: list[ast.stmt], prefix: str = "") -> set[str]:
    """Every name that a module or a class gives to a function, a class or a value: `Class.method`."""
    found: set[str] = set()
    for node in body:
        match node:
            case ast.FunctionDef(name=name):
                found.add(prefix + name)
            case ast.ClassDef(name=name, body=inner):
                found |= {prefix + name} | names(inner, f"{prefix}{name}.")
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found.add(prefix + name)
    return found


def test_at_least_twenty_questions_are_answered_and_every_line_of_the_table_is_one() -> None:
    lines = TEXT.partition("## Where do I find")[2].partition("\n## ")[0].splitlines()
    assert len(ANSWERS) == len([line for line in lines if line.startswith("| ")]) - 2  # its head and the line below
    assert len(ANSWERS) >= 20


@pytest.mark.parametrize(("question", "file", "name"), ANSWERS, ids=[question for question, _, _ in ANSWERS])
def test_an_answer_names_a_file_and_something_in_it(question: str, file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    assert name in names(tree.body), question


def test_the_rooms_are_the_layers_that_import_linter_holds() -> None:
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in configured if contract["type"] == "layers"]
    there = {path.stem for path in (ROOT / "shared").iterdir()}
    rows = [{name for name in re.findall(r"\w+", layer) if name in there} for layer in layers]
    assert [set(re.findall(r"\w+", row)) for row in ROOMS] == [row for row in rows if row]


def test_it_is_short_enough_to_be_read() -> None:
    assert len(TEXT.splitlines()) <= 200
