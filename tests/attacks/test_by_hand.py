"""A forgery waits beside the genuine request until a person has decided on one of them: it must not profit from that."""

from __future__ import annotations

import secrets
import uuid

import pytest

from shared.policy.model import Service
from tests.attacks.services import SERVICES, Owner
from tests.functional.world import World, allow

MADE = 200
"""Seconds after which every service has made an endpoint."""


@pytest.mark.parametrize("decision", ["Approved", "Rejected"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_perfect_forgery_stays_pending_when_somebody_decides_on_the_genuine_request_by_hand(
    world: World, service: Service, decision: str
) -> None:
    ours = Owner.make(world.azure, service, world.home.subscription)
    world.policy({"ours": ours.requester(requireMessage=True) if service is Service.KUSTO else ours.requester()},
                 allow("ours"))  # fmt: skip
    account, message = world.storage_account(), secrets.token_urlsafe(18)
    impostor = _impostor_of(world, ours)
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


def _impostor_of(world: World, ours: Owner) -> Owner:
    """The attacker's own resource in the same service's tenant: under our name where names are another service's too."""
    subscription, tenant = str(uuid.uuid4()), str(uuid.uuid4())
    if ours.service is Service.KUSTO:
        return Owner.make(world.azure, Service.KUSTO, subscription, tenant=tenant)
    other = Service.DATA_FACTORY if ours.service is Service.SYNAPSE else Service.SYNAPSE
    return Owner.make(world.azure, other, subscription, tenant=tenant, name=ours.name)
