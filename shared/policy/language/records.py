"""The kinds that are made of other kinds: lists, mappings, and records, which are mappings with known keys. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.policy.language.fields import Choice, Kind, Schema, Text, unexpected
from shared.policy.language.findings import Place, Report
from shared.policy.language.yaml_nodes import Mapping, Node, Scalar, Sequence
from shared.resource_id import fold


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list, read as a tuple with None for each refused item; or a word alone, read as a tuple of it."""

    item: Kind
    word: str | None = None
    least: int = 1

    def read(self, node: Node, report: Report) -> tuple[Any, ...] | None:  # noqa: D102
        if self.word and isinstance(node, Scalar) and fold(node.text) == self.word:
            return (self.word,)
        if not isinstance(node, Sequence) or len(node.items) < self.least:
            what = "a list of at least one item" if self.least else "a list"
            unexpected(node, what + (f" or the word {self.word}" if self.word else ""), report)
            return None
        return tuple(self.item.read(item, report) for item in node.items)

    def schema(self) -> Schema:  # noqa: D102
        form: Schema = {"type": "array", "minItems": self.least, "items": self.item.schema()}
        return {"anyOf": [Choice((self.word,)).schema(), form]} if self.word else form


@dataclass(frozen=True, slots=True)
class OrNull:
    """A value, or null for one that is not known: both null and what was refused are read as None."""

    kind: Kind

    def read(self, node: Node, report: Report) -> Any:  # noqa: D102
        return None if isinstance(node, Scalar) and node.tag == "null" else self.kind.read(node, report)

    def schema(self) -> Schema:  # noqa: D102
        return {"anyOf": [self.kind.schema(), {"type": "null"}]}


@dataclass(frozen=True, slots=True)
class Either:
    """A value of the kind, or one word."""

    kind: Kind
    word: str

    def read(self, node: Node, report: Report) -> Any:  # noqa: D102
        if isinstance(node, Scalar) and fold(node.text) == self.word:
            return self.word
        return self.kind.read(node, report)

    def schema(self) -> Schema:  # noqa: D102
        return {"anyOf": [*Choice((self.word,)).schema()["anyOf"], self.kind.schema()]}


@dataclass(frozen=True, slots=True)
class MapOf:
    """Free keys with values of one kind, read as a dict. Keys of refused values map to None."""

    key: Text
    value: Kind
    what: str
    least: int = 0

    def read(self, node: Node, report: Report) -> dict[str, Any] | None:  # noqa: D102
        if not isinstance(node, Mapping) or len(node.entries) < self.least:
            unexpected(node, self.what, report)
            return None
        for place in node.keys.values():
            self.key.read(place, report)
        return {key: self.value.read(value, report) for key, value in node.entries.items()}

    def schema(self) -> Schema:  # noqa: D102
        return {
            "type": "object",
            "minProperties": self.least,
            "propertyNames": self.key.schema(),
            "additionalProperties": self.value.schema(),
        }


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a record. The description is what an editor shows beside it."""

    key: str
    kind: Kind
    description: str
    required: bool = False
    default: object = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What a record was read into: the values that are right, and where each stands."""

    node: Mapping
    values: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.values.get(key)

    def place(self, key: str) -> Place:
        """Where the key's value stands; the record itself where the key is missing."""
        return self.node.entries.get(key, self.node)

    def items(self, key: str) -> list[tuple[Place, Any]]:
        """The place and value of every right item of a list; none where a word stands for the list."""
        node = self.node.entries.get(key)
        places = node.items if isinstance(node, Sequence) else []
        return [(place, value) for place, value in zip(places, self[key] or (), strict=False) if value is not None]


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with known keys, read as an `Entry`. Of the keys in `one_of` at least one must be there."""

    what: str
    fields: tuple[Field, ...]
    one_of: tuple[str, ...] = ()
    elsewhere: tuple[tuple[str, str], ...] = ()
    """Keys that belong to another record, and to which: they get a better message than an unknown key."""

    def read(self, node: Node, report: Report) -> Entry | None:
        """The entry; None where the node is no mapping."""
        if not isinstance(node, Mapping):
            unexpected(node, self.what, report)
            return None
        known = {field.key: field for field in self.fields}
        values: dict[str, Any] = {field.key: field.default for field in self.fields}
        for key, value in node.entries.items():
            if key in known:
                values[key] = known[key].kind.read(value, report)
            elif key in dict(self.elsewhere):
                report.error(node.keys[key], f"the key {key} is only for {dict(self.elsewhere)[key]}")
            else:
                report.unknown(node.keys[key], "key", key, tuple(known))
        for field in self.fields:
            if field.required and field.key not in node.entries:
                report.error(node, f"the key {field.key} is missing: {field.description.partition('. ')[0]}")
        if self.one_of and not any(key in node.entries for key in self.one_of):
            report.error(node, f"at least one of these keys is needed: {', '.join(self.one_of)}")
        return Entry(node, values)

    def schema(self) -> Schema:  # noqa: D102 - see Kind
        schema: Schema = {
            "type": "object",
            "additionalProperties": False,
            "properties": {field.key: _described(field) for field in self.fields},
        }
        required = [field.key for field in self.fields if field.required]
        if required:
            schema["required"] = required
        if self.one_of:
            schema["anyOf"] = [{"required": [key]} for key in self.one_of]
        return schema


@dataclass(frozen=True, slots=True)
class Variant:
    """A mapping whose key `tag` says which record it is."""

    what: str
    tag: str
    description: str
    cases: dict[str, Record]

    def read(self, node: Node, report: Report) -> Entry | None:
        """The entry of the case that the tag names, the tag with it; None where there is no such case."""
        if not isinstance(node, Mapping):
            unexpected(node, self.what, report)
            return None
        if self.tag not in node.entries:
            report.error(node, f"the key {self.tag} is missing: {self.description}", tuple(self.cases))
            return None
        case = Choice(tuple(self.cases)).read(node.entries[self.tag], report)
        return self._whole(case).read(node, report) if case else None

    def _whole(self, case: str) -> Record:
        record = self.cases[case]
        own = {field.key for field in record.fields}
        users: dict[str, list[str]] = {}
        for name, other in self.cases.items():
            for key in {field.key for field in other.fields} - own:
                users.setdefault(key, []).append(name)
        elsewhere = tuple((key, f"{self.tag} {' and '.join(names)}") for key, names in users.items())
        tag = Field(self.tag, Choice((case,)), self.description, required=True)
        return Record(record.what, (tag, *record.fields), record.one_of, elsewhere)

    def schema(self) -> Schema:  # noqa: D102 - see Kind
        return {"type": "object", "required": [self.tag], "anyOf": [self._whole(case).schema() for case in self.cases]}


def _described(field: Field) -> Schema:
    schema = {"description": field.description} | field.kind.schema()
    return schema if field.default is None else schema | {"default": field.default}
