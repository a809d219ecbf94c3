"""The URLs of long-running operations, in the forms that providers have, and what a GET of them answers."""

from __future__ import annotations

from dataclasses import dataclass

from local.azure.cloud import Cloud
from local.azure.operations import status_body
from local.azure.router import Call, Route, route
from local.azure.state import Operation
from local.azure.wire import Answer


@dataclass(frozen=True, slots=True)
class Form:
    """How a provider points to an operation: the collections under its namespace (`{}` is the location) whose GET is the
    status and the result ("" where it has none), and the Retry-After in Azure's seconds (0: no header)."""  # noqa: D205, D209

    namespace: str
    status: str
    result: str = ""
    retry_after: float = 0
    query: str = ""


class LongRunning:
    """Operations of one form."""

    def __init__(self, cloud: Cloud, form: Form, versions: tuple[str, ...]) -> None:
        self._cloud = cloud
        self._form = form
        self._versions = versions

    def headers(self, call: Call, location: str, operation: Operation) -> dict[str, str]:
        """The headers of an answer that points to the operation."""
        start = f"{call.host}/subscriptions/{call.path.subscription}/providers/{self._form.namespace}"
        query = f"?api-version={call.api_version}{self._form.query}"
        found = {"Azure-AsyncOperation": f"{start}/{self._form.status.format(location)}/{operation.id}{query}"}
        if self._form.query:
            found["Azure-AsyncOperation"] += "&asyncinfo"
        if self._form.result:
            found["Location"] = f"{start}/{self._form.result.format(location)}/{operation.id}{query}"
        if self._form.retry_after:
            found["Retry-After"] = str(self._cloud.clock.wait(self._form.retry_after))
        return found

    def routes(self) -> list[Route]:
        """The routes of the URLs that `headers` gives."""
        handlers = {self._form.status: self._status, self._form.result: self._result}
        if self._form.status == self._form.result:
            handlers = {self._form.status: self._either}
        return [
            route(f"{self._form.namespace}/{collection}/{{}}", self._versions, GET=handler)
            for collection, handler in handlers.items()
            if collection
        ]

    def _status(self, call: Call) -> Answer:
        operation = self._cloud.operations.get(call.path.names[-1])
        return Answer(200, {"id": call.path.text, **status_body(operation)})

    def _result(self, call: Call) -> Answer:
        """202 while it runs; then 200 with the resource or connection, 204 where it is gone."""
        operation = self._cloud.operations.get(call.path.names[-1])
        if not operation.ended_at:
            headers = {"Location": f"{call.host}{call.path.text}?api-version={call.api_version}{self._form.query}"}
            return Answer(202, None, headers)
        shown = self._cloud.show_id(operation.resource)
        return Answer(200, shown) if shown else Answer(204)

    def _either(self, call: Call) -> Answer:
        return self._status(call) if "asyncinfo" in call.request.query else self._result(call)
