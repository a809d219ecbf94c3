"""What holds of every decision, whatever the policy and the situation."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import event, given
from hypothesis import strategies as st

from shared.model.decision import Outcome
from shared.model.requester import HOME, MICROSOFT_TENANTS, PrivateEndpointRequester
from shared.model.situation import Situation, Target
from shared.policy.approval_text import stamp
from shared.policy.decide import decide
from shared.policy.rules import Effect, Policy, Rule, Targets
from shared.policy.verdict import Verdict
from tests.situations.strategies import policies, rules, situations
from tests.situations.world import TODAY


def approved(situation: Situation, policy: Policy) -> set[str]:
    """The connections that are approved, whether that is acted on or, in audit mode, only said."""
    verdicts = decide(situation, policy, TODAY)
    return {verdict.connection.id for verdict in verdicts if verdict.outcome is Outcome.APPROVED}


@given(situations(), policies(limits=False), st.data())
def test_the_order_of_rules_never_changes_an_outcome(situation: Situation, policy: Policy, data: st.DataObject) -> None:
    shuffled = replace(policy, rules=tuple(data.draw(st.permutations(policy.rules))))
    before, after = decide(situation, policy, TODAY), decide(situation, shuffled, TODAY)
    assert [(v.outcome, v.mode, v.firewall) for v in before] == [(v.outcome, v.mode, v.firewall) for v in after]


@given(situations(), policies(limits=False), rules("added", (Effect.DENY, Effect.REJECT)))
def test_adding_a_deny_or_reject_rule_never_approves_anything(situation: Situation, policy: Policy, rule: Rule) -> None:
    """Without `maxConnections`: a request that is now denied leaves its place to another."""
    more = replace(policy, rules=(*policy.rules, rule))
    assert approved(situation, more) <= approved(situation, policy)


@given(situations(), policies(), st.data())
def test_removing_an_allow_rule_never_approves_anything(
    situation: Situation, policy: Policy, data: st.DataObject
) -> None:
    allows = [rule for rule in policy.rules if rule.effect is Effect.ALLOW]
    if not allows:
        return
    gone = data.draw(st.sampled_from(allows))
    fewer = replace(policy, rules=tuple(rule for rule in policy.rules if rule is not gone))
    assert approved(situation, fewer) <= approved(situation, policy)


@given(situations(), policies())
def test_nothing_is_approved_that_no_allow_rule_describes(situation: Situation, policy: Policy) -> None:
    """The conditions of an approval, written down once more and without the decision's own code."""
    for verdict in decide(situation, policy, TODAY):
        if verdict.outcome is Outcome.APPROVED:
            event("approved")
            rule = next(rule for rule in policy.rules if rule.name == verdict.rule)
            assert rule.effect is Effect.ALLOW
            assert rule.expires is None or rule.expires >= TODAY
            assert describes(rule.targets, situation.target)
            assert verdict.requester is not None
            assert verdict.requester.name in (rule.requesters or ())
            assert identified(verdict, situation)
            assert not rule.sub_resources or verdict.sub_resource is None or verdict.sub_resource in rule.sub_resources


@given(situations(), policies())
def test_no_endpoint_is_spent_twice(situation: Situation, policy: Policy) -> None:
    verdicts = decide(situation, policy, TODAY)
    spent = [v.endpoint_id for v in verdicts if v.outcome is Outcome.APPROVED and v.endpoint_id]
    assert len(spent) == len(set(spent))


@given(situations(), policies())
def test_a_rule_never_approves_more_than_its_limit(situation: Situation, policy: Policy) -> None:
    verdicts = decide(situation, policy, TODAY)
    for rule in policy.rules:
        before = sum(c.approved and c.description == stamp("Approved", rule.name, "d") for c in situation.connections)
        now = sum(v.outcome is Outcome.APPROVED and v.rule == rule.name for v in verdicts)
        assert rule.max_connections is None or now == 0 or before + now <= rule.max_connections


@given(situations(), policies(), st.sampled_from(["tenants", "sides", "tags", "home"]))
def test_knowing_less_never_approves_anything(situation: Situation, policy: Policy, forgotten: str) -> None:
    less = {
        "tenants": lambda: replace(situation, tenants={}),
        "sides": lambda: replace(situation, sides={}),
        "tags": lambda: replace(situation, target=replace(situation.target, tags=None)),
        "home": lambda: replace(situation, home_tenant=None),
    }[forgotten]()
    assert approved(less, policy) <= approved(situation, policy)


@given(situations(), policies())
def test_every_rule_applies_or_gives_its_reason(situation: Situation, policy: Policy) -> None:
    """A rule that the index leaves out must fail for certain: it gives a reason, as every rule that does not apply."""
    for verdict in decide(situation, policy, TODAY):
        if verdict.outcome is not Outcome.UNCHANGED:
            assert verdict.reasons_omitted == 0
            told = {reason.rule for reason in verdict.reasons}
            left_out = {rule.name for rule in policy.rules} - told
            asked = policy.index.candidates(verdict.connection.private_endpoint, verdict.tenant_id)
            assert left_out <= {policy.rules[i].name for i in asked}


def describes(targets: Targets, target: Target) -> bool:
    tags = {name.lower(): value for name, value in (target.tags or {}).items()}
    whole = str(target.id).lower()
    return (
        (not targets.types or target.id.type.lower() in targets.types)
        and (not targets.subscriptions or any(f"/subscriptions/{s}/" in whole for s in targets.subscriptions))
        and (not targets.resource_groups or any(whole.startswith(f"{group}/") for group in targets.resource_groups))
        and (not targets.resources or whole in targets.resources)
        and all(tags.get(name.lower()) == value for name, value in targets.tags.items())
    )


def identified(verdict: Verdict, situation: Situation) -> bool:
    """Whether the connection is the requester's: by its subscription and tenant, or by an endpoint of the resource."""
    whole = (verdict.connection.private_endpoint_id or "").lower()
    subscription, tenant = whole.split("/")[2], verdict.tenant_id
    requester = verdict.requester
    if isinstance(requester, PrivateEndpointRequester):
        tenants = requester.tenants - {HOME} | ({situation.home_tenant} if HOME in requester.tenants else set())
        return (
            tenant not in (None, *MICROSOFT_TENANTS)
            and (not requester.tenants or tenant in tenants)
            and (not requester.subscriptions or subscription in requester.subscriptions)
            and all(whole.startswith(f"{group}/") for group in requester.resource_groups)
        )
    side = situation.sides["" if requester is None else requester.name]
    (endpoint,) = (e for e in side.endpoints if e.id == verdict.endpoint_id)
    own = verdict.connection.description == endpoint.request_message
    named = whole.endswith(f"/ws.{endpoint.name}")
    return (
        tenant in MICROSOFT_TENANTS
        and endpoint.target_id.lower() == str(situation.target.id).lower()
        and (own if requester and requester.name == "adx" else named)
    )
