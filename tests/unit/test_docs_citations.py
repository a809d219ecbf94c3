"""Nobody is sent to read what is not in the repository: what a text cites is there, or is public and named."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("shared", "local", "tests", "docs", "bench", "scripts")
TEXTS = (".py", ".md", ".sh", ".yml", ".yaml")
FILES = sorted(
    path
    for place in (*map(ROOT.joinpath, FOLDERS), *ROOT.glob("*.md"), ROOT / "function_app.py")
    for path in (place.rglob("*") if place.is_dir() else [place])
    if path.suffix in TEXTS and "node_modules" not in path.parts and path != Path(__file__)
)
NOT_HERE = re.compile(r"\bINTERFACE\b|\bfacts/|\(facts\b|\bDESIGN\.md|\bSTYLE\.md|\breviews/\w+\.md|\[[R?]\](?!\()")
"""Notes of the people who wrote it, and their marks for how a fact is known."""


def cited(text: str) -> list[str]:
    return NOT_HERE.findall(text)


def test_the_search_finds_what_it_is_for() -> None:
    assert len(cited("(INTERFACE section 5), see facts/event-grid.md, (facts: lower case), a 204 [R].")) == 4
    assert cited("wire facts: a list; types[R_1]; [R](https://example.com)") == []


def test_no_text_cites_what_is_not_in_the_repository() -> None:
    assert len(FILES) > 300
    found = {str(path.relative_to(ROOT)): cited(path.read_text("utf-8")) for path in FILES}
    assert {path: what for path, what in found.items() if what} == {}


def test_every_page_that_the_code_names_is_there() -> None:
    named = {
        (str(path.relative_to(ROOT)), page)
        for path in FILES
        for page in re.findall(r"\bdocs/[\w./-]+\.(?:md|yml)\b", path.read_text("utf-8"))
    }
    assert named
    assert {(path, page) for path, page in named if not (ROOT / page).exists()} == set()


def test_no_text_holds_what_a_merge_left_undecided() -> None:
    marker = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)
    assert [str(path.relative_to(ROOT)) for path in FILES if marker.search(path.read_text("utf-8"))] == []
