"""Faults on demand: which calls go wrong, how often, and how."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field

from local.azure.wire import Answer, AzureError, Json, as_object
from shared.resource_id import fold

WHEN = ("before", "after", "drop", "dropAfter")
"""`before`: the call has no effect; `after`: it has, but the answer is replaced; `drop` and `dropAfter`: the same two, and
the connection is closed without an answer."""


@dataclass(slots=True)
class Fault:
    """One fault, for the next `times` calls that match, after the first `skip`. An `answer` without a status only delays.

    With a `callback` nothing goes wrong: that URL on this machine is posted to, and its answer waited for, before the call
    has any effect.
    """

    id: str
    method: str
    path_contains: str
    path_regex: str
    times: int
    when: str
    status: int
    code: str
    message: str
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0
    callback: str = ""
    skip: int = 0
    body: Json | None = None
    seen: int = 0

    def matches(self, method: str, path: str) -> bool:
        """Whether a call is one of those that go wrong."""
        if self.times <= 0 or (self.method and self.method != method):
            return False
        if self.path_contains and fold(self.path_contains) not in fold(path):
            return False
        return not self.path_regex or re.search(self.path_regex, path, re.IGNORECASE) is not None

    def is_due(self) -> bool:
        """Whether a call that matches goes wrong, and not only counts as skipped."""
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        self.seen += 1
        return True

    def answer(self) -> Answer:
        """The answer instead of the real one."""
        told = {"error": {"code": self.code, "message": self.message}}
        return Answer(self.status, told if self.body is None else self.body, dict(self.headers))

    def describe(self) -> Json:
        """The fault as the control interface shows it."""
        answer = {"status": self.status, "code": self.code, "message": self.message, "headers": self.headers,
                  "delaySeconds": self.delay_seconds, "callback": self.callback, "body": self.body}  # fmt: skip
        match = {"method": self.method, "pathContains": self.path_contains, "pathRegex": self.path_regex}
        return {
            "id": self.id,
            "match": match,
            "times": self.times,
            "skip": self.skip,
            "when": self.when,
            "answer": answer,
            "seen": self.seen,
        }


class Faults:
    """The faults in force, in the order they were set; the first that matches a call is used."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}

    def take(self, method: str, path: str) -> Fault | None:
        """The fault of a call, counted; None for a call that goes well."""
        return next(
            (f for f in self._faults.values() if not f.callback and f.matches(method, path) and f.is_due()), None
        )

    def callbacks(self, method: str, path: str) -> list[str]:
        """The URLs that are to be called before a call has any effect, each counted."""
        return [f.callback for f in self._faults.values() if f.callback and f.matches(method, path) and f.is_due()]

    def add(self, body: Json) -> Fault:
        """Set a fault; a `body` is answered as it is, instead of an error of ARM's.

        `{"match": {"method", "pathContains", "pathRegex"}, "times", "skip", "when", "answer": {"status", "code", "message",
        "headers", "delaySeconds", "callback", "body"}}`

        Raises:
            AzureError: 400, it is not one.
        """
        match, answer = as_object(body.get("match")), as_object(body.get("answer"))
        when = str(body.get("when", "before"))
        try:
            re.compile(str(match.get("pathRegex") or ""))
            fault = Fault(
                id=str(uuid.uuid4()),
                method=str(match.get("method") or "").upper(),
                path_contains=str(match.get("pathContains") or ""),
                path_regex=str(match.get("pathRegex") or ""),
                times=int(body.get("times", 1)),
                skip=int(body.get("skip") or 0),
                when=when,
                status=int(answer.get("status") or 0),
                code=str(answer.get("code") or "InternalServerError"),
                message=str(answer.get("message") or "A fault that was asked for."),
                headers={str(name): str(value) for name, value in as_object(answer.get("headers")).items()},
                delay_seconds=float(answer.get("delaySeconds") or 0),
                callback=str(answer.get("callback") or ""),
                body=as_object(answer["body"]) if answer.get("body") is not None else None,
            )
        except (re.error, ValueError, TypeError) as error:
            raise AzureError(400, "BadRequest", f"not a fault: {error}") from error
        if fault.callback and not fault.callback.startswith("http://127.0.0.1:"):
            raise AzureError(400, "BadRequest", "callback must be a URL that begins with http://127.0.0.1:")
        if when not in WHEN:
            raise AzureError(400, "BadRequest", f"when must be one of {', '.join(WHEN)}")
        self._faults[fault.id] = fault
        return fault

    def list(self) -> list[Json]:
        """All faults, those used up too."""
        return [fault.describe() for fault in self._faults.values()]

    def clear(self, fault_id: str = "") -> None:
        """Forget one fault, or all."""
        if fault_id:
            self._faults.pop(fault_id, None)
        else:
            self._faults.clear()
