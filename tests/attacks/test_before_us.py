"""Endpoints that people approved by hand before the app was there: nobody passes for them, and they are in nobody's way."""

from __future__ import annotations

import pytest

from tests.attacks.services import SERVICES, Owner, twin_of
from tests.functional.estate import READY
from tests.functional.world import World, allow

MESSAGE = "Please Approve."
"""The message of Data Explorer's own documentation."""


@pytest.mark.parametrize("service", SERVICES)
def test_a_forgery_does_not_pass_for_an_endpoint_that_was_approved_before_the_app_was_there(
    world: World, service: str
) -> None:
    ours = Owner.make(world.azure, service, world.home.subscription)
    account = world.storage_account()
    old = ours.ask(account, "blob", name="landing", message=MESSAGE)
    world.time.advance(READY)
    old.request.decide("Approved")
    world.policy({"ours": ours.requester()}, allow("ours"))
    twin = twin_of(ours).ask(account, "blob", name="landing", message=MESSAGE)
    world.time.advance(READY)

    world.wake(account)
    world.later(3600)
    world.wake(account)

    assert twin.status == "Pending"


@pytest.mark.parametrize("service", SERVICES)
def test_a_new_endpoint_is_approved_beside_those_that_were_approved_before_the_app_was_there(
    world: World, service: str
) -> None:
    ours = Owner.make(world.azure, service, world.home.subscription)
    account = world.storage_account()
    for name, group in (("landing", "blob"), ("landing-2", "dfs")):
        old = ours.ask(account, group, name=name, message=MESSAGE)
        world.time.advance(READY)
        old.request.decide("Approved")
    world.policy({"ours": ours.requester()}, allow("ours"))
    new = ours.ask(account, "queue", name="new", message=MESSAGE)
    world.time.advance(READY)

    world.wake(account)

    assert new.status == "Approved"


def test_a_connection_that_may_have_carried_any_message_holds_up_even_a_random_one(world: World) -> None:
    ours, sister = (Owner.make(world.azure, "kusto", world.home.subscription) for _ in range(2))
    account = world.storage_account()
    old = sister.ask(account, "blob", name="landing", message=MESSAGE)
    world.time.advance(READY)
    old.request.decide("Approved")
    world.policy({"ours": ours.requester(requireMessage=True)}, allow("ours"))
    new = ours.ask(account, "blob", name="landing", message="q3Jm0wV8zKf2Lr7YtXc1aB")
    world.time.advance(READY)

    world.wake(account)

    assert new.status == "Pending"
