"""YAML text as a tree of nodes that know their place. Decides what YAML is accepted, not what it means. Pure.

Refused: more than 4 MB, text that is not UTF-8, characters that cannot be seen, anchors and aliases, tags, duplicate keys,
keys that are not text, more than one document, nesting beyond any policy, line breaks other than LF and CR LF. Built from
parser events, without recursion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from shared.policy.language.findings import Report, Spot, ascii_safe, quoted

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 20

LIBYAML: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The fast loader, where PyYAML was built with libyaml; else its own."""

_RESOLVER: Any = yaml.resolver.Resolver()  # its stubs leave `resolve` untyped
_UNSEEN = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"  # not allowed in YAML
    "|[\u202a-\u202e\u2066-\u2069]"  # bidirectional controls: a reviewer would read another text than the loader
    "|[\x85\u2028\u2029]|\r(?!\n)"  # line breaks for the loader only: a rule could stand in what looks like a comment
)
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
_SIMPLE_KEY = re.compile(r"[\w-]{1,60}")


@dataclass(frozen=True, slots=True)
class Node:
    """Where a value was written. As itself it stands for an alias, which is reported already."""

    line: int
    column: int
    path: str


@dataclass(frozen=True, slots=True)
class Scalar(Node):
    """A single value. `tag` is what YAML 1.1 makes of it when it is not in quotes: str, int, bool, null, timestamp, ..."""

    text: str
    tag: str

    def __str__(self) -> str:
        named = {"int": "number", "float": "number", "bool": "truth value", "timestamp": "date", "str": "text"}
        return "nothing" if self.tag == "null" else f"the {named.get(self.tag, 'special value')} {quoted(self.text)}"


@dataclass(frozen=True, slots=True)
class Sequence(Node):
    """A list."""

    items: list[Node] = field(default_factory=list)

    def __str__(self) -> str:
        return "a list" if self.items else "an empty list"


@dataclass(frozen=True, slots=True)
class Mapping(Node):
    """Keys and values; `keys` are the keys' own places."""

    entries: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Scalar] = field(default_factory=dict)

    def __str__(self) -> str:
        return "a mapping" if self.entries else "an empty mapping"


def parse(text: bytes | str, report: Report, loader: Any = LIBYAML) -> Node | None:
    """The document's tree; None where it is no YAML that can be read. What is wrong goes to the report."""
    decoded = _decode(text, report)
    if decoded is None:
        return None
    builder = _Builder(report)
    try:
        for event in _events(decoded, loader):
            if not builder.take(event):
                return None
    except yaml.MarkedYAMLError as error:
        builder.refuse(error, decoded)
        return None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the last two: huge numbers in escapes and directives
        report.error(builder.last, f"not YAML: {ascii_safe(str(error)).splitlines()[0][:200]}")
        return None
    if builder.root is None:
        report.error(Spot(1, 1), "the document is empty")
    return builder.root


def _decode(text: bytes | str, report: Report) -> str | None:
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if len(data) > MAX_BYTES:
        report.error(Spot(1, 1), f"larger than {MAX_BYTES} bytes")
        return None
    try:
        decoded = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        report.error(_spot(before, len(before)), f"not UTF-8: byte 0x{data[error.start]:02x}")
        return None
    unseen = _UNSEEN.search(decoded)
    if unseen:
        report.error(_spot(decoded, unseen.start()), f"the character U+{ord(unseen[0]):04X} is not allowed")
        return None
    return decoded


