"""A forgery waits beside the genuine request until a person has decided on one of them: it must not profit from that."""

from __future__ import annotations

import secrets

import pytest

from tests.attacks.moments import moments
from tests.attacks.services import SERVICES, Owner, twin_of
from tests.functional.world import World, allow

MADE = 200
"""Seconds after which every service has made an endpoint."""


@pytest.mark.parametrize("decision", ["Approved", "Rejected"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_perfect_forgery_stays_pending_when_somebody_decides_on_the_genuine_request_by_hand(
    world: World, service: str, decision: str
) -> None:
    ours = Owner.make(world.azure, service, world.home.subscription)
    world.policy({"ours": ours.requester(requireMessage=True) if service == "kusto" else ours.requester()},
                 allow("ours"))  # fmt: skip
    account, message = world.storage_account(), secrets.token_urlsafe(18)
    impostor = twin_of(ours)
    genuine = ours.ask(account, "blob", name="mpe", message=message)
    forged = impostor.ask(account, "blob", name="mpe", message=message)
    world.time.advance(MADE)
    world.wake(account)
    assert (genuine.status, forged.status) == ("Pending", "Pending")

    genuine.request.decide(decision, description="looked at it, it is fine")
    for _ in range(3):
        world.wake(account)
        world.later(40)

    assert (genuine.status, forged.status) == (decision, "Pending")


@pytest.mark.parametrize("call", [1, 2, 3])
@pytest.mark.parametrize("decision", ["Approved", "Rejected"])
def test_a_copy_stays_pending_when_somebody_decides_on_the_genuine_request_between_the_lists_of_its_first_review(
    world: World, decision: str, call: int
) -> None:
    ours = Owner.make(world.azure, "kusto", world.home.subscription)
    world.policy({"ours": ours.requester(requireMessage=True)}, allow("ours"))
    account, message = world.storage_account(), secrets.token_urlsafe(18)
    genuine = ours.ask(account, "blob", name="mpe", message=message)
    copy = twin_of(ours).ask(account, "blob", name="mpe", message=message)
    world.time.advance(MADE)

    def decide() -> None:
        genuine.request.decide(decision, description="looked at it, it is fine")

    with moments(world.client) as moment, moment.before_call(call, decide):
        world.wake(account)
    for _ in range(3):
        world.later(60)
        world.wake(account)

    assert (genuine.status, copy.status) == (decision, "Pending")


@pytest.mark.parametrize("service", SERVICES)
def test_a_forgery_that_is_deleted_at_the_target_is_out_of_the_way_and_one_that_is_rejected_is_not(
    world: World, service: str
) -> None:
    ours = Owner.make(world.azure, service, world.home.subscription)
    world.policy({"ours": ours.requester()}, allow("ours"))
    account, message = world.storage_account(), secrets.token_urlsafe(18)
    genuine = ours.ask(account, "blob", name="mpe", message=message)
    forged = twin_of(ours).ask(account, "blob", name="mpe", message=message)
    world.time.advance(MADE)
    world.wake(account)

    forged.request.decide("Rejected")
    world.wake(account)
    assert genuine.status == "Pending", "the rejected one may be ours as well"
    world.azure.arm("DELETE", forged.request.connection_id, account.version)
    world.wake(account)

    assert genuine.status == "Approved"
