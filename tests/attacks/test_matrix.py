"""Every kind of requester x every forgery x every target x every moment: never approved, and for the reason that holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from shared.model.check import Check
from shared.model.connection import Connection
from shared.model.decision import Outcome
from shared.model.requester import Service
from shared.policy.rules import Policy
from shared.resource_id import ResourceId
from tests.attacks.forgeries import FORGERIES, Fit, Forgery
from tests.attacks.paper import (
    EVENT_HUBS,
    STORAGE,
    Genuine,
    Paper,
    policy,
    service_requester,
)

TARGETS = (STORAGE, EVENT_HUBS)


@dataclass(frozen=True)
class Kind:
    """A kind of requester. A short message is one that anybody may guess."""

    name: str
    service: Service
    random: bool = True

    def genuine(self, target: ResourceId) -> Genuine:
        known = Genuine(self.service, target)
        return known if self.random else replace(known, message="Please approve.")

    def policy(self) -> Policy:
        return policy(service_requester(self.service, require_message=self.service is Service.KUSTO and self.random))


KINDS = (
    Kind("kusto", Service.KUSTO),
    Kind("kusto-with-a-short-message", Service.KUSTO, random=False),
    Kind("synapse", Service.SYNAPSE),
    Kind("data-factory", Service.DATA_FACTORY),
)


@dataclass(frozen=True)
class Moment:
    """When the forgery is there, and what else is.

    `whole` is the check that stops a forgery which has all of the genuine request.
    `waits`: an endpoint of ours waits for its approval, so that a forgery is compared with it.
    """

    name: str
    paper: Callable[[Genuine, Connection], Paper]
    whole: Check
    waits: bool = True


def early(genuine: Genuine, forged: Connection) -> Paper:
    return Paper(genuine.target, [(forged,)], (genuine.endpoint(ready=False),))


def racing(genuine: Genuine, forged: Connection) -> Paper:
    return Paper(genuine.target, [(forged, genuine.connection())], (genuine.endpoint(),))


def between(genuine: Genuine, forged: Connection) -> Paper:
    own = genuine.connection()
    return Paper(genuine.target, [(own,), (forged, own)], (genuine.endpoint(),))


def overtaken(genuine: Genuine, forged: Connection) -> Paper:
    return Paper(genuine.target, [(forged,), (forged, genuine.connection())], (genuine.endpoint(),))


def spent(genuine: Genuine, forged: Connection) -> Paper:
    own = genuine.connection("Approved", "Approved by Private Endpoint Approver: rule allowed, decision 1")
    shown = genuine.endpoint(status="Approved")
    return Paper(genuine.target, [(own, forged)], (shown,), bindings=(genuine.binding(),))


def spent_just_now(genuine: Genuine, forged: Connection) -> Paper:
    return replace(spent(genuine, forged), endpoints=(genuine.endpoint(),))


def approved_by_hand(genuine: Genuine, forged: Connection) -> Paper:
    both = (genuine.connection("Approved"), forged)
    return Paper(genuine.target, [both], (genuine.endpoint(),))


def rejected_by_hand(genuine: Genuine, forged: Connection) -> Paper:
    both = (genuine.connection("Rejected"), forged)
    return Paper(genuine.target, [both], (genuine.endpoint(),))


def approved_between(genuine: Genuine, forged: Connection) -> Paper:
    own = genuine.connection()
    after = replace(own, status="Approved", description="looked at it, it is fine")
    return Paper(genuine.target, [(own, forged), (after, forged)], (genuine.endpoint(),))


def broken(genuine: Genuine, forged: Connection) -> Paper:
    failed = replace(genuine.endpoint(ready=False), provisioning_state="Failed")
    return Paper(genuine.target, [(forged,)], (failed,))


def elsewhere(genuine: Genuine, forged: Connection) -> Paper:
    other = EVENT_HUBS if genuine.target is STORAGE else STORAGE
    return Paper(genuine.target, [(forged,)], (genuine.endpoint(target=other),))


def nowhere(genuine: Genuine, forged: Connection) -> Paper:
    return Paper(genuine.target, [(forged,)])


MOMENTS = (
    Moment("before ours is ready", early, Check.NOT_READY),
    Moment("racing ours", racing, Check.AMBIGUOUS),
    Moment("arriving between the reads", between, Check.AMBIGUOUS),
    Moment("when ours arrives between the reads", overtaken, Check.AMBIGUOUS),
    Moment("after ours was approved", spent, Check.SPENT, waits=False),
    Moment("after ours was approved and before its side shows it", spent_just_now, Check.SPENT, waits=False),
    Moment("after somebody approved ours by hand", approved_by_hand, Check.AMBIGUOUS),
    Moment("after somebody rejected ours by hand", rejected_by_hand, Check.AMBIGUOUS),
    Moment("when somebody approves ours by hand between the reads", approved_between, Check.AMBIGUOUS),
    Moment("when ours could not be made", broken, Check.NOT_FOUND, waits=False),
    Moment("when ours is for another target", elsewhere, Check.NOT_FOUND, waits=False),
    Moment("when we asked for nothing", nowhere, Check.NOT_FOUND, waits=False),
)
RACES = MOMENTS[1:4]


def named(one: Kind | Moment | Forgery) -> str:
    return one.name.replace(" ", "-")


def target_name(target: ResourceId) -> str:
    return target.name


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


LEAKED = "whoever knows a random message before its request arrives is believed: docs/security.md"


@pytest.mark.parametrize("forgery", FORGERIES, ids=named)
@pytest.mark.parametrize("moment", MOMENTS, ids=named)
@pytest.mark.parametrize("target", TARGETS, ids=target_name)
@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_forgery_is_held(kind: Kind, target: ResourceId, moment: Moment, forgery: Forgery) -> None:
    genuine, fit = kind.genuine(target), forgery.fit_of(kind.service)
    if fit is Fit.WHOLE and moment.paper is early and kind.service is Service.KUSTO and kind.random:
        pytest.skip(LEAKED)
    for turn in (1, -1):
        forged = forgery.connection(genuine)
        paper = moment.paper(genuine, forged)
        paper.lists = [listed[::turn] for listed in paper.lists]

        verdict = paper.decide(kind.policy())[forged.id]

        assert (verdict.outcome, verdict.reasons[0].check) == (Outcome.HELD, expected(fit, moment))
        names_a_rule = fit not in (Fit.NO_ID, Fit.OTHER_OWNER) and not (fit is Fit.ELSEWHERE and by_message(kind))
        assert verdict.rule == ("allowed" if names_a_rule else None)


@pytest.mark.parametrize("forgery", FORGERIES, ids=named)
@pytest.mark.parametrize("moment", RACES, ids=named)
@pytest.mark.parametrize("target", TARGETS, ids=target_name)
@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_genuine_request_is_approved_beside_a_forgery_that_does_not_pass_for_it(
    kind: Kind, target: ResourceId, moment: Moment, forgery: Forgery
) -> None:
    genuine, fit = kind.genuine(target), forgery.fit_of(kind.service)
    forged = forgery.connection(genuine)
    paper = moment.paper(genuine, forged)

    own = [v for connection, v in paper.decide(kind.policy()).items() if connection != forged.id]

    if not own:  # nobody's side was asked, so there is no second list: its own event comes after the first
        assert (moment.paper, paper.reads) == (overtaken, ["list"])
    elif fit in (Fit.WHOLE, Fit.UNKNOWN):
        assert (own[0].outcome, own[0].reasons[0].check) == (Outcome.HELD, Check.AMBIGUOUS)
    else:
        assert (own[0].outcome, own[0].endpoint_id) == (Outcome.APPROVED, genuine.endpoint().id)


@pytest.mark.parametrize("target", TARGETS, ids=target_name)
@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_requester_s_side_is_read_once_however_many_pass_for_it(kind: Kind, target: ResourceId) -> None:
    genuine = kind.genuine(target)
    forged = [forgery.connection(genuine) for forgery in FORGERIES * 5]
    paper = Paper(target, [(*forged, genuine.connection())], (genuine.endpoint(),))

    paper.decide(kind.policy())

    assert paper.reads == ["list", "ours", "list"]


def test_a_request_that_turns_up_between_the_reads_is_compared_with_its_own_requester() -> None:
    workspace, factory = Genuine(Service.SYNAPSE, STORAGE), Genuine(Service.DATA_FACTORY, STORAGE)
    first, second = workspace.connection(), factory.connection()
    paper = Paper(STORAGE, [(first,), (first, second)], (workspace.endpoint(), factory.endpoint()))
    both = policy(*(replace(service_requester(s), name=s) for s in (Service.SYNAPSE, Service.DATA_FACTORY)))

    verdicts = paper.decide(both)

    assert {v.outcome for v in verdicts.values()} == {Outcome.APPROVED}
    assert paper.reads == ["list", "synapse", "list", "dataFactory", "list"]


def by_message(kind: Kind) -> bool:
    return kind.service is Service.KUSTO


NAMED = (Service.SYNAPSE, Service.DATA_FACTORY)


@pytest.mark.parametrize("service", NAMED)
@pytest.mark.parametrize("target", TARGETS, ids=target_name)
def test_the_id_of_a_private_endpoint_that_was_ours_once_is_no_evidence_when_our_endpoint_is_made_again(
    target: ResourceId, service: Service
) -> None:
    """Where two services share Microsoft's subscriptions, somebody else may have taken the name meanwhile."""
    genuine = Genuine(service, target)
    gone = replace(genuine.binding(), absent_since=datetime(2026, 11, 21, 1, tzinfo=UTC))
    taken = genuine.connection()
    asking = policy(service_requester(service))
    making = Paper(target, [(taken,)], (genuine.endpoint(ready=False),), bindings=(gone,))

    verdict = making.decide(asking)[taken.id]

    assert (verdict.outcome, verdict.reasons[0].check) == (Outcome.HELD, Check.NOT_READY)


@pytest.mark.parametrize("service", NAMED)
@pytest.mark.parametrize("target", TARGETS, ids=target_name)
def test_an_endpoint_that_is_made_again_is_proven_as_the_first_time(target: ResourceId, service: Service) -> None:
    genuine = Genuine(service, target)
    gone = replace(genuine.binding(), absent_since=datetime(2026, 11, 21, 1, tzinfo=UTC))
    own = genuine.connection()
    paper = Paper(target, [(own,)], (genuine.endpoint(),), bindings=(gone,))

    assert paper.decide(policy(service_requester(service)))[own.id].outcome is Outcome.APPROVED
