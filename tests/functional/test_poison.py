"""What becomes of messages in the poison queue: somebody is told once, and nobody can make a flood of it."""

from __future__ import annotations

import json

import pytest

from shared.resource_id import parse
from shared.triggers.messages import ReviewMessage
from tests.functional.estate import Target
from tests.functional.world import World, allow

JUNK = [b"", b"not JSON", b"\xff\xfe", b"[]", b"{}", json.dumps({"targetId": "x", "cause": "event"}).encode()]


@pytest.fixture
def hub(world: World) -> World:
    """A policy, and a subscription that a sweep can look at."""
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    world.storage_account()
    return world


def poisoned(world: World, *texts: bytes | str) -> None:
    """The messages arrive in the poison queue."""
    for number, text in enumerate(texts):
        world.app.message_handler.failed(text, f"m-{number}")


def about(target: str, *, dry_run: bool = False, run_id: str | None = None) -> str:
    return ReviewMessage(parse(target), "event", run_id=run_id, dry_run=dry_run).to_text()


def elsewhere(target: Target) -> str:
    """The id of a target out of scope."""
    return target.id.replace(target.id.split("/")[2], "99999999-0000-4000-8000-000000000000")


def test_junk_is_one_alert_however_much_there_is(hub: World) -> None:
    poisoned(hub, *JUNK, *JUNK)
    hub.restart()
    poisoned(hub, *JUNK)

    (alert,) = hub.alerts()
    assert (alert["type"], alert["subject"]) == ("PrivateEndpointApprover.ReviewFailed", "poison")
    assert alert["data"]["severity"] == "high"
    assert alert["data"]["decision"] is None
    assert "m-0" not in json.dumps(alert)


def test_junk_that_goes_on_is_told_again_after_an_hour_and_not_before(hub: World) -> None:
    for _ in range(6):
        poisoned(hub, *JUNK)
        hub.sweep()
        hub.time.advance(9 * 60)
    assert len(hub.alerts()) == 1

    hub.time.advance(10 * 60)
    hub.sweep()
    assert len(hub.alerts()) == 1, "an hour is over, and nothing has come since"
    poisoned(hub, *JUNK)

    first, second = hub.alerts()
    assert first["subject"] == second["subject"] == "poison"
    assert first["id"] != second["id"]


def test_junk_that_came_once_leaves_no_open_alert(hub: World) -> None:
    poisoned(hub, b"junk")
    assert [state.active for state in hub.conditions()] == [True]

    hub.time.advance(3600)
    hub.sweep()

    assert not any(state.active for state in hub.conditions())


def test_a_review_of_a_target_in_scope_that_failed_for_good_is_alerted_under_it(hub: World) -> None:
    account = hub.storage_account()

    poisoned(hub, about(account.id), about(account.id))

    (alert,) = hub.alerts()
    assert (alert["type"], alert["subject"]) == ("PrivateEndpointApprover.ReviewFailed", account.id)


def test_a_message_about_a_target_out_of_scope_raises_no_alert(hub: World) -> None:
    outside = elsewhere(hub.storage_account())
    hub.forget_calls()

    poisoned(hub, about(outside), about(outside + "2"))

    assert hub.alerts() == []
    assert hub.records() == []
    assert hub.queue.poison == []
    assert hub.calls() == []


def test_a_target_out_of_scope_is_counted_as_failed_in_its_run_all_the_same(hub: World) -> None:
    account = hub.storage_account()
    hub.hub.endpoint(account, "blob")
    run = hub.reevaluate("all").body["runId"]
    hub.queue.waiting.clear()
    hub.policy({"hub": hub.hub.requester()}, allow("hub"), scope={"subscriptions": [hub.partner.subscription]})
    hub.time.advance(45)

    poisoned(hub, about(account.id, run_id=run))

    assert hub.app.reevaluation.run_status(run).body["failed"] == 1
    assert hub.alerts() == []


def test_while_the_policy_is_invalid_a_message_waits_for_its_scope(hub: World) -> None:
    account = hub.storage_account()
    hub.policy_text("no policy")

    poisoned(hub, about(account.id))

    assert hub.alerts() == []
    ((text, delay),) = hub.queue.poison
    assert (json.loads(text)["targetId"], delay) == (account.id, 300)
    hub.policy({"hub": hub.hub.requester()}, allow("hub"))
    hub.time.advance(45)
    poisoned(hub, text)
    assert [alert["subject"] for alert in hub.alerts()] == [account.id]


def test_a_dry_run_that_failed_for_good_alerts_nobody(hub: World) -> None:
    poisoned(hub, about(hub.storage_account().id, dry_run=True))

    assert hub.alerts() == []
