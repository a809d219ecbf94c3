"""The kinds of single values that a document is declared with. Pure.

A kind reads a node into a value, reporting what is wrong, and describes itself as JSON Schema: one declaration serves the
loader and the editors. What a kind reads is None where it was refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from shared.policy.language.findings import Report, quoted
from shared.policy.language.yaml_nodes import Node, Scalar
from shared.resource_id import InvalidResourceIdError, fold, parse

GUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Kind(Protocol):
    """What every kind of value can do."""

    def read(self, node: Node, report: Report) -> Any:
        """The value; None where it was refused and reported."""

    def schema(self) -> Schema:
        """The kind as JSON Schema 2020-12."""


def unexpected(node: Node, expected: str, report: Report, allowed: tuple[str, ...] = ()) -> None:
    """Report that something else was expected. An alias is reported already."""
    if type(node) is not Node:
        report.error(node, f"expected {expected}, found {node}", allowed)


def _word(node: Node, expected: str, report: Report, allowed: tuple[str, ...] = ()) -> str | None:
    """The text of a scalar that YAML reads as text too."""
    if not isinstance(node, Scalar) or node.tag == "null":
        unexpected(node, expected, report, allowed)
    elif node.tag != "str":
        report.error(node, f"expected {expected}, found {node}: put it in quotes if it is meant as text", allowed)
    else:
        return node.text
    return None


def any_case(text: str) -> str:
    """A regular expression for the text in any case: JSON Schema knows no flag for that."""
    return "".join(f"[{c.upper()}{c.lower()}]" if c.isascii() and c.isalpha() else re.escape(c) for c in text)


@dataclass(frozen=True, slots=True)
class Text:
    """A word of a given form. `what` says which, in words."""

    what: str
    pattern: str = r"[^\x00-\x1f\x7f]{1,256}"
    convert: Callable[[str], str] = str
    reserved: str | None = None

    def read(self, node: Node, report: Report) -> str | None:  # noqa: D102 - see Kind, here and below
        text = _word(node, self.what, report)
        if text is None:
            return None
        if fold(text) == self.reserved:
            report.error(node, f"the word {text} stands alone: it is no name in a list and nobody's name")
        elif not re.fullmatch(self.pattern, text):
            report.error(node, f"expected {self.what}, found {quoted(text)}")
        else:
            return self.convert(text)
        return None

    def schema(self) -> Schema:  # noqa: D102
        form: Schema = {"type": "string", "pattern": f"^(?:{self.pattern})$"}
        return form | {"not": Choice((self.reserved,)).schema()} if self.reserved else form


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words, in any case; read as it is written here."""

    values: tuple[str, ...]

    def read(self, node: Node, report: Report) -> str | None:  # noqa: D102
        text = _word(node, " or ".join(self.values[:4]), report, self.values)
        if text is None:
            return None
        for value in self.values:
            if fold(value) == fold(text):
                return value
        report.unknown(node, "value", text, self.values)
        return None

    def schema(self) -> Schema:  # noqa: D102
        pattern = "|".join(map(any_case, self.values))
        return {"anyOf": [{"enum": list(self.values)}, {"type": "string", "pattern": f"^(?:{pattern})$"}]}


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false. YAML 1.1 also reads yes, no, on and off so, editors read them as text: refused."""

    def read(self, node: Node, report: Report) -> bool | None:  # noqa: D102
        if isinstance(node, Scalar) and node.tag == "bool" and fold(node.text) in ("true", "false"):
            return fold(node.text) == "true"
        unexpected(node, "true or false", report)
        return None

    def schema(self) -> Schema:  # noqa: D102
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number, in plain decimal digits: YAML's octal, hexadecimal and base-60 forms are refused."""

    minimum: int
    maximum: int

    def read(self, node: Node, report: Report) -> int | None:  # noqa: D102
        if isinstance(node, Scalar) and node.tag == "int" and re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", node.text):
            number = int(node.text)
            if self.minimum <= number <= self.maximum:
                return number
        unexpected(node, self._what(), report)
        return None

    def _what(self) -> str:
        if self.minimum == self.maximum:
            return f"the number {self.minimum}"
        return f"a whole number from {self.minimum} to {self.maximum}"

    def schema(self) -> Schema:  # noqa: D102
        if self.minimum == self.maximum:
            return {"const": self.minimum}
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True, slots=True)
class Day:
    """A day as YYYY-MM-DD, in quotes or not."""

    def read(self, node: Node, report: Report) -> date | None:  # noqa: D102
        pattern = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
        if isinstance(node, Scalar) and node.tag in ("timestamp", "str") and re.fullmatch(pattern, node.text):
            try:
                return date.fromisoformat(node.text)
            except ValueError:
                report.error(node, f"{node.text} is not a day of the calendar")
                return None
        unexpected(node, "a day as YYYY-MM-DD", report)
        return None

    def schema(self) -> Schema:  # noqa: D102
        return {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}


@dataclass(frozen=True, slots=True)
class ArmId:
    """A whole ARM id of a resource group (no `types`) or of a resource of one of the types; read as a ResourceId."""

    what: str
    types: tuple[str, ...] = ()

    def read(self, node: Node, report: Report) -> Any:  # noqa: D102
        text = _word(node, f"the whole id of {self.what}", report)
        if text is None:
            return None
        try:
            resource = parse(text)
        except InvalidResourceIdError as error:
            report.error(node, f"not the id of {self.what}: {error}")
            return None
        if self.types and fold(resource.type) in map(fold, self.types):
            return resource
        if not self.types and resource.resource_group and not resource.type:
            return resource
        found = resource.type or ("a resource group" if resource.resource_group else "a subscription")
        report.error(node, f"expected the whole id of {self.what}, found the id of {found}", self.types)
        return None

    def schema(self) -> Schema:  # noqa: D102
        segment = r"[^/\\?#%&<>\s]+"
        pattern = f"{any_case('/subscriptions/')}{GUID}{any_case('/resourceGroups/')}{segment}"
        if self.types:
            forms = "|".join(any_case(t) for t in self.types)
            pattern += f"{any_case('/providers/')}(?:{forms})/{segment}"
        return {"type": "string", "pattern": f"^{pattern}$"}
