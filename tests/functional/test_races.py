"""What changes between reading and writing, and messages that come late, twice, or for nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.resource_id import parse
from shared.triggers.messages import ReviewMessage
from tests.functional.world import World, allow, deny


def test_a_request_is_decided_on_by_the_policy_that_is_in_force_when_it_is_written(world: World) -> None:
    account, cluster = world.storage_account(), world.cluster()
    requesters = {"adx": cluster.requester()}
    world.policy(requesters, allow("adx"))
    request = cluster.endpoint(account, "blob")

    def change_the_policy() -> None:
        world.policy(requesters, allow("adx"), deny())
        world.time.advance(45)

    world.wake_meanwhile(account, "GET", "/managedPrivateEndpoints", change_the_policy)
    assert request.status == "Pending"
    world.later(5)

    assert request.status == "Pending"
    assert world.writes() == []
    assert world.recorded(account)[0]["outcome"] == "denied"


def test_a_connection_is_read_again_before_it_is_written_when_the_list_has_grown_old(world: World) -> None:
    namespace = world.namespace()
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    first, second = (world.hub.endpoint(namespace, "namespace") for _ in range(2))

    world.wake_meanwhile(namespace, "GET", "/operationStatus/", second.delete)
    world.later(90)

    assert first.status == "Approved"
    assert [path for _, path in world.calls("PUT", "privateEndpointConnections")] == [first.connection_id]
    assert world.intents() == []
    assert world.alerts() == []


def test_a_request_with_another_message_than_was_decided_on_waits_for_the_next_review(world: World) -> None:
    namespace, cluster = world.namespace(), world.cluster()
    world.policy({"adx": cluster.requester(), "hub": world.hub.requester()}, allow("hub"))
    world.hub.endpoint(namespace, "namespace")
    second = world.hub.endpoint(namespace, "namespace", name="pe-same")

    def make_it_again() -> None:
        second.delete()
        world.hub.endpoint(namespace, "namespace", name="pe-same", message="another")

    world.wake_meanwhile(namespace, "GET", "/operationStatus/", make_it_again)
    assert second.status == "Pending"
    world.later(15)
    world.sweep()
    world.later(15)

    assert second.status == "Approved"
    assert len(world.calls("PUT", "privateEndpointConnections")) == 2


@pytest.mark.parametrize("cause", ["event", "sweep"])
def test_a_message_from_before_the_last_review_is_answered_already(world: World, cause: str) -> None:
    account = world.storage_account()
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    world.hub.endpoint(account, "blob")
    world.wake(account)
    world.forget_calls()

    world.app.message_handler.handle(ReviewMessage(parse(account.id), cause), datetime.now(UTC) - timedelta(seconds=30))

    assert world.calls() == []


@pytest.mark.parametrize("cause", ["settle", "retry", "manual"])
def test_a_message_with_work_of_its_own_is_never_skipped(world: World, cause: str) -> None:
    account = world.storage_account()
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    world.wake(account)
    world.forget_calls()

    world.app.message_handler.handle(ReviewMessage(parse(account.id), cause), datetime.now(UTC) - timedelta(seconds=30))

    assert world.calls() == [("GET", f"{account.id}/privateEndpointConnections")]


def test_a_message_of_the_same_second_as_the_last_list_is_not_taken_for_answered(world: World) -> None:
    account = world.storage_account()
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    world.wake(account)
    (record,) = world.records()
    listed_at = record.listed_at
    request = world.hub.endpoint(account, "blob")

    world.app.message_handler.handle(ReviewMessage(parse(account.id), "event"), listed_at)

    assert request.status == "Approved"


def test_many_events_about_a_target_that_is_held_up_queue_one_retry(world: World) -> None:
    account = world.storage_account()
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    world.hub.endpoint(account, "blob")
    world.throttle("GET", "/privateEndpointConnections", 60, times=5)

    for _ in range(5):
        world.wake(account)

    assert world.queue.causes == ["retry"]


def test_a_target_that_cannot_be_read_is_alerted_after_a_quarter_of_an_hour_once_and_still_tried(world: World) -> None:
    account = world.storage_account()
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    request = world.hub.endpoint(account, "blob")
    world.throttle("GET", "/privateEndpointConnections", 290, times=5)

    world.wake(account)
    world.later(14 * 60)
    assert world.alert_types() == []
    world.later(20 * 60)

    assert world.alert_types() == ["ReviewFailed"]
    assert request.status == "Approved"
    assert [state.active for state in world.conditions()] == [False]