def _spot(text: str, index: int) -> Spot:
    return Spot(text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


def _marked(error: yaml.MarkedYAMLError, text: str) -> Spot | None:
    """Where the problem is; where it is the end of the text, where that began which has no end."""
    mark = error.problem_mark
    if mark is None or mark.index >= len(text):
        mark = error.context_mark or mark
    return Spot(mark.line + 1, mark.column + 1) if mark else None


def _nesting(text: str) -> int:
    """How deep the brackets of a piece of text lead at most."""
    depth = deepest = 0
    for character in text:
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    return deepest


def _sentence(error: yaml.MarkedYAMLError) -> str:
    return ascii_safe(", ".join(filter(None, (error.context, error.problem))))


def _events(text: str, loader: Any) -> Iterator[Any]:
    reader = loader(text)
    try:
        while reader.check_event():
            yield reader.get_event()
    finally:
        reader.dispose()


class _Builder:
    """Puts events together. `take` answers False once nothing more can be read."""

    def __init__(self, report: Report) -> None:
        self.root: Node | None = None
        self.last = Spot(1, 1)
        self._report = report
        self._read = 0  # how far into the text the last event began
        self._open: list[Sequence | Mapping] = []
        self._keys: list[Scalar | None] = []  # for each open mapping the key that waits for its value

    def take(self, event: Any) -> bool:
        self.last, self._read = Spot(event.start_mark.line + 1, event.start_mark.column + 1), event.start_mark.index
        if isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            self._report.error(self.last, "only one document is allowed in a file")
            return False
        if isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            self._open.pop()
            self._keys.pop()
        elif isinstance(event, yaml.NodeEvent):
            return self._add(event)
        return True

    def refuse(self, error: yaml.MarkedYAMLError, text: str) -> None:
        """Report what the parser says, in the words of this module where it has its own.

        A parser reads ahead of its events to find a key's colon, and may refuse deep nesting before this class sees any.
        """
        end = error.problem_mark.index if error.problem_mark else len(text)
        if len(self._open) + _nesting(text[self._read : end]) > MAX_DEPTH:
            self._report.error(self.last, _TOO_DEEP)
            return
        spot, hint = _marked(error, text) or self.last, ""
        if error.context_mark and text[error.context_mark.index :].startswith("*"):
            hint = ": for everything write the word any"
        self._report.error(spot, f"not YAML: {_sentence(error)}{hint}")

    def _add(self, event: Any) -> bool:
        self._refuse_references(event)
        parent, key = (self._open[-1], self._keys[-1]) if self._open else (None, None)
        is_key = isinstance(parent, Mapping) and key is None
        if is_key and not isinstance(event, (yaml.ScalarEvent, yaml.AliasEvent)):
            self._report.error(self.last, "a key is a single word, not a list or a mapping")
            return False
        node = self._node(event, "" if is_key else self._path(parent, key))
        if is_key:
            self._keys[-1] = node if isinstance(node, Scalar) else Scalar(node.line, node.column, node.path, "", "str")
            return True
        self._attach(node, parent, key)
        if isinstance(node, (Sequence, Mapping)):
            if len(self._open) == MAX_DEPTH:
                self._report.error(self.last, _TOO_DEEP)
                return False
            self._open.append(node)
            self._keys.append(None)
        return True

    def _refuse_references(self, event: Any) -> None:
        if event.anchor is not None:
            kind = "aliases (*name)" if isinstance(event, yaml.AliasEvent) else "anchors (&name)"
            self._report.error(self.last, f"{kind} are not allowed: write the value out")
        if getattr(event, "tag", None) is not None:
            self._report.error(self.last, f"tags are not allowed: {quoted(event.tag)}")

    def _node(self, event: Any, path: str) -> Node:
        line, column = self.last.line, self.last.column
        if isinstance(event, yaml.ScalarEvent):
            plain = event.style is None or event.style == ""
            tag = _RESOLVER.resolve(yaml.ScalarNode, event.value, (True, False)) if plain else "str"
            return Scalar(line, column, path, event.value, tag.rpartition(":")[2])
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence(line, column, path)
        return Mapping(line, column, path) if isinstance(event, yaml.MappingStartEvent) else Node(line, column, path)

    def _path(self, parent: Sequence | Mapping | None, key: Scalar | None) -> str:
        if isinstance(parent, Sequence):
            return f"{parent.path}[{len(parent.items)}]"
        if parent is None or key is None:
            return ""
        return child_path(parent.path, key.text)

    def _attach(self, node: Node, parent: Sequence | Mapping | None, key: Scalar | None) -> None:
        if parent is None:
            self.root = node
        elif isinstance(parent, Sequence):
            parent.items.append(node)
        elif key is not None:
            self._keys[-1] = None
            place = Scalar(key.line, key.column, child_path(parent.path, key.text), key.text, key.tag)
            if key.tag != "str":
                self._report.error(place, f"a key is text, found {key}: put it in quotes")
            elif key.text in parent.entries:
                self._report.error(
                    place, f"the key {quoted(key.text)} is here twice, first in line {parent.keys[key.text].line}"
                )
            else:
                parent.entries[key.text] = node
                parent.keys[key.text] = place


def child_path(path: str, key: str) -> str:
    """The path of a key below a path; an odd key is quoted and cut."""
    if not _SIMPLE_KEY.fullmatch(key):
        return f"{path}[{quoted(key)}]"
    return f"{path}.{key}" if path else key
