"""The sweep guarantees what events only make faster."""

from __future__ import annotations

import uuid

import pytest

from shared.errors import ForbiddenError
from tests.functional.world import World, allow


@pytest.fixture
def hub(world: World) -> World:
    """A policy that approves the hub."""
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    return world


def test_it_finds_what_resource_graph_shows_and_lists_what_it_shows_as_null(hub: World) -> None:
    account, namespace = hub.storage_account(), hub.namespace()
    quiet, silent = hub.storage_account(), hub.namespace()
    requests = [hub.hub.endpoint(account, "blob"), hub.hub.endpoint(namespace, "namespace")]

    assert hub.sweep() == 2
    hub.later(15)

    assert [request.status for request in requests] == ["Approved", "Approved"]
    assert hub.calls("", quiet.id) == []
    assert hub.calls("", silent.id) == [("GET", f"{silent.id}/privateEndpointConnections")]


def test_it_finds_nothing_to_do_twice(hub: World) -> None:
    hub.hub.endpoint(hub.storage_account(), "blob")

    assert hub.sweep() == 1
    assert hub.sweep() == 0


def test_a_message_that_only_says_pending_costs_a_list_and_no_harm(hub: World) -> None:
    account = hub.storage_account()
    hub.hub.endpoint(account, "blob").decide("Approved", "no longer Pending")

    assert hub.sweep() == 1
    assert hub.writes() == []


def test_targets_of_other_subscriptions_are_not_looked_at(hub: World) -> None:
    hub.storage_account()
    elsewhere = type(hub.home)(hub.azure).storage_account()
    request = hub.hub.endpoint(elsewhere, "blob")

    assert hub.sweep() == 0
    assert request.status == "Pending"


def test_a_scope_of_one_resource_group_leaves_its_neighbours_alone(world: World) -> None:
    account = world.storage_account()
    request = world.hub.endpoint(account, "blob")
    scope = {"resourceGroups": [f"/subscriptions/{world.home.subscription}/resourceGroups/another"]}
    world.policy({"hub": world.hub.requester()}, allow("hub"), scope=scope)
    assert world.sweep() == 0

    world.policy({"hub": world.hub.requester()}, allow("hub"), scope={"resourceGroups": [world.home.group.upper()]})
    world.later(45)

    assert world.sweep() == 1
    assert request.status == "Approved"


def test_a_scope_of_a_management_group_covers_the_subscriptions_below_it(world: World) -> None:
    account = world.storage_account()
    request = world.hub.endpoint(account, "blob")
    group = f"landing-zones-{uuid.uuid4().hex[:8]}"
    world.client.local("PUT", f"managementGroups/{group}", {"subscriptions": [world.home.subscription]})
    world.policy({"hub": world.hub.requester()}, allow("hub"), scope={"managementGroups": [group]})

    world.sweep()

    assert request.status == "Approved"


def test_targets_with_unfinished_intents_are_queued_even_when_nothing_is_pending(hub: World) -> None:
    namespace = hub.namespace()
    request = hub.hub.endpoint(namespace, "namespace")
    hub.wake(namespace)  # approved, and the operation outlasts the function
    hub.queue.waiting.clear()  # the message that should finish it is lost with its host
    assert [intent.phase for intent in hub.intents()] == ["deciding"]
    hub.time.advance(60)
    hub.restart()

    assert hub.sweep() == 1

    assert request.status == "Approved"
    assert hub.intents() == []
    assert hub.recorded(namespace, "approved")[0]["applied"] is True


def test_a_firewall_that_is_due_is_tightened_though_its_message_was_lost(world: World) -> None:
    account = world.storage_account()
    world.policy({"hub": world.hub.requester()}, allow("hub", firewall={"publicNetworkAccess": "disabled"}))
    world.hub.endpoint(account, "blob")
    world.wake(account)
    world.queue.waiting.clear()
    world.time.advance(121)
    world.restart()

    world.sweep()

    assert account.firewall["publicNetworkAccess"] == "Disabled"
    (decision,) = world.recorded(account, "approved")
    assert decision["firewall"]["outcome"] == "tightened"


def test_every_target_with_a_request_is_found_at_once(hub: World) -> None:
    party = hub.hub
    requests = [party.endpoint(hub.storage_account(), "blob") for _ in range(12)]

    assert hub.sweep() == 12
    assert {request.status for request in requests} == {"Approved"}


def test_while_resource_graph_refuses_the_function_fails_loudly(hub: World) -> None:
    hub.storage_account()
    hub.fault("POST", "Microsoft.ResourceGraph", status=403, code="AccessDenied")

    with pytest.raises(ForbiddenError, match="AccessDenied"):
        hub.sweep()

    (alert,) = hub.alerts()
    assert alert["type"] == "PrivateEndpointApprover.ReviewFailed"
    assert "AccessDenied" in alert["data"]["title"]


def test_a_target_whose_type_has_null_connections_and_cannot_be_listed_is_reviewed_so_that_somebody_hears(
    hub: World,
) -> None:
    namespace = hub.namespace()
    permission = "Microsoft.EventHub/namespaces/privateEndpointConnections/read"
    hub.client.local("POST", "access", {"permission": permission, "scope": namespace.id})

    assert hub.sweep() == 1

    (alert,) = hub.alerts()
    assert (alert["type"], alert["subject"]) == ("PrivateEndpointApprover.ApprovalFailed", namespace.id)
