"""Who asked: the person behind a re-evaluation or a restore stands in the decisions that come of it."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model.decision import Person
from tests.functional.targets.kinds import STORAGE
from tests.functional.targets.test_restore import put_back, tightened
from tests.functional.world import World, allow

ADA = Person("Ada Lovelace", "5d6f2f3c-0000-4000-8000-00000000ada0")
BOB = Person(None, "5d6f2f3c-0000-4000-8000-000000000b0b")
SHOWN = {"name": "Ada Lovelace", "objectId": ADA.object_id}


@pytest.fixture
def hub(world: World) -> World:
    """A policy that approves the hub, and Ada at the keyboard."""
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    world.person = ADA
    return world


def test_who_asked_stands_in_the_decisions_of_a_re_evaluation(hub: World) -> None:
    account = hub.storage_account()
    hub.hub.endpoint(account, "blob")
    hub.stranger().endpoint(account, "blob")

    decisions = hub.decided(account)

    assert {d["outcome"]: d["askedBy"] for d in decisions} == {"approved": SHOWN, "held": SHOWN}
    assert [d["askedBy"] for d in hub.recorded(account)] == [SHOWN, SHOWN]
    assert [alert["data"]["decision"]["askedBy"] for alert in hub.alerts()] == [SHOWN]


def test_a_decision_that_nobody_asked_for_names_nobody(hub: World) -> None:
    account = hub.storage_account()
    hub.stranger().endpoint(account, "blob")

    hub.wake(account)

    assert [("askedBy" in d) for d in hub.recorded(account)] == [False]


def test_where_nobody_is_known_nobody_is_named(hub: World) -> None:
    hub.person = None
    account = hub.storage_account()
    hub.hub.endpoint(account, "blob")

    assert [("askedBy" in d) for d in hub.decided(account)] == [False]


def test_a_decision_stays_that_of_the_one_who_asked_first(hub: World) -> None:
    account = hub.storage_account()
    hub.stranger().endpoint(account, "blob")
    hub.decided(account)

    hub.person = BOB
    hub.decided(account)
    hub.wake(account)

    assert [d["askedBy"] for d in hub.recorded(account)] == [SHOWN]


def test_who_asked_for_a_wide_re_evaluation_stands_in_the_decisions_of_every_target(hub: World) -> None:
    accounts = [hub.storage_account(), hub.storage_account()]
    for account in accounts:
        hub.hub.endpoint(account, "blob")

    run = hub.reevaluate("all").body["runId"]
    hub.person = BOB
    hub.work()

    status = hub.app.reevaluation.run_status(run).body
    assert status["askedBy"] == SHOWN
    assert [d["askedBy"] for d in status["results"]] == [SHOWN, SHOWN]
    assert [d["askedBy"] for account in accounts for d in hub.recorded(account)] == [SHOWN, SHOWN]


def test_a_dry_run_names_who_asked_and_records_nothing(hub: World) -> None:
    account = hub.storage_account()
    hub.hub.endpoint(account, "blob")

    (decision,) = hub.decided(account, dryRun=True)

    assert decision["askedBy"] == SHOWN
    assert hub.recorded(account) == []


def restored(world: World, account: Any) -> dict[str, Any]:
    (found,) = [d for d in world.recorded(account) if d["firewall"] and d["firewall"]["outcome"] == "restored"]
    return found


def test_who_had_a_firewall_put_back_is_recorded_and_alerted(world: World) -> None:
    account, _ = tightened(world, STORAGE)
    world.person = ADA

    assert put_back(world, account).status == 200

    assert restored(world, account)["askedBy"] == SHOWN
    (alert,) = world.alerts()
    assert alert["data"]["decision"]["askedBy"] == SHOWN


def test_a_wish_that_a_later_review_finishes_is_still_that_persons(world: World) -> None:
    account, _ = tightened(world, STORAGE)
    world.person = ADA
    world.fault("PATCH", account.id, status=503, when="after", times=9)
    world.fault("PUT", account.id, status=503, when="after", times=9)
    put_back(world, account)

    world.client.local("DELETE", "faults")
    world.wake(account)
    world.later(120)

    assert restored(world, account)["askedBy"] == SHOWN
