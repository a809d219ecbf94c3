"""A stranger who opens many connections and keeps re-creating them: no approval, no delay, no shower of alerts, no shower of
reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.resource_id import parse
from shared.triggers.messages import ReviewMessage
from tests.attacks.services import NAMED, Owner, twin_of
from tests.functional.estate import READY, Party, Request, Target
from tests.functional.world import World, allow, deny

MANY = 200
"""As many private endpoint connections as a storage account takes."""


def flood(party: Party, target: Target, count: int, first: int = 0) -> list[Request]:
    return [party.endpoint(target, "blob", name=f"flood-{n}") for n in range(first, first + count)]


def withdraw(world: World, requests: list[Request]) -> None:
    for request in requests:
        world.azure.arm("DELETE", request.id, request.version, tenant=request.tenant)


@pytest.fixture
def account(world: World) -> Target:
    return world.storage_account()


@pytest.fixture
def ours(world: World) -> Owner:
    """A cluster of ours, and a policy that approves its requests and names the tenants of their private endpoints."""
    owner = Owner.make(world.azure, "kusto", world.home.subscription)
    world.policy({"ours": owner.requester(endpointTenants=NAMED)}, allow("ours"))
    return owner


def test_two_hundred_connections_made_again_and_again_cause_ten_alerts_and_a_digest_and_delay_nobody(
    world: World, account: Target, ours: Owner
) -> None:
    strangers = [world.stranger() for _ in range(10)]
    opened = [request for one in strangers for request in flood(one, account, MANY // 10)]
    genuine = ours.ask(account, "blob", message="please")
    world.time.advance(READY)

    for _ in range(2):
        world.wake(account)
        withdraw(world, opened)
        world.time.advance(60)
        opened = [request for one in strangers for request in flood(one, account, MANY // 10)]
    world.wake(account)
    withdraw(world, opened)
    world.wake(account)
    world.time.advance(61)  # what one list does not show is not gone yet
    world.wake(account)

    assert genuine.status == "Approved"
    assert len(world.alerts()) == 11
    assert [alert["subject"] for alert in world.alerts()].count(account.id) == 1
    assert len(world.calls("GET", "managedPrivateEndpoints")) == 2, (
        "a stranger in a tenant of their own passes for nobody"
    )
    assert len(world.conditions()) == 10, "what was never sent singly is forgotten"


def test_connections_that_pass_for_ours_cause_two_reads_of_our_side_for_each_review(
    world: World, account: Target, ours: Owner
) -> None:
    evil = twin_of(ours)
    for n in range(30):
        evil.ask(account, "blob", name=f"flood-{n}", message=f"please {n}")
    genuine = ours.ask(account, "blob", message="please")
    world.time.advance(READY)

    for _ in range(3):
        world.wake(account)

    assert genuine.status == "Approved"
    assert len(world.alerts()) == 11
    assert len(world.calls("GET", "managedPrivateEndpoints")) == 2 * 3


@pytest.mark.usefixtures("ours")
def test_a_few_connections_made_again_and_again_cause_no_more_alerts_than_many(world: World, account: Target) -> None:
    stranger = world.stranger()
    for round_ in range(6):
        opened = flood(stranger, account, 6, first=6 * round_)
        world.wake(account)
        withdraw(world, opened)
        world.wake(account)
        world.time.advance(60)

    assert len(world.alerts()) == 11


@pytest.mark.parametrize("cause", ["event", "sweep"])
def test_a_message_that_a_later_review_has_answered_causes_no_other(world: World, account: Target, cause: str) -> None:
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    inserted_at = datetime.now(UTC) - timedelta(seconds=10)
    world.wake(account)
    world.forget_calls()

    world.app.message_handler.handle(ReviewMessage(parse(account.id), cause), inserted_at)

    assert world.calls() == []


def test_firewall_work_that_waits_for_our_side_reads_it_no_second_time(world: World, account: Target) -> None:
    ours = Owner.make(world.azure, "synapse", world.home.subscription)
    firewall = {"publicNetworkAccess": "selectedNetworks", "settleSeconds": 1}
    world.policy({"ours": ours.requester()}, allow("ours", firewall=firewall))
    for group in ("blob", "dfs", "queue"):
        ours.ask(account, group, name=group)
    world.time.advance(READY)
    world.wake(account)
    twin_of(ours).ask(account, "blob", name="late")
    world.time.advance(READY)
    world.forget_calls()

    world.work()

    assert account.firewall["defaultAction"] == "Deny"
    assert len(world.calls("GET", "/synapse/")) == 2, "before the list and after it"


def test_a_rule_that_denies_everybody_makes_a_flood_no_louder(world: World, account: Target) -> None:
    world.policy({"hub": world.hub.requester()}, deny())
    flood(world.stranger(), account, 30)

    world.wake(account)

    assert len(world.alerts()) <= 11


def test_a_collision_with_an_endpoint_of_ours_is_alerted_by_itself_while_a_digest_stands_for_a_flood(
    world: World, account: Target, ours: Owner
) -> None:
    stranger = world.stranger()
    flood(stranger, account, 11)
    world.wake(account)
    assert len(world.alerts()) == 11
    genuine, copy = (one.ask(account, "blob", name="mpe", message="please") for one in (ours, twin_of(ours)))
    world.time.advance(READY)

    for _ in range(10):  # one connection made again and again keeps the digest open
        withdraw(world, flood(stranger, account, 1, first=20))
        world.later(7 * 60)
        world.wake(account)

    told = {alert["subject"] for alert in world.alerts()}
    assert (genuine.status, copy.status) == ("Pending", "Pending")
    assert {genuine.request.connection_id, copy.request.connection_id} <= told
