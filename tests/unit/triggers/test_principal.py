"""Who asked, from the header that App Service authentication sets: read strictly, bounded, or nobody."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.decision import Person
from shared.triggers.principal import LONGEST_HEADER, LONGEST_NAME, person_of
from tests.unit.triggers.principals import (
    ADA,
    NAME_CLAIM,
    OBJECT_ID,
    OBJECT_ID_CLAIM,
    claim,
    encoded,
    header,
    principal,
)

ID = claim(OBJECT_ID_CLAIM, OBJECT_ID)


def test_a_person_is_a_name_and_an_object_id() -> None:
    assert person_of(header()) == Person("Ada Lovelace", OBJECT_ID)


def test_the_object_id_may_have_its_short_name() -> None:
    assert person_of(header(claim("oid", OBJECT_ID.upper()), claim("name", "Ada"))) == Person("Ada", OBJECT_ID)


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ([claim("name", "Ada"), claim("preferred_username", "a@x"), claim(NAME_CLAIM, "a@mail")], "Ada"),
        ([claim("preferred_username", "a@x"), claim(NAME_CLAIM, "a@mail")], "a@x"),
        ([claim(NAME_CLAIM, "a@mail")], "a@mail"),
        ([claim("appid", "0b0b0b0b-0000-4000-8000-000000000000")], None),
        ([], None),
        ([claim("name", "   ")], None),
    ],
)
def test_the_name_is_the_first_that_a_person_would_know(claims: list[dict[str, Any]], name: str | None) -> None:
    assert person_of(header(ID, *claims)) == Person(name, OBJECT_ID)


def test_a_name_is_one_line_of_plain_text_and_cut() -> None:
    person = person_of(header(ID, claim("name", "<b>Ada\r\n\u202e[x](y)\ud800" + "a" * 1000)))
    assert person is not None
    assert person.name is not None
    assert person.name.isprintable()
    assert not set("<>[]`") & set(person.name)
    assert len(person.name) == LONGEST_NAME


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        "text",
        7,
        {},
        {"claims": ADA},
        principal(auth_typ="google"),
        principal(claims=None),
        principal(claims={}),
        principal(claims=[["typ", "val"]]),
        principal(claims=[*ADA, {"typ": "x"}]),
        principal(claims=[*ADA, {"typ": "x", "val": 7}]),
        principal(claims=[*ADA, {"typ": None, "val": "x"}]),
        principal(claims=[*ADA, {**ID, "val": "99999999-0000-4000-8000-000000000000"}]),
        principal(claims=[*ADA, claim("oid", "99999999-0000-4000-8000-000000000000")]),
        principal(claims=[claim("name", "Ada")]),
        principal(claims=[claim(OBJECT_ID_CLAIM, "ada")]),
        principal(claims=[claim(OBJECT_ID_CLAIM, OBJECT_ID + "\n")]),
        principal(claims=[ID, *[claim("groups", str(n)) for n in range(10_000)]]),
    ],
    ids=lambda content: json.dumps(content)[:90],
)
def test_whatever_is_not_exactly_a_principal_is_nobody(content: Any) -> None:
    assert person_of(encoded(content)) is None


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "Ada",
        "{}",
        "é",
        header()[:-4],
        header() + "!",
        " " + header(),
        header() + "\n",
        f"{header()},{header()}",
        base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b"[" * 30_000).decode(),
        base64.b64encode(
            json.dumps(principal()).replace('"auth_typ"', '"auth_typ": "x", "auth_typ"').encode()
        ).decode(),
    ],
    ids=range(13),
)
def test_whatever_is_not_base64_of_json_is_nobody(text: str | None) -> None:
    assert person_of(text) is None


def test_a_header_that_is_too_long_is_not_even_decoded() -> None:
    padded = encoded(principal(padding="x" * LONGEST_HEADER))
    assert len(padded) > LONGEST_HEADER
    assert person_of(padded) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["auth_typ", "claims", "typ", "val"]) | st.text(), inner)
    ),
)


@given(json_values | st.builds(lambda claims: principal(claims=claims), json_values))
def test_no_json_makes_it_raise(content: Any) -> None:
    assert person_of(encoded(content)) is None or isinstance(person_of(encoded(content)), Person)


@given(st.text())
def test_no_text_makes_it_raise(text: str) -> None:
    assert person_of(text) is None
