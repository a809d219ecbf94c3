"""YAML as a tree: what is accepted, with libyaml and with PyYAML's own parser alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.policy.language.findings import Report
from shared.policy.language.yaml_nodes import LIBYAML, Mapping, Node, Scalar, Sequence, parse
from tests.policies.corpus import BAD, GOOD, stem

LOADERS = {"libyaml": LIBYAML, "python": yaml.SafeLoader}


def tree(text: str, loader: Any = LIBYAML) -> tuple[Node | None, list[str]]:
    report = Report()
    return parse(text, report, loader), [str(finding) for finding in report.findings]


def test_libyaml_is_there() -> None:
    assert LIBYAML is not yaml.SafeLoader, "PyYAML without libyaml reads a large policy ten times slower"


@pytest.mark.parametrize("path", [*GOOD, *BAD], ids=stem)
def test_both_parsers_read_the_same(path: Path) -> None:
    libyaml, python = (tree(path.read_text(), loader) for loader in LOADERS.values())
    if path.stem == "json":  # indented with tabs, which only libyaml accepts
        return
    assert (libyaml[0] is None) is (python[0] is None)
    if libyaml[0] is not None:
        assert libyaml == python


@pytest.mark.parametrize("loader", LOADERS.values(), ids=LOADERS.keys())
@pytest.mark.parametrize(
    "text",
    ['"\\U99999999"', "%YAML " + "9" * 10_000 + ".1\n--- a", "%TAG ! tag:x,2000:\n--- !a b", "[" * 5000, "a: " * 5000,
     "? " * 5000, "- " * 5000, "'" * 5001, "&" * 100, "a\n\tb: c", "\x85", "\u2028", "--- |\n  x\n...\n--- y", "!<> a"],
    ids=range(14),
)  # fmt: skip
def test_what_no_parser_can_read_is_a_finding(text: str, loader: Any) -> None:
    _, findings = tree(text, loader)
    assert findings or text in ("\x85", "\u2028", "'" * 5001)


@pytest.mark.parametrize("loader", LOADERS.values(), ids=LOADERS.keys())
@pytest.mark.parametrize(
    "text", ["[" * 1500, "{a: " * 1500, "[{a: " * 800, "x: 1\ny: " + "[" * 1500, "[" * 25 + "]" * 25], ids=range(5)
)
def test_deep_nesting_is_refused_in_this_module_s_own_words(text: str, loader: Any) -> None:
    """Newer parsers refuse it themselves, before they tell of any bracket."""
    _, (finding,) = tree(text, loader)
    line = 2 if text.startswith("x") else 1
    assert finding.startswith(f"{line}:")
    assert finding.endswith("nested deeper than 20 levels")


def test_brackets_in_a_text_are_no_nesting() -> None:
    assert tree("a: '" + "[" * 1500 + "'") == tree("a: '" + "[" * 1500 + "'", yaml.SafeLoader)
    assert tree("a: '" + "[" * 1500 + "'")[1] == []


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\r"])
@pytest.mark.parametrize("text", ["# ticket 4711{}- a\n", "a: 'b{}c'\n", "a: b{}"])
def test_a_line_ends_with_lf_or_cr_lf_and_with_nothing_else(text: str, end: str) -> None:
    _, (finding,) = tree(text.replace("{}", end))
    assert f"the character U+{ord(end):04X} is not allowed" in finding
    assert tree("a: b\r\nc: d\r\n")[1] == []


@pytest.mark.parametrize(
    ("text", "tag"),
    [("a", "str"), ("'1'", "str"), ("1", "int"), ("0o7", "str"), ("010", "int"), ("1:30", "int"), ("1.0", "float"),
     ("yes", "bool"), ("Off", "bool"), ("~", "null"), ("", "null"), ("2027-06-30", "timestamp"), ("<<", "merge"),
     ("=", "value"), ("|\n  1", "str")],
)  # fmt: skip
def test_a_scalar_knows_what_yaml_1_1_makes_of_it(text: str, tag: str) -> None:
    root, findings = tree(f"- {text}\n")
    assert findings == []
    assert isinstance(root, Sequence)
    (item,) = root.items
    assert isinstance(item, Scalar)
    assert item.tag == tag


def test_every_node_knows_its_place_and_path() -> None:
    root, _ = tree("a:\n  - b: [1, 'x']\n    'odd key': {c: d}\n")
    assert isinstance(root, Mapping)
    outer = root.entries["a"]
    assert isinstance(outer, Sequence)
    (inner,) = outer.items
    assert isinstance(inner, Mapping)
    places = {node.path: (node.line, node.column) for node in inner.entries.values()}
    assert places == {"a[0].b": (2, 8), "a[0]['odd key']": (3, 16)}
    assert (inner.keys["b"].path, inner.keys["b"].line, inner.keys["b"].column) == ("a[0].b", 2, 5)


def test_a_long_key_does_not_make_long_paths() -> None:
    root, _ = tree(f"? {'k' * 1000}\n: [a, b]\n")
    assert isinstance(root, Mapping)
    (value,) = root.entries.values()
    assert len(value.path) < 100
