"""Resource Graph's answers: what was cut off is said, what is no table is none, and pages end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.azure.arm import Arm
from shared.azure.graph import query_graph
from shared.errors import PermanentError, TransientError
from tests.functional.azure.hostile import Asked, Identity, Reply, Server


@pytest.fixture
def arm(service: Server, identity: Identity) -> Arm:
    return Arm(service.url, "https://management.azure.com", identity)


def page(*ids: str, **more: Any) -> dict[str, Any]:
    return {"data": [{"id": one} for one in ids], "resultTruncated": "false", **more}


def test_all_pages_are_read(service: Server, arm: Arm) -> None:
    def answer(asked: Asked) -> Reply:
        body = json.loads(asked.body)
        assert body["subscriptions"] == ["s"]
        last = body["options"].get("$skipToken") == "next"
        return Reply(body=page("2") if last else page("1", **{"$skipToken": "next", "resultTruncated": "true"}))

    service.answer = answer
    found = query_graph(arm, "resources", {"subscriptions": ["s"]})
    assert ([row["id"] for row in found], found.incomplete) == (["1", "2"], None)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=page("1", resultTruncated="true")),
        Reply(body=page("1", resultTruncated=True)),
        Reply(body=page("1"), headers={"x-ms-tenant-subscription-limit-hit": "true"}),
    ],
)
def test_an_answer_that_was_cut_off_says_so(reply: Reply, service: Server, arm: Arm) -> None:
    service.answer = lambda _: reply
    found = query_graph(arm, "resources", {"subscriptions": ["s"]})
    assert [row["id"] for row in found] == ["1"]
    assert found.incomplete is not None


@pytest.mark.parametrize("body", [None, [], {}, {"data": None}, {"data": {}}, {"data": ["x"]}, "text"], ids=str)
def test_what_is_no_table_is_no_empty_one(body: Any, service: Server, arm: Arm) -> None:
    service.answer = lambda _: Reply(body=body)
    with pytest.raises(TransientError):
        query_graph(arm, "resources", {"subscriptions": ["s"]})


def test_pages_without_end_are_an_error(service: Server, arm: Arm) -> None:
    service.answer = lambda _: Reply(body=page(**{"$skipToken": "again"}))
    with pytest.raises(PermanentError, match="does not end"):
        query_graph(arm, "resources", {"subscriptions": ["s"]})
