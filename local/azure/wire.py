"""What goes over the wire: one request, one answer, one error. Knows no service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `path` is decoded; `query` has the last value of each name, names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Json:
        """The body as a JSON object ({} for none).

        Raises:
            AzureError: 400 InvalidRequestContent, as ARM answers a body that is not one.
        """
        if not self.content:
            return {}
        try:
            body = json.loads(self.content)
        except ValueError as error:
            raise invalid_content(str(error)) from error
        if not isinstance(body, dict):
            raise invalid_content("an object is expected")
        return body


@dataclass(slots=True)
class Answer:
    """One HTTP answer; `body` is anything that JSON can hold, or None for an empty one.

    `finished` is false while a long-running write still runs: its event comes when it ends.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    finished: bool = True


class AzureError(Exception):
    """An error answer; `body` is ARM's envelope unless a provider has its own shape."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Json | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.answer = Answer(status, body or {"error": {"code": code, "message": message}}, dict(headers or {}))


def invalid_content(reason: str) -> AzureError:
    """ARM's answer to a body that it cannot read."""
    text = f"The request content was invalid and could not be deserialized: '{reason}'."
    return AzureError(400, "InvalidRequestContent", text)


def merge(old: Json, new: Json) -> Json:
    """JSON merge as providers' PATCH does it: objects merge field by field, everything else (lists too) replaces."""
    merged = dict(old)
    for name, value in new.items():
        before = merged.get(name)
        merged[name] = merge(before, value) if isinstance(value, dict) and isinstance(before, dict) else value
    return merged


def objects(value: object, name: str) -> list[Json]:
    """A list of JSON objects; null is an empty one.

    Raises:
        AzureError: 400 InvalidRequestContent, it is something else.
    """
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise invalid_content(f"{name} is not a list of objects")
    return value


def as_object(value: object) -> Json:
    """The value if it is a JSON object, else an empty one: for optional parts of a body."""
    return value if isinstance(value, dict) else {}
