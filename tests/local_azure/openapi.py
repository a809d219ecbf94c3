"""Reads Azure's OpenAPI (Swagger 2.0) files as far as answers need: the response schema of an operation, and what differs.

Stricter than JSON schema: a property that the schema does not name is a difference too, unless the schema allows any.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}


@dataclass(frozen=True)
class Schema:
    """A schema with the file that its references are relative to."""

    file: Path
    node: Any

    def resolved(self) -> Schema:
        """The schema that a `$ref` leads to; itself without one."""
        if "$ref" not in self.node:
            return self
        name, _, pointer = self.node["$ref"].partition("#")
        file = (self.file.parent / name).resolve() if name else self.file
        node = _load(file)
        for part in pointer.strip("/").split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")]
        return Schema(file, node).resolved()

    def at(self, node: Any) -> Schema:
        """A part of this file."""
        return Schema(self.file, node).resolved()


@dataclass(frozen=True)
class Operation:
    """An operation: its path as a pattern, and the schemas of its answers (None for an answer without a body)."""

    pattern: re.Pattern[str]
    method: str
    version: str
    answers: dict[str, Schema | None]


def operations(folder: Path) -> Iterator[Operation]:
    """All operations of the files in a folder."""
    for file in sorted(folder.rglob("*.json")):
        document = _load(file)
        for path, methods in document.get("paths", {}).items():
            pattern = re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path.rstrip("/"))), re.IGNORECASE)
            for method, operation in methods.items():
                answers = {
                    status: Schema(file, answer["schema"]).resolved() if "schema" in answer else None
                    for status, answer in operation["responses"].items()
                }
                yield Operation(pattern, method.upper(), document["info"]["version"], answers)


def differences(value: Any, schema: Schema, where: str = "") -> list[str]:
    """What in a value is not as the schema says, each as `path: what`; `[]` stands for any element."""
    node = schema.node
    if value is None:
        return [] if node.get("x-nullable") else [f"{where}: null"]
    expected = _kind(schema)
    if expected and not (isinstance(value, _TYPES[expected]) and (expected == "boolean") == isinstance(value, bool)):
        return [f"{where}: {type(value).__name__} instead of {expected}"]
    if isinstance(value, list):
        items = schema.at(node.get("items", {}))
        return sorted({found for one in value for found in differences(one, items, f"{where}[]")})
    if isinstance(value, dict):
        return _object_differences(value, schema, where)
    allowed = node.get("enum")
    loose = node.get("x-ms-enum", {}).get("modelAsString", False)
    return [f"{where}: {value!r} is none of {allowed}"] if allowed and value not in allowed and not loose else []


def _object_differences(value: dict[str, Any], schema: Schema, where: str) -> list[str]:
    known, required, rest = _members(schema)
    found = [f"{where}.{name}: missing" for name in required if name not in value]
    for name, inner in value.items():
        if name in known:
            found += differences(inner, known[name], f"{where}.{name}")
        elif rest is None:
            found.append(f"{where}.{name}: not in the schema")
        elif rest.node:
            found += differences(inner, rest, f"{where}.*")
    return found


def _members(schema: Schema) -> tuple[dict[str, Schema], set[str], Schema | None]:
    """An object's properties, those that are required, and what others must be (None: there are no others)."""
    node = schema.node
    known = {name: schema.at(inner) for name, inner in node.get("properties", {}).items()}
    required = set(node.get("required", []))
    more = node.get("additionalProperties")
    rest = None if more is None or more is False else schema.at(more if isinstance(more, dict) else {})
    if not known and "allOf" not in node and more is None:
        rest = schema.at({})  # an object of which nothing is said
    for part in node.get("allOf", []):
        inherited, wanted, others = _members(schema.at(part))
        known = {**inherited, **known}
        required |= wanted
        rest = rest or (others if others is not None and others.node else None)
    return known, required, rest


def _kind(schema: Schema) -> str:
    node = schema.node
    return str(node.get("type", "object" if "properties" in node or "allOf" in node else ""))


@cache
def _load(file: Path) -> Any:
    return json.loads(file.read_text("utf-8-sig"))
