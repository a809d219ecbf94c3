"""Frozen dataclasses of the ledger as JSON and back. Pure.

A field is one member of the object, under its own name; members with their default value are left out. A newer version
reads what an older one wrote: unknown members are ignored, missing ones have their default.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from shared.ledger.tables import moment, timestamp
from shared.model.decision import Decision

Value = TypeVar("Value")

TRANSIENT = frozenset({"etag", "version", "work", "unreadable", "forged", "digests"})
"""Fields that a row does not hold as its content."""


def encode(value: Any) -> Any:
    """A value of the ledger's types as JSON."""
    match value:
        case Decision():
            return value.to_json()
        case datetime():
            return timestamp(value)
        case StrEnum():
            return value.value
        case tuple() | list():
            return [encode(item) for item in value]
        case Mapping():
            return {str(name): encode(item) for name, item in value.items()}
    if is_dataclass(value):
        members = ((one.name, getattr(value, one.name), one) for one in fields(value))
        return {name: encode(item) for name, item, one in members if item != _default(one)}
    return value


def decode(kind: type[Value], value: Any) -> Value:
    """The value of a type that `encode` gave. Raises ValueError, KeyError, TypeError or AttributeError for anything else."""
    decoded: Value = _decoded(kind, value)
    return decoded


def _decoded(hint: Any, value: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, Union):
        if value is None and type(None) in arguments:
            return None
        return _decoded(next(a for a in arguments if a is not type(None)), value)
    if hint is Decision:
        return Decision.from_json(value)
    if hint is datetime:
        return _moment(value)
    if origin is tuple:
        return tuple(_decoded(arguments[0], item) for item in _is(value, list))
    if origin is not None and issubclass(origin, Mapping):
        return {name: _decoded(arguments[1], item) for name, item in _is(value, dict).items()}
    if hint is Any:
        return value
    if isinstance(hint, type) and is_dataclass(hint):
        hints = _hints(hint)
        return hint(**{name: _decoded(hints[name], item) for name, item in _is(value, dict).items() if name in hints})
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(value)
    return _is(value, hint)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {one.name: hints[one.name] for one in fields(kind)}


def _default(one: Any) -> Any:
    return one.default_factory() if one.default_factory is not MISSING else one.default


def _moment(value: Any) -> datetime:
    found = moment(_is(value, str))
    if found is None or found.tzinfo is None:
        raise ValueError(f"{value!r} is not a time with its zone")
    return found


def _is(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{kind.__name__} expected, not {type(value).__name__}")
    return value
