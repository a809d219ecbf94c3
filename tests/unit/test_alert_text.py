"""What a requester writes reaches the subscribers of alerts as plain text only."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.alerts.conditions import Condition, condition_of, firewall_failed, firewall_restored
from shared.model.check import Check, FailedCheck
from shared.model.decision import Decision, Outcome, Reason
from shared.resource_id import parse

GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers"
TARGET = parse(f"{GROUP}/Microsoft.Storage/storageAccounts/landing")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOSTILE = "<script>\r\n[pay](https://e.test)\u202e`*_|\\{}\x00\x1b[31m\u2028\ud83d \udc00 please"
DECISION = Decision(
    "d-1",
    TARGET,
    Outcome.HELD,
    NOW,
    "hash",
    connection_id=f"{TARGET}/privateEndpointConnections/c",
    private_endpoint_id=f"{GROUP}/Microsoft.Network/privateEndpoints/pe",
    request_message=HOSTILE,
    reasons=(Reason("r", FailedCheck(Check.MESSAGE, "another message", HOSTILE)),),
)


def conditions(decision: Decision) -> list[Condition | None]:
    """Every condition that carries a decision."""
    shown = decision.to_json()
    return [condition_of(decision, None), firewall_failed(TARGET, "locked", shown), firewall_restored(TARGET, shown)]


def told(decision: Decision) -> list[dict[str, Any]]:
    """The decisions in their events."""
    return [c.event(NOW, NOW)["data"]["decision"] for c in conditions(decision) if c is not None]


@pytest.mark.parametrize("index", range(3), ids=["request", "firewall failed", "firewall restored"])
def test_no_markup_and_no_control_character_of_a_message_is_told(index: int) -> None:
    decision = told(DECISION)[index]
    for text in (decision["requestMessage"], decision["reasons"][0]["found"]):
        assert text.isprintable()
        assert not set("<>[]`|\\{}*") & set(text)
        assert text.startswith("script pay (https://e.test)")
        assert text.endswith("please")


def test_an_event_is_utf_8_whatever_a_requester_wrote() -> None:
    hostile = replace(DECISION, private_endpoint_id="/subscriptions/\ud800<x>")
    for decision in told(hostile):
        json.dumps(decision, ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize("message", ["please", "Bitte, für Müller & Söhne (Los 3)", "", None])
def test_a_harmless_message_is_told_as_it_was_written(message: str | None) -> None:
    assert {d["requestMessage"] for d in told(replace(DECISION, request_message=message))} == {message}


def test_everything_else_in_a_decision_is_told_as_it_is() -> None:
    expected = DECISION.to_json()
    for decision in told(DECISION):
        assert decision["privateEndpointId"] == DECISION.private_endpoint_id
        assert {k: v for k, v in decision.items() if k not in ("requestMessage", "reasons")} == {
            k: v for k, v in expected.items() if k not in ("requestMessage", "reasons")
        }
        assert [(r["rule"], r["check"], r["expected"]) for r in decision["reasons"]] == [
            ("r", "evidence.message", "another message")
        ]


def test_the_decision_itself_keeps_what_was_written() -> None:
    shown = DECISION.to_json()
    firewall_failed(TARGET, "locked", shown)
    assert shown["requestMessage"] == HOSTILE
