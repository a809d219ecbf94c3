"""The calls that people make, and their answers: status, headers and JSON, and what each kind of failure answers.

The order in which failures are found is 415 and 400 (the body), 503 (the policy), 403 (its scope), 404, 409, 502; their
shape is that of Azure Resource Manager's errors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.errors import ApproverError, BusyError, ConflictError, NotFoundError, OutsideScopeError
from shared.model.decision import Person
from shared.policy.language.findings import PolicyError
from shared.triggers.principal import HEADER, person_of
from shared.triggers.strict_json import DuplicateKeyError, load

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """A call: its body as it came, the body's type ("" where none is given), and who calls (None: nobody knows)."""

    body: bytes
    content_type: str
    asked_by: Person | None = None


def call_of(body: bytes, headers: Mapping[str, str], *, authenticated: bool) -> Call:
    """A call.

    Args:
        body: as it came.
        headers: by their names, in any or in lower case.
        authenticated: App Service authentication is on. Elsewhere its headers can be forged, and name nobody.
    """
    person = person_of(headers.get(HEADER)) if authenticated else None
    return Call(body, headers.get("content-type", ""), person)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: `body` is a JSON object."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


class BadRequestError(ValueError):
    """The body is not a request; `code` is a word for programs, `status` is HTTP's."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def fields_of(call: Call, example: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a call's body.

    A body must say that it is JSON: a web page can make its reader's browser send any other type to any host, one on
    localhost included, without asking that host first.

    Args:
        call: the call.
        example: a request with every key that is known, to be shown.

    Raises:
        BadRequestError: it is no JSON object, or holds a key that is not known, or one twice.
    """
    shown = json.dumps(example)
    if call.body and call.content_type.partition(";")[0].strip().lower() != JSON:
        raise BadRequestError("UnsupportedMediaType", f"Content-Type: {JSON} is expected of the body {shown}", 415)
    try:
        fields = load(call.body)
    except DuplicateKeyError as error:
        raise BadRequestError("DuplicateKey", f"{error}; expected {shown}") from None
    except ValueError:
        raise BadRequestError("InvalidJson", f"the body is not JSON; expected {shown}") from None
    if not isinstance(fields, dict):
        raise BadRequestError("InvalidBody", f"a JSON object is expected: {shown}")
    if unknown := sorted(set(fields) - set(example)):
        known = " and ".join(example)
        raise BadRequestError("UnknownKey", f"unknown key {unknown[0][:80]!r}; known are {known}")
    return fields


def boolean(fields: Mapping[str, Any], name: str) -> bool:
    """An optional boolean, false where it is left out; raises `BadRequestError` for anything else."""
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise BadRequestError(f"Invalid{name[0].upper()}{name[1:]}", f"{name}: true or false is expected")
    return value


def refused(error: ApproverError | PolicyError | BadRequestError) -> Answer:
    """The answer to a request that failed."""
    match error:
        case BadRequestError():
            return failure(error.status, error.code, str(error))
        case PolicyError():
            return failure(503, "PolicyInvalid", f"no valid policy, nothing is approved: {error}")
        case OutsideScopeError():
            return failure(403, "OutsideScope", str(error))
        case NotFoundError():
            return failure(404, "NotFound", str(error))
        case ConflictError():
            return failure(409, error.code, str(error))
        case BusyError():
            return failure(409, error.code, str(error), {"Retry-After": str(round(error.retry_after or 5))})
    return failure(502, error.code, str(error))


def failure(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with ARM's error envelope."""
    return Answer(status, {"error": {"code": code, "message": message}}, headers or {})
