"""What an attacker learned from a request of ours is of no use when we make it again."""

from __future__ import annotations

import secrets

import pytest

from tests.attacks.services import SERVICES, Owner, twin_of
from tests.functional.estate import READY
from tests.functional.world import World, allow


@pytest.mark.parametrize("required", [True, False])
def test_a_copy_from_before_is_not_approved_when_an_endpoint_is_made_again_with_its_old_message(
    world: World, required: bool
) -> None:
    ours = Owner.make(world.azure, "kusto", world.home.subscription)
    world.policy({"ours": ours.requester(requireMessage=required)}, allow("ours"))
    account, message = world.storage_account(), secrets.token_urlsafe(18)
    genuine = ours.ask(account, "blob", name="mpe", message=message)
    copy = twin_of(ours).ask(account, "blob", name="mpe", message=message)
    world.time.advance(READY)
    world.wake(account)
    genuine.delete()
    world.time.advance(300)
    world.wake(account)

    again = ours.ask(account, "blob", name="mpe", message=message)
    world.wake(account)
    world.later(READY)
    world.wake(account)

    assert (copy.status, again.status) == ("Pending", "Pending"), "the copy is not taken for it, and holds it up"
    copy.delete()
    world.time.advance(300)
    world.wake(account)

    assert again.status == "Approved"


@pytest.mark.parametrize("service", SERVICES)
def test_an_endpoint_made_again_is_as_spent_as_the_first_one_when_its_connection_is_deleted_at_the_target(
    world: World, service: str
) -> None:
    ours = Owner.make(world.azure, service, world.home.subscription)
    world.policy({"ours": ours.requester()}, allow("ours"))
    account = world.storage_account()
    for round_ in range(2):
        genuine = ours.ask(account, "blob", name="mpe", message="please")
        world.time.advance(READY)
        world.wake(account)
        assert genuine.status == "Approved"
        connection_id = genuine.request.connection_id
        if round_ == 0:
            genuine.delete()
            world.time.advance(READY)
            world.sweep()
    twin = twin_of(ours).ask(account, "blob", name="mpe", message="please")
    world.time.advance(READY)
    world.azure.arm("DELETE", connection_id, account.version)

    world.wake(account)

    assert twin.status == "Pending"
    (newest, *_older) = world.recorded(account, "held")
    assert newest["reasons"][0]["check"] == "evidence.spent"
