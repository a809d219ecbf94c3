"""An instance that froze and lost its lease while another took over: nothing is lost, nothing is done twice."""

from __future__ import annotations

import hashlib

import pytest
from azure.storage.blob import BlobLeaseClient

from shared.app import build
from shared.azure.leases import CONTAINER
from shared.resource_id import parse
from shared.triggers.messages import ReviewMessage
from tests.functional.estate import Target
from tests.functional.world import World, allow

FIREWALL = {"publicNetworkAccess": "disabled", "settleSeconds": 60}


def lose_lease(world: World, target: Target) -> None:
    """What time does to the lease of an instance that is frozen."""
    name = hashlib.sha256(parse(target.id).key.encode()).hexdigest()
    BlobLeaseClient(world.app.storage.container(CONTAINER).get_blob_client(name)).break_lease(0)


def take_over(world: World, target: Target) -> None:
    """Another instance reviews the target."""
    lose_lease(world, target)
    other = build(world.settings, root=world.folder, clocks=world.time.clocks, messages=world.queue)
    other.message_handler.handle(ReviewMessage(parse(target.id), "event"), None)


def once(world: World, target: Target) -> None:
    """Everything was done, once, and the ledger knows it."""
    world.later(30)
    world.later(120)
    world.sweep()
    (decision,) = world.recorded(target, "approved")
    assert (decision["applied"], decision["firewall"]["outcome"]) == (True, "tightened")
    assert "Disabled" in target.firewall.values()
    assert world.intents() == []
    assert world.alerts() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "frozen_at"), [("storage account", "PUT"), ("storage account", "GET"), ("namespace", "PUT")]
)
def test_an_instance_that_wakes_up_after_another_has_taken_over_undoes_nothing(
    world: World, kind: str, frozen_at: str
) -> None:
    target = world.namespace() if kind == "namespace" else world.storage_account()
    world.policy({"hub": world.hub.requester()}, allow("hub", firewall=FIREWALL))
    request = world.hub.endpoint(target, "namespace" if kind == "namespace" else "blob")
    connection = f"{request.connection_id}$"

    world.wake_meanwhile(target, frozen_at, connection, lambda: take_over(world, target), seconds=4)

    once(world, target)
    assert request.status == "Approved"


@pytest.mark.slow
def test_an_instance_that_wakes_up_when_another_has_decided_by_a_newer_policy_undoes_nothing(world: World) -> None:
    account = world.storage_account()
    requesters = {"hub": world.hub.requester()}
    world.policy(requesters, allow("hub", name="older", firewall=FIREWALL))
    request = world.hub.endpoint(account, "blob")

    def another_decides() -> None:
        world.policy(requesters, allow("hub", name="newer", firewall=FIREWALL))
        take_over(world, account)

    world.wake_meanwhile(account, "PUT", f"{request.connection_id}$", another_decides, seconds=4)

    once(world, account)
    assert "rule newer" in request.description
