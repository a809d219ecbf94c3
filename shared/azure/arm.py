"""Azure Resource Manager: one pipeline for reads and writes that have no SDK here, and what ARM's errors mean.

Nothing here waits for more than a few seconds: what asks for more becomes a `TransientError` and a delayed message.
Wire facts: facts/azure-resource-manager.md, "Errors" and "Approving".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline.policies import RequestIdPolicy, RetryPolicy, UserAgentPolicy
from azure.core.rest import HttpRequest

from shared.errors import ApproverError, ForbiddenError, NotFoundError, PermanentError, TransientError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.rest import HttpResponse

MAX_RETRY_AFTER = 3.0
"""Seconds of Retry-After that are waited for in place; anything longer goes back to the queue."""

CLIENT_OPTIONS: dict[str, Any] = {"connection_timeout": 5, "read_timeout": 20}
"""Options for every ARM client (seconds)."""

NO_CONTENT = "NoContent"
"""The code of the error that stands for a 204: a key vault answers so where a connection is not there [R]."""

_TRANSIENT_CODES = re.compile(
    r"OperationInProgress|ConflictError|RequestConflict|AnotherOperation|^Conflict$|Throttled|TooManyRequests|"
    r"RetryableError|^409002$|PreconditionFailed|^412001$"
)
_PERMANENT_CONFLICTS = ("ScopeLocked",)


class ShortRetryPolicy(RetryPolicy[Any, Any]):
    """azure-core's retries, but never a wait of minutes: a longer Retry-After is the caller's to handle."""

    def is_retry(self, settings: dict[str, Any], response: Any) -> bool:
        """Whether to try again in place."""
        wait = self.get_retry_after(response)
        if wait is not None and wait > MAX_RETRY_AFTER:
            return False
        return bool(super().is_retry(settings, response))


def retry_policy() -> ShortRetryPolicy:
    """A fresh policy for one client: two more tries, half a second and a second apart."""
    return ShortRetryPolicy(retry_total=2, retry_backoff_factor=0.5, retry_backoff_max=2)


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
    if isinstance(error, ServiceRequestError | ServiceResponseError) or not isinstance(error, HttpResponseError):
        return TransientError(f"{what}: no answer ({type(error).__name__})", code="NoAnswer")
    code = error_code(error)
    status = error.status_code or 0
    text = f"{what}: {status} {code}: {_message(error)}"
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
        return max(0.0, float(value)) if value is not None else None
    except ValueError:  # an HTTP date: rare, and the default delay serves
        return None


class Arm:
    """ARM's REST surface with the app's identity. Paths begin with `/`; answers are the decoded JSON."""

    def __init__(self, endpoint: str, audience: str, credential: TokenCredential) -> None:
        from azure.mgmt.core import ARMPipelineClient
        from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

        self.endpoint = endpoint
        self._host = urlsplit(endpoint).netloc
        policies = [
            RequestIdPolicy(),
            UserAgentPolicy("private-endpoint-approver"),
            retry_policy(),
            ARMChallengeAuthenticationPolicy(credential, f"{audience}/.default"),
        ]
        self._client: ARMPipelineClient[Any, Any] = ARMPipelineClient(endpoint, policies=policies, **CLIENT_OPTIONS)

    def get(self, path: str, api_version: str) -> Any:
        """GET a resource (a JSON object, as a rule). Raises the errors of `translate`."""
        return self._json(self.send("GET", path, api_version))

    def post(self, path: str, api_version: str, body: dict[str, Any]) -> Any:
        """POST a query or an action."""
        return self._json(self.send("POST", path, api_version, body))

    def pages(self, path: str, api_version: str) -> Iterator[dict[str, Any]]:
        """The items of a list over all its pages."""
        for page in self.by_page(path, api_version):
            yield from page

    def by_page(self, path: str, api_version: str) -> Iterator[list[dict[str, Any]]]:
        """The pages of a list, each as its items. `nextLink` may be absent, null, "" or lead to an empty page."""
        answer = self.get(path, api_version)
        while True:
            yield answer if isinstance(answer, list) else answer.get("value") or []
            link = None if isinstance(answer, list) else answer.get("nextLink")
            if not link:
                return
            answer = self.get_url(link)

    def get_url(self, url: str) -> Any:
        """GET a URL that ARM gave us, verbatim, and only on ARM's own host."""
        return self._json(self.send_url(url))

    def send_url(self, url: str) -> HttpResponse:
        """As `get_url`, with status and headers. The URL may be signed: it is never logged."""
        parts = urlsplit(url)
        if parts.scheme != "https" or _with_port(parts.netloc) != _with_port(self._host):
            raise PermanentError(f"an operation's URL points at {parts.netloc}, not at ARM", code="ForeignUrl")
        return self._send(HttpRequest("GET", url), "GET of a page or an operation")

    def send(self, method: str, path: str, api_version: str, body: Any = None, **headers: str) -> HttpResponse:
        """Send a request; answers below 300 come back, all others raise."""
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

    def _json(self, response: HttpResponse) -> Any:
        if response.status_code == 204:
            raise NotFoundError(f"{response.request.method}: an empty answer", code=NO_CONTENT)
        try:
            return response.json()
        except (ValueError, AzureError) as error:
            raise TransientError("ARM's answer is not JSON", code="NotJson") from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _with_port(netloc: str) -> str:
    """Event Hubs' operation URLs write ARM's default port out (`management.azure.com:443`) [R]."""
    return netloc.lower().removesuffix(":443")
