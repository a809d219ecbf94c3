"""What ARM's errors mean for a retry (docs/azure-on-the-wire.md, "Errors")."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.identity import CredentialUnavailableError

from shared.azure.arm import MOST_ITEMS, MOST_PAGES, NO_CONTENT, Arm, collect, error_code, translate
from shared.azure.pinned import PinnedError, TokenError
from shared.errors import ApproverError, ForbiddenError, NotFoundError, PermanentError, TransientError


class Response:
    """As much of a response as an error needs."""

    reason = "a reason"
    content_type = "application/json"

    def __init__(self, status: int, body: Any, headers: Mapping[str, str]) -> None:
        self.status_code = status
        self.body = body
        self.headers = headers

    def json(self) -> Any:
        return json.loads(self.text())

    def text(self) -> str:
        return self.body if isinstance(self.body, str) else json.dumps(self.body)


def answer(status: int, body: Any, **headers: str) -> HttpResponseError:
    """The error that azure-core makes of an answer."""
    response: Any = Response(status, body, {name.replace("_", "-"): value for name, value in headers.items()})
    return HttpResponseError(response=response)


def refused(status: int, code: str, message: str = "said ARM", **headers: str) -> HttpResponseError:
    return answer(status, {"error": {"code": code, "message": message}}, **headers)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "ResourceNotFound", NotFoundError),
        (404, "ResourceGroupNotFound", NotFoundError),
        (403, "AuthorizationFailed", ForbiddenError),
        (403, "RequestDisallowedByPolicy", ForbiddenError),
        (401, "ExpiredAuthenticationToken", ForbiddenError),
        (409, "ScopeLocked", PermanentError),
        (400, "InvalidValuesForRequestParameters", PermanentError),
        (400, "PrivateEndpointConnectionStatusNotPending", PermanentError),
        (409, "StorageAccountOperationInProgress", TransientError),
        (409, "ConflictError", TransientError),
        (409, "RequestConflict", TransientError),
        (409, "AnotherOperationInProgress", TransientError),
        (409, "Conflict", TransientError),
        (409, "409002", TransientError),
        (412, "PreconditionFailed", TransientError),
        (429, "SubscriptionRequestsThrottled", TransientError),
        (429, "TooManyRequests", TransientError),
        (400, "AnotherOperationInProgress", TransientError),
        (500, "InternalServerError", TransientError),
        (503, "ServiceUnavailable", TransientError),
    ],
)
def test_each_kind_of_refusal_is_told_apart(status: int, code: str, kind: type[ApproverError]) -> None:
    error = translate(refused(status, code), "PUT x")
    assert type(error) is kind
    assert error.code == code
    assert str(error).startswith("PUT x: ")
    assert "said ARM" in str(error)


def test_arms_retry_after_goes_with_the_error() -> None:
    error = translate(refused(429, "TooManyRequests", Retry_After="120"), "GET x")
    assert isinstance(error, TransientError)
    assert error.retry_after == 120


@pytest.mark.parametrize("value", ["Sat, 21 Nov 2026 12:00:00 GMT", "soon", "", "inf", "nan"])
def test_a_retry_after_that_is_no_number_is_not_heeded(value: str) -> None:
    error = translate(refused(503, "x", Retry_After=value), "GET x")
    assert isinstance(error, TransientError)
    assert error.retry_after is None


@pytest.mark.parametrize(
    "error", [ServiceRequestError("no route"), ServiceResponseError("cut off"), AzureError("something else")]
)
def test_no_answer_at_all_may_pass(error: AzureError) -> None:
    assert isinstance(translate(error, "GET x"), TransientError)


@pytest.mark.parametrize(
    "error",
    [
        CredentialUnavailableError("no identity endpoint"),
        ClientAuthenticationError("the identity endpoint did not answer"),
        TokenError("no token"),
        ClientAuthenticationError(response=answer(503, "").response),
        ClientAuthenticationError(response=answer(429, "").response),
    ],
    ids=str,
)
def test_an_identity_that_is_out_may_come_back(error: AzureError) -> None:
    assert type(translate(error, "GET x")) is TransientError


@pytest.mark.parametrize("status", [401, 403])
def test_what_arm_itself_refuses_it_refuses_for_good(status: int) -> None:
    error = ClientAuthenticationError(response=refused(status, "AuthorizationFailed").response)
    assert type(translate(error, "GET x")) is ForbiddenError


def test_a_request_that_was_led_elsewhere_is_no_matter_of_patience() -> None:
    assert type(translate(PinnedError("elsewhere"), "GET x")) is PermanentError


@pytest.mark.parametrize(
    "error", [answer(204, ""), DecodeError(response=answer(200, "<html>").response), answer(302, {})]
)
def test_an_answer_that_is_none_may_be_one_the_next_time(error: HttpResponseError) -> None:
    assert type(translate(error, "GET x")) is TransientError


def test_a_list_of_several_pages_says_so() -> None:
    listed = collect(iter([[{"id": "1"}], [], [{"id": "2"}]]), "GET x")
    assert [item["id"] for item in listed] == ["1", "2"]
    assert listed.pages == 3


@pytest.mark.parametrize("pages", [[[{}]] * (MOST_PAGES + 1), [[{}] * (MOST_ITEMS + 1)]])
def test_a_list_without_end_is_an_error(pages: list[list[dict[str, Any]]]) -> None:
    with pytest.raises(PermanentError, match="does not end"):
        collect(iter(pages), "GET x")


def test_a_bare_error_of_iot_hubs_has_its_code() -> None:
    error = answer(412, {"code": 412001, "message": "etag"})
    assert error_code(error) == "412001"
    assert isinstance(translate(error, "PUT x"), TransientError)


@pytest.mark.parametrize(
    "body", ["<html>Bad gateway</html>", "", [], {"error": "text"}, {"error": {"message": "none"}}]
)
def test_an_answer_without_a_code_has_its_status_for_one(body: Any) -> None:
    assert error_code(answer(502, body)) == "Http502"


def test_a_sentence_of_arms_is_one_line_of_bounded_length() -> None:
    error = translate(refused(400, "Bad", "line\n" * 1000), "PUT x")
    assert "\n" not in str(error)
    assert len(str(error)) < 600


class Answered(Arm):
    """ARM as it answers every request with the same."""

    def __init__(self, status: int, content: bytes) -> None:
        super().__init__("https://arm.example", "https://arm.example", NoCredential())
        self.response: Any = SimpleNamespace(
            status_code=status, content=content, request=SimpleNamespace(method="GET"), json=lambda: json.loads(content)
        )

    def send(self, *_: Any, **__: Any) -> Any:
        return self.response


class NoCredential:
    """A credential that nobody asks."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        raise AssertionError(f"no token of {scopes} is needed here")


def test_an_empty_200_says_nothing_and_only_a_204_that_something_is_not_there() -> None:
    with pytest.raises(TransientError):
        Answered(200, b"").get("/x", "1")
    with pytest.raises(NotFoundError) as gone:
        Answered(204, b"").get("/x", "1")
    assert gone.value.code == NO_CONTENT
    assert Answered(200, b"{}").get("/x", "1") == {}


@pytest.mark.parametrize(
    ("answer", "items"),
    [({"value": [{"n": 1}], "nextLink": ""}, [{"n": 1}]), ({"value": None}, []), ([{"n": 1}], [{"n": 1}])],
)
def test_a_list_of_one_page_is_one_page_in_whatever_form_it_comes(answer: Any, items: Any) -> None:
    listed = Answered(200, json.dumps(answer).encode()).pages("/x", "1")
    assert (list(listed), listed.pages) == (items, 1)
