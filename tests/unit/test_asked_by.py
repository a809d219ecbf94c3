"""Who asked, in a decision's JSON."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.model.decision import Decision, Outcome, Person
from shared.resource_id import parse

TARGET = parse(
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg"
    "/providers/Microsoft.Storage/storageAccounts/landing"
)
DECISION = Decision("d-1", TARGET, Outcome.HELD, datetime(2026, 11, 21, tzinfo=UTC), "hash")
PERSON = Person("Ada", "5d6f2f3c-0000-4000-8000-00000000ada0")


def test_nobody_is_left_out() -> None:
    assert "askedBy" not in DECISION.to_json()


@pytest.mark.parametrize("name", ["Ada", None], ids=["a person", "an app"])
def test_who_asked_is_shown_and_read_back(name: str | None) -> None:
    asked = replace(DECISION, asked_by=replace(PERSON, name=name))
    assert asked.to_json()["askedBy"] == {"name": name, "objectId": PERSON.object_id}
    assert Decision.from_json(asked.to_json()) == asked


def test_who_asks_makes_no_other_decision() -> None:
    assert replace(DECISION, asked_by=PERSON).digest == DECISION.digest


@pytest.mark.parametrize("shown", [{"name": "Ada"}, ["Ada"], "Ada", 7])
def test_a_malformed_row_is_not_read_as_somebody(shown: Any) -> None:
    with pytest.raises((KeyError, TypeError)):
        Decision.from_json({**DECISION.to_json(), "askedBy": shown})
