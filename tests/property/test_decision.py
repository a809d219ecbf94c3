"""What holds of every decision, whatever the policy and the situation."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import event, given
from hypothesis import strategies as st

from shared.evidence.model import Situation
from shared.policy.decide import decide
from shared.policy.model import Effect, Policy, Rule
from shared.policy.verdict import Outcome, Verdict
from tests.property.situations import TODAY, policies, rules, situations


def outcomes(verdicts: tuple[Verdict, ...]) -> list[Outcome]:
    return [verdict.outcome for verdict in verdicts]


def approved(situation: Situation, policy: Policy) -> set[str]:
    """The connections that are approved, whether that is acted on or, in audit mode, only said."""
    verdicts = decide(situation, policy, TODAY)
    return {verdict.connection.id for verdict in verdicts if verdict.outcome is Outcome.APPROVED}


@given(situations(), policies(), st.data())
def test_the_order_of_rules_never_changes_an_outcome(situation: Situation, policy: Policy, data: st.DataObject) -> None:
    shuffled = replace(policy, rules=tuple(data.draw(st.permutations(policy.rules))))
    before, after = decide(situation, policy, TODAY), decide(situation, shuffled, TODAY)
    event(f"{len({*outcomes(before)})} different outcomes")
    assert outcomes(before) == outcomes(after)
    assert [v.mode for v in before] == [v.mode for v in after]
    assert [v.firewall for v in before] == [v.firewall for v in after]


@given(situations(), policies(limits=False), rules("added", (Effect.DENY, Effect.REJECT)))
def test_adding_a_deny_or_reject_rule_never_approves_anything(
    situation: Situation, policy: Policy, rule: object
) -> None:
    more = replace(policy, rules=(*policy.rules, rule))
    assert approved(situation, more) <= approved(situation, policy)


@given(situations(), policies(limits=False), st.data())
def test_removing_an_allow_rule_never_approves_anything(
    situation: Situation, policy: Policy, data: st.DataObject
) -> None:
    allows = [rule for rule in policy.rules if rule.effect is Effect.ALLOW]
    if not allows:
        return
    gone = data.draw(st.sampled_from(allows))
    fewer = replace(policy, rules=tuple(rule for rule in policy.rules if rule is not gone))
    assert approved(situation, fewer) <= approved(situation, policy)
