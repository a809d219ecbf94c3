"""What the documents point at is there: relative links, their anchors, paths, files by name, modules."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
PLACES = ("shared", "local", "tests", "docs", "bench", "scripts", "infra", ".ci")
PATH = re.compile(rf"(?:{'|'.join(map(re.escape, PLACES))})/[\w./-]*")
FILE = re.compile(r"[\w-][\w.-]*\.(?:py|md|sh|ya?ml|json|toml|lock|txt|bicep)")
MODULE = re.compile(r"(?:shared|local|bench|tests)(?:\.[a-z_]\w*)+")
THE_READERS = {"local.settings.json", "challenge.txt", "sbom.cdx.json"}
"""Files that the reader makes, or that a command writes."""

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def prose(text: str) -> str:
    """The text without its blocks of code."""
    return FENCE.sub("", text)


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a text: the second of two that are alike ends with `-1`."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", prose(text), re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", LINK.sub(lambda link: link.group(0)[1:].partition("]")[0], heading).lower())
        slug = words.replace(" ", "-")
        number = next(n for n in range(100) if (slug if n == 0 else f"{slug}-{n}") not in found)
        found.add(slug if number == 0 else f"{slug}-{number}")
    return found


def broken(document: Path, text: str) -> list[str]:
    """The relative links of a document that lead nowhere."""
    lost = []
    for link in LINK.findall(prose(text)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        there = target.exists() and (not anchor or anchor in anchors(target.read_text("utf-8")))
        lost += [] if there else [link]
    return lost


def named(pattern: re.Pattern[str], text: str) -> set[str]:
    """What stands in code quotes and has a form, as a whole."""
    return {code for code in CODE.findall(prose(text)) if pattern.fullmatch(code)}


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    above = path.parent.with_suffix(".py")
    defined = above.exists() and re.search(rf"^(?:def |class )?{path.name}\b", above.read_text("utf-8"), re.MULTILINE)
    return path.is_dir() or path.with_suffix(".py").exists() or bool(defined)


@pytest.fixture(scope="module")
def files() -> set[str]:
    """The names of all files of the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return {Path(line).name for line in listed.splitlines()}


def test_a_link_is_found_broken_by_its_file_and_by_its_anchor(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n## It's `one`, two\n## A [page](page.md)\n")
    assert anchors(page.read_text()) == {"a-page", "its-one-two", "a-page-1"}
    links = "[a](page.md) [b](page.md#a-page-1) [c](page.md#b) [d](#e) [f](none.md) [g](https://h.example/#i)"
    assert broken(tmp_path / "other.md", links.replace("[d](#e) ", "")) == ["page.md#b", "none.md"]
    assert broken(page, "[d](#e) [a](#a-page)") == ["#e"]


@each_document
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    assert broken(document, document.read_text("utf-8")) == []


@each_document
def test_every_path_that_is_named_is_there(document: Path) -> None:
    paths = named(PATH, document.read_text("utf-8"))
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


@each_document
def test_every_file_that_is_named_is_somewhere(document: Path, files: Iterable[str]) -> None:
    text = document.read_text("utf-8")
    examples = set(re.findall(r"^```\w+ ([\w-]+\.\w+)$", text, re.MULTILINE))  # the document itself shows them
    assert named(FILE, text) - set(files) - examples - THE_READERS == set()


@each_document
def test_every_module_that_is_named_can_be_imported(document: Path) -> None:
    text = document.read_text("utf-8")
    modules = (named(MODULE, text) - named(FILE, text)) | set(
        re.findall(r"python -m ((?:shared|local|bench)[\w.]*)", text)
    )
    assert [name for name in sorted(modules) if not is_module(name)] == []
