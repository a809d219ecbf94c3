"""Review messages: their JSON, and what follows one."""

from __future__ import annotations

import json

import pytest

from shared.resource_id import parse
from shared.triggers.messages import InvalidMessageError, ReviewMessage, parse_message

GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg"
TARGET = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/a"
RUN = "5d6f2f3c-0000-4000-8000-000000000001"
MESSAGE = ReviewMessage(parse(TARGET), "event", event_id="e", run_id=RUN)


def test_a_message_has_the_documented_shape() -> None:
    assert json.loads(MESSAGE.to_text()) == {
        "targetId": TARGET,
        "cause": "event",
        "attempt": 0,
        "eventId": "e",
        "runId": RUN,
        "dryRun": False,
    }


def test_a_message_survives_its_journey() -> None:
    assert parse_message(MESSAGE.to_text()) == MESSAGE
    assert parse_message(MESSAGE.to_text().encode()) == MESSAGE


def test_what_is_left_out_has_the_documented_default() -> None:
    assert parse_message(json.dumps({"targetId": TARGET, "cause": "sweep"})) == ReviewMessage(parse(TARGET), "sweep")


def test_keys_that_a_newer_version_adds_are_ignored() -> None:
    assert parse_message(json.dumps({"targetId": TARGET, "cause": "sweep", "new": 1})).cause == "sweep"


def test_a_retry_counts_attempts_and_a_settling_starts_afresh() -> None:
    second = MESSAGE.again("retry").again("retry")
    assert (second.cause, second.attempt, second.event_id, second.run_id) == ("retry", 2, "e", RUN)
    assert second.again("settle").attempt == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"targetId": None}, "targetId"),
        ({"targetId": "/subscriptions"}, "targetId"),
        ({"targetId": f"{TARGET}/privateEndpointConnections/c"}, "targetId"),
        ({"targetId": TARGET.replace("Microsoft.Storage/storageAccounts", "Microsoft.Web/sites")}, "targetId"),
        ({"cause": None}, "cause"),
        ({"cause": "Event"}, "cause"),
        ({"attempt": -1}, "attempt"),
        ({"attempt": 1.5}, "attempt"),
        ({"attempt": True}, "attempt"),
        ({"attempt": "1"}, "attempt"),
        ({"dryRun": 0}, "dryRun"),
        ({"dryRun": None}, "dryRun"),
        ({"eventId": 1}, "eventId"),
        ({"runId": {}}, "runId"),
        ({"runId": "a/b"}, "runId"),
        ({"runId": ""}, "runId"),
    ],
    ids=str,
)
def test_a_malformed_message_says_which_key_is_wrong(change: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidMessageError, match=said):
        parse_message(json.dumps({"targetId": TARGET, "cause": "event"} | change))


@pytest.mark.parametrize("text", ["", "nonsense", "null", "[]", "7", '"text"', b"\xff", "[" * 100_000])
def test_what_is_no_json_object_is_no_message(text: str | bytes) -> None:
    with pytest.raises(InvalidMessageError):
        parse_message(text)
