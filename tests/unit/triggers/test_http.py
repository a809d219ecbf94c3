"""A call of the HTTP API: what counts as a body, and whose call it is."""

from __future__ import annotations

import pytest

from shared.model.decision import Person
from shared.triggers.http import JSON, BadRequestError, Call, call_of, fields_of, refused
from tests.unit.triggers.principals import OBJECT_ID, header

EXAMPLE = {"scope": "<id>", "dryRun": False}


def refusal(call: Call) -> tuple[int, str]:
    """Status and code of the answer to a call whose body cannot be used."""
    with pytest.raises(BadRequestError) as error:
        fields_of(call, EXAMPLE)
    answer = refused(error.value)
    return answer.status, answer.body["error"]["code"]


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON", " application/json ;charset=utf-8"],
)
def test_a_body_of_json_is_taken(content_type: str) -> None:
    assert fields_of(Call(b'{"scope": "all"}', content_type), EXAMPLE) == {"scope": "all"}


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "application/json,text/plain",
        "application/jsonp",
        "application/json-patch+json",
    ],
)
def test_a_body_that_any_web_page_can_send_is_415(content_type: str) -> None:
    assert refusal(Call(b'{"scope": "all"}', content_type)) == (415, "UnsupportedMediaType")


def test_a_malformed_body_of_another_type_is_415_too() -> None:
    assert refusal(Call(b"{", "text/plain")) == (415, "UnsupportedMediaType")


def test_what_is_missing_altogether_is_no_body_of_another_type() -> None:
    assert refusal(Call(b"", "")) == (400, "InvalidJson")


@pytest.mark.parametrize(
    "body",
    [
        b'{"scope": "all", "scope": "/subscriptions/x"}',
        b'{"dryRun": true, "scope": "all", "dryRun": false}',
        b'{"scope": {"a": 1, "a": 2}}',
    ],
)
def test_a_key_that_stands_twice_is_400(body: bytes) -> None:
    assert refusal(Call(body, JSON)) == (400, "DuplicateKey")


def test_a_key_that_stands_twice_is_named_and_cut() -> None:
    name = b"n" * 300
    with pytest.raises(BadRequestError) as error:
        fields_of(Call(b'{"%s": 1, "%s": 2}' % (name, name), JSON), EXAMPLE)
    assert "nnn" in str(error.value)
    assert len(str(error.value)) < 200


def test_a_call_has_its_body_and_its_content_type() -> None:
    call = call_of(b"{}", {"content-type": "application/json", "x-other": "y"}, authenticated=False)
    assert call == Call(b"{}", "application/json", None)


def test_a_call_without_a_content_type_has_none() -> None:
    assert call_of(b"{}", {}, authenticated=False).content_type == ""


def test_who_calls_is_who_app_service_authentication_says() -> None:
    headers = {"content-type": JSON, "x-ms-client-principal": header()}
    assert call_of(b"{}", headers, authenticated=True).asked_by == Person("Ada Lovelace", OBJECT_ID)


def test_a_forged_header_names_nobody_where_app_service_authentication_is_off() -> None:
    headers = {"content-type": JSON, "x-ms-client-principal": header()}
    assert call_of(b"{}", headers, authenticated=False).asked_by is None


def test_the_other_headers_of_a_principal_name_nobody() -> None:
    headers = {"x-ms-client-principal-name": "ada@contoso.com", "x-ms-client-principal-id": OBJECT_ID}
    assert call_of(b"{}", headers, authenticated=True).asked_by is None
