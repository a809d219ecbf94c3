"""An event in, a target out, or nothing; through the samples of tests/events."""

from __future__ import annotations

from typing import Any

import pytest

from shared.resource_id import ResourceId, parse
from shared.triggers.events import MalformedEventError, target_of
from tests.events.catalogue import ABOUT_A_TARGET, ABOUT_SOMETHING_ELSE, MALFORMED, event

GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/a1"
NAMESPACE = ACCOUNT.replace("Microsoft.Storage/storageAccounts", "Microsoft.EventHub/namespaces")


def target(sample: dict[str, Any]) -> ResourceId | None:
    """What the trigger makes of an event in either schema."""
    return target_of(sample.get("eventType") or sample.get("type"), sample["subject"], sample["data"])


@pytest.mark.parametrize("name", ABOUT_A_TARGET)
@pytest.mark.parametrize("id_text", [ACCOUNT, ACCOUNT.upper(), ACCOUNT.lower(), NAMESPACE])
def test_an_event_about_a_target_names_it(name: str, id_text: str) -> None:
    found = target(event(name, id_text))
    assert found is not None
    assert found.same(parse(id_text))


@pytest.mark.parametrize("name", ABOUT_SOMETHING_ELSE)
def test_an_event_about_anything_else_names_nothing(name: str) -> None:
    assert target(event(name, ACCOUNT)) is None


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_event_is_said_to_be_one_without_repeating_it(name: str) -> None:
    with pytest.raises(MalformedEventError) as error:
        target(event(name, ACCOUNT))
    assert len(str(error.value)) < 300
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "kind", [None, "", "microsoft.storage.blobcreated", "Microsoft.Resources.ResourceDeleteSuccess"]
)
def test_an_event_of_another_type_is_not_even_looked_at(kind: str | None) -> None:
    assert target_of(kind, None, object()) is None


def test_types_compare_without_regard_to_case() -> None:
    assert (
        target_of("MICROSOFT.RESOURCES.RESOURCEWRITESUCCESS", f"{ACCOUNT}/privateEndpointConnections/c", {}) is not None
    )


def test_the_uri_in_the_data_goes_before_the_subject() -> None:
    uri = {"resourceUri": f"{NAMESPACE}/privateEndpointConnections/c"}
    found = target_of("Microsoft.Resources.ResourceWriteSuccess", f"{ACCOUNT}/privateEndpointConnections/c", uri)
    assert str(found) == NAMESPACE
