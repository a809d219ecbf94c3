"""Private endpoints that people make: every way to pass for a partner's, at every target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from shared.model.check import Check, FailedCheck
from shared.model.decision import Outcome
from shared.model.requester import HOME as HOME_WORD
from shared.model.requester import PrivateEndpointRequester, PrivateEndpointView
from shared.resource_id import ResourceId
from tests.situations.genuine import connection, situation, verdicts
from tests.situations.world import (
    ELSEWHERE,
    EVENT_HUBS,
    OURS,
    PARTNER_TENANT,
    PARTNERS,
    SERVICES,
    STORAGE,
    TENANTS,
    THEIRS,
    private_endpoint,
)


def people(**selectors: Any) -> PrivateEndpointRequester:
    """A partner's private endpoints, by tenant and subscription."""
    known: dict[str, Any] = {"tenants": frozenset({PARTNER_TENANT}), "subscriptions": frozenset({PARTNERS})}
    return PrivateEndpointRequester("partner", **{**known, **selectors})


GENUINE = private_endpoint("pe-partner", PARTNERS, "rg-hub")
ITSELF = people(private_endpoints=frozenset({GENUINE.lower()}))
GROUP = people(resource_groups=frozenset({f"/subscriptions/{PARTNERS}/resourcegroups/rg-hub"}))
BY_TENANT = people(subscriptions=frozenset())
BY_SUBSCRIPTION = people(tenants=frozenset())
AT_HOME = people(tenants=frozenset({HOME_WORD}), subscriptions=frozenset())


@dataclass(frozen=True)
class Pretender:
    """A private endpoint that is not the partner's; `check` is what a rule for `who` says to it."""

    name: str
    endpoint_id: str | None
    check: Check
    who: PrivateEndpointRequester = BY_TENANT


def in_(subscription: str, name: str = "pe-partner", group: str = "rg-hub") -> str:
    return private_endpoint(name, subscription, group)


PRETENDERS = (
    Pretender("the partner's names in another subscription", in_(THEIRS), Check.TENANT, people()),
    Pretender("the partner's names in another tenant", in_(THEIRS), Check.TENANT),
    Pretender("the partner's names where only the subscription counts", in_(THEIRS), Check.SUBSCRIPTION, BY_SUBSCRIPTION),
    Pretender("the partner's names in our own tenant", in_(OURS), Check.TENANT),
    Pretender("the partner's names for a rule about home", in_(PARTNERS), Check.TENANT, AT_HOME),
    Pretender("a subscription that ARM does not know", in_(ELSEWHERE), Check.TENANT),
    Pretender("a subscription of Microsoft's, named in the policy", in_(SERVICES), Check.TENANT,
              people(tenants=frozenset(), subscriptions=frozenset({SERVICES}))),
    Pretender("a subscription nobody knows, named in the policy", in_(ELSEWHERE), Check.TENANT,
              people(tenants=frozenset(), subscriptions=frozenset({ELSEWHERE}))),
    Pretender("another group of the partner's", in_(PARTNERS, group="rg-hub2"), Check.RESOURCE_GROUP, GROUP),
    Pretender("a group with more before its name", in_(PARTNERS, group="xrg-hub"), Check.RESOURCE_GROUP, GROUP),
    Pretender("a group with a look-alike in its name", in_(PARTNERS, group="rg-hυb"), Check.RESOURCE_GROUP, GROUP),
    Pretender("another endpoint of the partner's", in_(PARTNERS, "pe-partner2"), Check.PRIVATE_ENDPOINT, ITSELF),
    Pretender("an endpoint with a look-alike in its name", in_(PARTNERS, "pe-раrtner"), Check.PRIVATE_ENDPOINT, ITSELF),
    Pretender("an endpoint that ends in a Kelvin sign", in_(PARTNERS, "pe-partner\u212a"), Check.PRIVATE_ENDPOINT, ITSELF),
    Pretender("no id", None, Check.PRIVATE_ENDPOINT),
    Pretender("an id with a line break", f"{GENUINE}\n", Check.PRIVATE_ENDPOINT),
    Pretender("an id in an id", f"{GENUINE}{GENUINE}", Check.PRIVATE_ENDPOINT),
    Pretender("an id that climbs up", GENUINE.replace("rg-hub", "rg-hub/../rg-hub"), Check.PRIVATE_ENDPOINT),
    Pretender("an id of a network interface", GENUINE.replace("privateEndpoints", "nics"), Check.PRIVATE_ENDPOINT),
)  # fmt: skip


def named(one: Pretender) -> str:
    return one.name.replace(" ", "-")


@pytest.mark.parametrize("pretender", PRETENDERS, ids=named)
@pytest.mark.parametrize("target", [STORAGE, EVENT_HUBS], ids=lambda target: target.name)
def test_a_pretender_is_held_and_does_not_hold_the_partner_up(target: ResourceId, pretender: Pretender) -> None:
    genuine = {AT_HOME: in_(OURS)}.get(pretender.who, GENUINE)
    false, true = connection(target, pretender.endpoint_id, "please"), connection(target, genuine, "please")

    said = verdicts(situation(target, (false, true)), pretender.who)

    assert said[false.id].outcome is Outcome.HELD
    assert said[false.id].reasons[0].check is pretender.check
    named_in_policy = {SERVICES, ELSEWHERE} & pretender.who.subscriptions
    assert said[true.id].outcome is (Outcome.HELD if named_in_policy else Outcome.APPROVED)


@pytest.mark.parametrize("target", [STORAGE, EVENT_HUBS], ids=lambda target: target.name)
def test_nobody_is_at_home_while_our_own_tenant_is_unknown(target: ResourceId) -> None:
    own = connection(target, in_(OURS))
    unknown = {**TENANTS, OURS: None}
    world = situation(target, (own,), tenants=unknown, home_tenant=None)

    assert verdicts(world, AT_HOME)[own.id].outcome is Outcome.HELD


def broken(check: Check) -> PrivateEndpointView:
    return PrivateEndpointView(check is not Check.UNREADABLE, problem=FailedCheck(check))


VIEWS = (
    ("is not there", broken(Check.NOT_FOUND), Check.NOT_FOUND),
    ("is not ready", broken(Check.NOT_READY), Check.NOT_READY),
    ("cannot be read now", broken(Check.UNREADABLE), Check.UNREADABLE),
    ("shows another sub-resource", PrivateEndpointView(True, "queue"), Check.NOT_FOUND),
)  # fmt: skip


@pytest.mark.parametrize(("what", "view", "check"), VIEWS, ids=[what.replace(" ", "-") for what, _, _ in VIEWS])
def test_a_partner_s_endpoint_that_does_not_agree_is_held(what: str, view: PrivateEndpointView, check: Check) -> None:
    assert what
    own = connection(EVENT_HUBS, GENUINE)
    world = situation(EVENT_HUBS, (own,), private_endpoints={GENUINE.lower(): view})

    verdict = verdicts(world, people())[own.id]

    assert (verdict.outcome, verdict.reasons[0].check) == (Outcome.HELD, check)


def test_a_private_endpoint_that_may_not_be_read_does_not_tell_a_sub_resource_that_a_rule_asks_for() -> None:
    own = connection(STORAGE, GENUINE)
    verdict = verdicts(situation(STORAGE, (own,)), people(), sub_resources=frozenset({"blob"}))[own.id]

    assert (verdict.outcome, verdict.reasons[0].check) == (Outcome.HELD, Check.SUB_RESOURCE)
