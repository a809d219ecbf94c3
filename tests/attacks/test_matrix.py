"""Every kind of requester at every moment beside every forgery: never approved, and for the reason that holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.model.check import Check
from shared.model.connection import Connection, Seen
from shared.model.decision import Outcome
from shared.model.requester import ServiceRequester
from shared.model.situation import Situation
from shared.policy.verdict import Verdict
from shared.resource_id import ResourceId
from tests.situations.forgeries import FORGERIES, Fit, Forgery
from tests.situations.genuine import Genuine, situation, verdicts
from tests.situations.world import EVENT_HUBS, STORAGE

TARGETS = (STORAGE, EVENT_HUBS)


@dataclass(frozen=True)
class Kind:
    """A kind of requester. A short message is one that anybody may guess."""

    name: str
    service: str
    random: bool = True

    def genuine(self, target: ResourceId) -> Genuine:
        known = Genuine(self.service, target)
        return known if self.random else replace(known, message="Please approve.")

    def requester(self, **more: Any) -> ServiceRequester:
        known = self.genuine(STORAGE)
        return known.requester(require_message=known.by_message and self.random, **more)


KINDS = (
    Kind("kusto", "kusto"),
    Kind("kusto-with-a-short-message", "kusto", random=False),
    Kind("synapse", "synapse"),
    Kind("data-factory", "dataFactory"),
)


@dataclass(frozen=True)
class Moment:
    """When the forgery is there, and what else is.

    `whole` is the check that stops a forgery which has all of the genuine request. `waits`: an endpoint of ours waits for
    its approval, so that a forgery is compared with it.
    """

    name: str
    world: Callable[[Genuine, Connection, Connection], Situation]
    whole: Check
    waits: bool = True


STAMP = "Approved by Private Endpoint Approver: rule allowed, decision 1"


def early(genuine: Genuine, forged: Connection, _: Connection) -> Situation:
    return situation(genuine.target, (forged,), (genuine.endpoint(ready=False),))


def racing(genuine: Genuine, forged: Connection, own: Connection) -> Situation:
    return situation(genuine.target, (forged, own), (genuine.endpoint(),))


def gone_between_the_reads(genuine: Genuine, forged: Connection, _: Connection) -> Situation:
    """Our endpoint was deleted between the first read of our side and the list: its connection is gone already."""
    return situation(genuine.target, (forged,), (genuine.endpoint(stable=False),))


def spent(genuine: Genuine, forged: Connection, own: Connection) -> Situation:
    own = replace(own, status="Approved", description=STAMP)
    return situation(genuine.target, (own, forged), (genuine.endpoint(status="Approved"),), (genuine.binding(own),))


def spent_just_now(genuine: Genuine, forged: Connection, own: Connection) -> Situation:
    own = replace(own, status="Approved", description=STAMP)
    return situation(genuine.target, (own, forged), (genuine.endpoint(),), (genuine.binding(own),))


def deleted_at_the_target(genuine: Genuine, forged: Connection, own: Connection) -> Situation:
    return situation(genuine.target, (forged,), (genuine.endpoint(),), (genuine.binding(own),))


def decided(status: str, description: str = "looked at it, it is fine") -> Callable[..., Situation]:
    """Somebody decided on ours by hand; the app has seen it waiting before."""

    def world(genuine: Genuine, forged: Connection, own: Connection) -> Situation:
        seen = Seen(own.description, datetime(2026, 11, 20, 1, tzinfo=UTC))
        own = replace(own, status=status, description=description, seen=seen)
        return situation(genuine.target, (own, forged), (genuine.endpoint(),))

    return world


def before_us(genuine: Genuine, forged: Connection, own: Connection) -> Situation:
    """Somebody approved ours before the app ever saw it, in words that left nothing of the message."""
    own = replace(own, status="Approved", description="fine")
    return situation(genuine.target, (own, forged), (genuine.endpoint(),))


def edited(genuine: Genuine, forged: Connection, own: Connection) -> Situation:
    """Somebody edited the message of ours while it waits."""
    seen = Seen(own.description, datetime(2026, 11, 20, 1, tzinfo=UTC))
    return situation(genuine.target, (replace(own, description="?", seen=seen), forged), (genuine.endpoint(),))


def broken(genuine: Genuine, forged: Connection, _: Connection) -> Situation:
    failed = genuine.endpoint(ready=False, provisioning_state="Failed")
    return situation(genuine.target, (forged,), (failed,))


def elsewhere(genuine: Genuine, forged: Connection, _: Connection) -> Situation:
    other = EVENT_HUBS if genuine.target is STORAGE else STORAGE
    return situation(genuine.target, (forged,), (genuine.endpoint(target=other),))


def nowhere(genuine: Genuine, forged: Connection, _: Connection) -> Situation:
    return situation(genuine.target, (forged,))


MOMENTS = (
    Moment("before ours is ready", early, Check.NOT_READY),
    Moment("racing ours", racing, Check.AMBIGUOUS),
    Moment("when ours is deleted between the reads", gone_between_the_reads, Check.NOT_READY),
    Moment("after ours was approved", spent, Check.SPENT, waits=False),
    Moment("after ours was approved and before its side shows it", spent_just_now, Check.SPENT, waits=False),
    Moment("after ours was approved and deleted at the target", deleted_at_the_target, Check.SPENT, waits=False),
    Moment("after somebody approved ours by hand", decided("Approved"), Check.AMBIGUOUS),
    Moment("after somebody rejected ours by hand", decided("Rejected"), Check.AMBIGUOUS),
    Moment("after ours was disconnected", decided("Disconnected"), Check.AMBIGUOUS),
    Moment("after ours lost its state", decided(""), Check.AMBIGUOUS),
    Moment("after somebody edited our message", edited, Check.AMBIGUOUS),
    Moment("after somebody approved ours before the app was there", before_us, Check.AMBIGUOUS),
    Moment("when ours could not be made", broken, Check.NOT_FOUND, waits=False),
    Moment("when ours is for another target", elsewhere, Check.NOT_FOUND, waits=False),
    Moment("when we asked for nothing", nowhere, Check.NOT_FOUND, waits=False),
)
LEAKED = (early,)
"""Whoever knows a random message, and is alone with it, is believed (docs/security.md, what remains)."""


def named(one: Kind | Moment) -> str:
    return one.name.replace(" ", "-")


def expected(fit: Fit, moment: Moment) -> Check:
    """The check that a decision must name."""
    return {
        Fit.NO_ID: Check.PRIVATE_ENDPOINT,
        Fit.ELSEWHERE: Check.TENANT,
        Fit.UNKNOWN: Check.TENANT,
        Fit.OTHER_OWNER: Check.REQUESTER,
        Fit.OTHER_ENDPOINT: Check.NAME if moment.waits else Check.NOT_FOUND,
        Fit.OTHER_MESSAGE: Check.MESSAGE if moment.waits else Check.NOT_FOUND,
        Fit.WHOLE: moment.whole,
    }[fit]


def played(
    kind: Kind, moment: Moment, **of_requester: Any
) -> Iterator[tuple[Forgery, Genuine, Verdict, list[Verdict]]]:
    """At both targets, in both orders: each forgery, what is decided on it, and on all others."""
    for target in TARGETS:
        genuine = kind.genuine(target)
        for forgery in FORGERIES:
            forged = forgery.connection(genuine)
            world = moment.world(genuine, forged, genuine.connection())
            for turn in (1, -1):
                said = verdicts(replace(world, connections=world.connections[::turn]), kind.requester(**of_requester))
                yield forgery, genuine, said.pop(forged.id), list(said.values())


@pytest.mark.parametrize("moment", MOMENTS, ids=named)
@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_forgery_is_held(kind: Kind, moment: Moment) -> None:
    for forgery, genuine, verdict, _ in played(kind, moment):
        fit = forgery.fit_of(genuine)
        if fit is Fit.WHOLE and moment.world in LEAKED and genuine.by_message and kind.random:
            assert verdict.outcome is Outcome.APPROVED, "what remains is told in docs/security.md; is it gone?"
            continue
        assert (verdict.outcome, verdict.reasons[0].check) == (Outcome.HELD, expected(fit, moment)), forgery.name


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_genuine_request_is_approved_beside_a_forgery_that_carries_nothing_of_it(kind: Kind) -> None:
    racing_ours = MOMENTS[1]
    for forgery, genuine, _, (own,) in played(kind, racing_ours):
        fit = forgery.fit_of(genuine)
        if fit in (Fit.WHOLE, Fit.UNKNOWN, Fit.ELSEWHERE) or (fit is Fit.NO_ID and carries(forgery, genuine)):
            assert (own.outcome, own.reasons[0].check) == (Outcome.HELD, Check.AMBIGUOUS), forgery.name
        else:
            assert (own.outcome, own.endpoint_id) == (Outcome.APPROVED, genuine.endpoint().id), forgery.name


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_where_the_policy_names_the_tenants_nobody_of_another_one_is_in_the_way(kind: Kind) -> None:
    racing_ours = MOMENTS[1]
    for forgery, genuine, _, (own,) in played(kind, racing_ours, tenants_named=True):
        if forgery.fit_of(genuine) is Fit.ELSEWHERE:
            assert own.outcome is Outcome.APPROVED, forgery.name


def carries(forgery: Forgery, genuine: Genuine) -> bool:
    """Whether a forgery without an id that parses shows the message, or the whole name, all the same."""
    forged = forgery.connection(genuine)
    return genuine.by_message or genuine.endpoint_name in (forged.private_endpoint_id or "")
