"""An endpoint proves one connection, once; and again when it was really made again."""

from __future__ import annotations

import pytest

from tests.functional.estate import Cluster, Target
from tests.functional.world import World, allow


@pytest.fixture
def adx(world: World) -> Cluster:
    """A cluster of ours, and a policy that approves its requests."""
    cluster = world.cluster()
    world.policy({"adx": cluster.requester()}, allow("adx"))
    return cluster


@pytest.fixture
def account(world: World) -> Target:
    return world.storage_account()


def first_checks(world: World, target: Target) -> list[str]:
    """The first failed check of every held decision."""
    return [decision["reasons"][0]["check"] for decision in world.recorded(target, "held")]


def test_an_endpoint_proves_one_connection_and_no_second_one(world: World, adx: Cluster, account: Target) -> None:
    ours = adx.endpoint(account, "blob")
    world.wake(account)
    copy = world.stranger().cluster().endpoint(account, "blob", message=ours.message)

    world.wake(account)

    assert (ours.status, copy.status) == ("Approved", "Pending")
    assert first_checks(world, account) == ["evidence.spent"]


def test_an_endpoint_stays_spent_when_its_connection_is_deleted_at_the_target(
    world: World, adx: Cluster, account: Target
) -> None:
    ours = adx.endpoint(account, "blob")
    world.wake(account)
    world.azure.arm("DELETE", ours.connection_id, account.version)
    copy = world.stranger().cluster().endpoint(account, "blob", message=ours.message)

    world.sweep()
    world.wake(account)

    assert copy.status == "Pending"
    assert first_checks(world, account) == ["evidence.spent"]


@pytest.mark.parametrize("swept", [True, False])
def test_an_endpoint_that_is_deleted_and_made_again_under_its_name_is_approved_again(
    world: World, adx: Cluster, account: Target, swept: bool
) -> None:
    first = adx.endpoint(account, "blob", name="landing")
    world.wake(account)
    first.delete()
    if swept:
        world.sweep()
    again = adx.endpoint(account, "blob", name="landing", message=first.message)

    world.wake(account)

    assert again.status == "Approved"
    assert len(world.recorded(account, "approved")) == 2
