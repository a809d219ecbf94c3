"""Azure Resource Manager: one pipeline for reads and writes that have no SDK here, and what ARM's errors mean.

Nothing here waits for more than a few seconds: what asks for more becomes a `TransientError` and a delayed message.
Wire facts: error bodies are `{"error": {"code", "message"}}`, IoT Hub's own are bare with an integer `code`; lists come in
an envelope (`value`, `nextLink`) or bare (IoT Hub's OpenAPI).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.rest import HttpRequest

from shared.azure.pinned import CLIENT_OPTIONS as CLIENT_OPTIONS
from shared.azure.pinned import PinnedError, PinnedTransport, policies
from shared.azure.pinned import retry_policy as retry_policy
from shared.errors import ApproverError, ForbiddenError, NotFoundError, PermanentError, TransientError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.rest import HttpResponse

MOST_PAGES = 1_000
MOST_ITEMS = 10_000
"""No list that the app reads is longer: a namespace has 120 connections, a subscription some hundred endpoints."""

NO_CONTENT = "NoContent"
"""The code of the error that stands for a 204: a key vault answers so where a connection is not there (recorded)."""

_TRANSIENT_CODES = re.compile(
    r"OperationInProgress|ConflictError|RequestConflict|AnotherOperation|^Conflict$|Throttled|TooManyRequests|"
    r"RetryableError|^409002$|PreconditionFailed|^412001$"
)
_PERMANENT_CONFLICTS = ("ScopeLocked",)


def error_code(error: HttpResponseError) -> str:
    """ARM's error code; IoT Hub answers bare ones with an integer `code`."""
    response: Any = error.response
    try:
        body = response.json() if response is not None else None
    except (ValueError, AzureError):  # an answer from a proxy, say: its status must do
        body = None
    inner = body.get("error", body) if isinstance(body, dict) else None
    code = inner.get("code") if isinstance(inner, dict) else None
    return str(code) if code is not None else f"Http{error.status_code}"


def translate(error: AzureError, what: str) -> ApproverError:
    """The same failure as one of ours. `what` names the operation and the resource, for the reader of an alert."""
    if isinstance(error, PinnedError):
        return PermanentError(f"{what}: {error.message}", code="ForeignUrl")
    if isinstance(error, ClientAuthenticationError) and error.response is None:
        return TransientError(f"{what}: {error.message}", code="NoToken")
    if isinstance(error, ServiceRequestError | ServiceResponseError) or not isinstance(error, HttpResponseError):
        return TransientError(f"{what}: no answer ({type(error).__name__})", code="NoAnswer")
    code = error_code(error)
    status = error.status_code or 0
    text = f"{what}: {status} {code}: {_message(error)}"
    if status < 400:  # 204 where something was expected, or a body that is no JSON
        return TransientError(text, code="NoContent" if status == 204 else "NotJson")
    if status == 429 or status >= 500 or status in (408, 412) or (status == 409 and code not in _PERMANENT_CONFLICTS):
        return TransientError(text, code=code, retry_after=retry_after_of(error.response))
    if is_transient_code(code) and status != 403:
        return TransientError(text, code=code, retry_after=retry_after_of(error.response))
    if status == 404:
        return NotFoundError(text, code=code)
    if status in (401, 403):
        return ForbiddenError(text, code=code)
    return PermanentError(text, code=code)


def is_transient_code(code: str) -> bool:
    """Whether an error of this code may pass by itself."""
    return _TRANSIENT_CODES.search(code) is not None


def _message(error: HttpResponseError) -> str:
    """ARM's sentence, cut: some answers repeat whole requests."""
    text = getattr(error.error, "message", None) or error.message or ""
    return " ".join(str(text).split())[:500]


def retry_after_of(response: Any) -> float | None:
    """The seconds that an answer asks to wait, None where it does not say."""
    value = response.headers.get("Retry-After") if response is not None else None
    try:
        seconds = float(value or "nan")
    except ValueError:  # an HTTP date: rare, and the default delay serves
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


@dataclass(frozen=True, slots=True)
class Listed:
    """A whole list, and how many pages it came in: what moved between two pages may be in neither of them."""

    items: tuple[dict[str, Any], ...]
    pages: int

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.items)


