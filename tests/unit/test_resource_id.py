"""ARM ids: what is one, what it names, and when two are the same."""

from __future__ import annotations

import pytest

from shared.resource_id import InvalidResourceIdError, ResourceId, fold, is_guid, parse, try_parse

SUBSCRIPTION = "/subscriptions/11111111-1111-1111-1111-111111111111"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-data"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/landing"
CONNECTION = f"{ACCOUNT}/privateEndpointConnections/landing.0d6b2f6e"


@pytest.mark.parametrize("text", [SUBSCRIPTION, GROUP, ACCOUNT, CONNECTION])
def test_an_id_is_told_back_as_it_was_written(text: str) -> None:
    assert str(parse(text)) == text


def test_a_resource_knows_its_parts() -> None:
    connection = parse(CONNECTION)
    assert connection.type == "Microsoft.Storage/storageAccounts/privateEndpointConnections"
    assert connection.names == ("landing", "landing.0d6b2f6e")
    assert connection.name == "landing.0d6b2f6e"
    assert str(connection.parent) == str(connection.top) == ACCOUNT
    assert str(connection.parent.parent) == str(connection.group) == GROUP


def test_a_subscription_and_a_resource_group_have_no_type_and_no_name() -> None:
    assert (parse(SUBSCRIPTION).type, parse(GROUP).type, parse(GROUP).name) == ("", "", "")


def test_ids_are_the_same_in_any_casing() -> None:
    loud = CONNECTION.upper()
    assert parse(loud).same(parse(CONNECTION))
    assert parse(loud).key == CONNECTION.lower()
    assert parse(loud).is_type("microsoft.storage/STORAGEACCOUNTS/privateendpointconnections")


def test_ids_of_different_resources_are_not_the_same() -> None:
    assert not parse(ACCOUNT).same(parse(CONNECTION))
    assert not parse(ACCOUNT).same(None)


def test_only_ascii_letters_fold() -> None:
    kelvin = ACCOUNT.replace("landing", "lan\u212aing")
    assert fold("K\u212a\u0130") == "k\u212a\u0130"
    assert not parse(kelvin).same(parse(ACCOUNT.replace("landing", "lanking")))


MALFORMED: list[object] = [
    "",
    "/",
    "/subscriptions",
    "/subscriptions/",
    "subscriptions/11111111-1111-1111-1111-111111111111",
    "/subscriptions/not-a-guid",
    "/subscriptions/11111111-1111-1111-1111-11111111111",
    "/subscriptions/11111111-1111-1111-1111-11111111111\u0661",
    f"{SUBSCRIPTION}/",
    f"{SUBSCRIPTION}/resourceGroups",
    f"{SUBSCRIPTION}/resourceGroups/",
    f"{SUBSCRIPTION}/resourceGroups/ends-with-a-dot.",
    f"{SUBSCRIPTION}/resourceGroups/a b",
    f"{SUBSCRIPTION}/providers/Microsoft.Storage/storageAccounts/a",
    f"{GROUP}/",
    f"{GROUP}/providers",
    f"{GROUP}/providers/Microsoft.Storage",
    f"{GROUP}/providers/Microsoft.Storage/storageAccounts",
    f"{GROUP}/providers/Storage/storageAccounts/a",
    f"{GROUP}/providers/Microsoft.Storage/storageAccounts/",
    f"{GROUP}/providers/Microsoft.Storage/storageAccounts/..",
    f"{GROUP}/providers/Microsoft.Storage/storageAccounts/a b",
    f"{GROUP}/providers/Microsoft.Storage/storageAccounts/a?api-version=1",
    f"{GROUP}/providers/Microsoft.Storage/storageAccounts/a%2fb",
    f"{GROUP}/providers/Microsoft.Storage/storageAccounts/a\n",
    f"{ACCOUNT}/",
    f"{ACCOUNT}/privateEndpointConnections",
    f"{ACCOUNT}//c",
    ACCOUNT + "a" * 3000,
    f"https://management.azure.com{ACCOUNT}",
    None,
    7,
    b"/subscriptions/11111111-1111-1111-1111-111111111111",
    [],
]


@pytest.mark.parametrize("text", MALFORMED, ids=lambda text: repr(text)[:60])
def test_what_is_not_an_id_is_refused_and_never_repaired(text: object) -> None:
    with pytest.raises(InvalidResourceIdError) as error:
        parse(text)
    assert len(str(error.value)) < 300
    assert try_parse(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("11111111-1111-1111-1111-111111111111", True),
        ("ABCDEFAB-CDEF-ABCD-EFAB-CDEFABCDEFAB", True),
        ("{11111111-1111-1111-1111-111111111111}", False),
        ("11111111111111111111111111111111", False),
        (" 11111111-1111-1111-1111-111111111111", False),
        ("11111111-1111-1111-1111-111111111111\n", False),
    ],
)
def test_a_guid_is_written_in_its_usual_form(text: str, expected: bool) -> None:
    assert is_guid(text) is expected


def test_a_subscription_is_folded_when_it_is_read() -> None:
    text = "/subscriptions/ABCDEFAB-CDEF-ABCD-EFAB-CDEFABCDEFAB"
    assert parse(text) == ResourceId("abcdefab-cdef-abcd-efab-cdefabcdefab")