def pages_of(answer: Any, more: Callable[[str], Any]) -> Iterator[list[dict[str, Any]]]:
    """The pages of a list: bare, or in an envelope whose `nextLink` may be absent, null, "" or lead to an empty page.

    Args:
        answer: the first page, decoded.
        more: reads the page that a link leads to.

    Raises:
        TransientError: an answer is no list.
    """
    link: Any = True
    while link:
        page = {"value": answer} if isinstance(answer, list) else answer
        items = (page.get("value") or []) if isinstance(page, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise TransientError("the answer is not a list", code="NotAList")
        yield items
        link = page.get("nextLink")
        if link:
            answer = more(str(link))


def collect(pages: Iterator[list[dict[str, Any]]], what: str) -> Listed:
    """The pages of a list as one.

    Raises:
        PermanentError: they do not end.
    """
    items: list[dict[str, Any]] = []
    count = 0
    for page in pages:
        count += 1
        items += page
        if count > MOST_PAGES or len(items) > MOST_ITEMS:
            raise PermanentError(
                f"{what}: the list does not end ({count} pages, {len(items)} items)", code="EndlessList"
            )
    return Listed(tuple(items), count)


class Arm:
    """ARM's REST surface with the app's identity. Paths begin with `/`; answers are the decoded JSON."""

    def __init__(self, endpoint: str, audience: str, credential: TokenCredential) -> None:
        from azure.mgmt.core import ARMPipelineClient

        self.endpoint = endpoint
        self._client: ARMPipelineClient[Any, Any] = ARMPipelineClient(
            endpoint, policies=policies(credential, f"{audience}/.default"), transport=PinnedTransport(endpoint)
        )

    def get(self, path: str, api_version: str) -> Any:
        """GET a resource (a JSON object, as a rule). Raises the errors of `translate`."""
        return self.decoded(self.send("GET", path, api_version))

    def post(self, path: str, api_version: str, body: dict[str, Any]) -> Any:
        """POST a query or an action."""
        return self.decoded(self.send("POST", path, api_version, body))

    def pages(self, path: str, api_version: str) -> Listed:
        """A list, all its pages. Raises the errors of `translate`, `pages_of` and `collect`."""
        try:
            return collect(pages_of(self.get(path, api_version), self.get_url), f"GET {path}")
        except NotFoundError as error:
            if error.code == NO_CONTENT:  # a list that is not there says nothing about what is in it
                raise TransientError(f"GET {path}: an empty answer", code=NO_CONTENT) from error
            raise

    def get_url(self, url: str) -> Any:
        """GET a URL that ARM gave us, verbatim, and only on ARM's own host."""
        return self.decoded(self.send_url(url))

    def send_url(self, url: str) -> HttpResponse:
        """As `get_url`, with status and headers. The URL may be signed: it is never logged."""
        return self._send(HttpRequest("GET", url), "GET of a page or an operation")

    def send(self, method: str, path: str, api_version: str, body: Any = None, **headers: str) -> HttpResponse:
        """Send a request; successes come back, all others raise."""
        url = f"{self.endpoint}{path}?api-version={api_version}"
        request = HttpRequest(method, url, json=body, headers=headers) if body is not None else HttpRequest(
            method, url, headers=headers)  # fmt: skip
        return self._send(request, f"{method} {path}")

    def _send(self, request: HttpRequest, what: str) -> HttpResponse:
        try:
            response: HttpResponse = self._client.send_request(request)
            response.raise_for_status()
        except AzureError as error:
            raise translate(error, what) from error
        return response

    def decoded(self, response: HttpResponse) -> Any:
        """The JSON of an answer.

        Raises:
            NotFoundError: a 204, with the code `NO_CONTENT`.
            TransientError: it has none.
        """
        if response.status_code == 204:
            raise NotFoundError(f"{response.request.method}: an empty answer", code=NO_CONTENT)
        if not response.content:
            raise TransientError(f"{response.request.method}: an empty answer", code=NO_CONTENT)
        try:
            return response.json()
        except (ValueError, AzureError) as error:
            raise TransientError("ARM's answer is not JSON", code="NotJson") from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
