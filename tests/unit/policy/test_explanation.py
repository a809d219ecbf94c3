"""What an explanation tells of situations that a request in a file cannot describe: failing reads, spent evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.commands.explain import Explanation, explain
from shared.commands.simulate import as_text, compare, simulate_target
from shared.model.check import Check, FailedCheck
from shared.model.firewall import FirewallWish
from shared.model.requester import RequesterSide
from shared.model.situation import Situation
from shared.policy.rules import Mode, Rule
from tests.situations.world import (
    ADX,
    CONSTANT,
    OURS,
    PARTNERS,
    TODAY,
    allow,
    binding,
    connection,
    deny,
    endpoint,
    policy,
    situation,
    workspace_endpoint,
)


def explained(world: Situation, *rules: Rule, requesters: Any = ()) -> Explanation:
    return explain(world, world.connections[0], policy(*rules, requesters=requesters), TODAY)


def lines(explanation: Explanation) -> list[str]:
    """The evidence of the one requester that is named."""
    ((_, told),) = explanation.evidence
    return list(told)


def test_a_side_that_could_not_be_read_says_why() -> None:
    side = RequesterSide(problem=FailedCheck(Check.UNREADABLE, found="Microsoft.Kusto/clusters/read is missing"))
    told = lines(explained(situation(connection(), sides={"adx": side}), allow("adx")))
    assert any("evidence.unreadable: Microsoft.Kusto/clusters/read is missing" in line for line in told)
    assert told[-1].startswith("not proven: evidence.unreadable")
    assert any(
        line.endswith(": not read") for line in lines(explained(situation(connection(), sides={}), allow("adx")))
    )


def test_an_endpoint_that_was_spent_is_told() -> None:
    world = situation(connection("b"), endpoints=(endpoint(),), bindings={"adx": (binding("a"),)})
    told = lines(explained(world, allow("adx")))
    assert any(line.startswith("mpe: ") and "an approval was spent on it" in line for line in told)
    assert told[-1].startswith("not proven: evidence.spent")


def test_a_workspace_shows_states_and_no_messages() -> None:
    made = (workspace_endpoint(), workspace_endpoint("other", "", target_id="elsewhere"))
    told = lines(explained(situation(connection("ws.mpe", ""), endpoints=made), allow("ws")))
    assert "mpe: points at this target, asks for blob, provisioning Succeeded, connection Pending" in told
    assert any(line.startswith("other: points elsewhere") and "without a state yet" in line for line in told)
    assert told[-1] == "proven by mpe"


def test_only_requesters_that_a_rule_names_are_told() -> None:
    assert explained(situation(connection()), allow("people")).evidence == ()


def test_audit_mode_and_its_warning_are_shown() -> None:
    world = situation(connection("mine", "", OURS))
    text = explained(world, allow("people"), deny(mode=Mode.AUDIT)).as_text()
    assert "warning    rule denies, in audit mode, says: denied" in text
    assert "denies  deny (audit)  none: it applies" in text


def test_any_connection_of_the_target_can_be_explained() -> None:
    world = situation(connection("a", CONSTANT, PARTNERS), connection("b"), endpoints=(endpoint(),))
    assert explain(world, world.connections[1], policy(allow("adx")), TODAY).verdict.outcome == "approved"


def test_live_targets_are_simulated_and_compared_by_connection() -> None:
    world = situation(
        connection("mine", "", OURS), connection("old", "", OURS, status="Approved"), connection("gone", "", OURS)
    )
    later = replace(world, connections=world.connections[:2])
    strict = policy(allow("people", firewall=FirewallWish("disabled")), requesters=(ADX,))
    simulated = list(compare(simulate_target(world, strict, TODAY), simulate_target(later, policy(deny()), TODAY)))
    assert [(s.verdict.connection.name, s.verdict.outcome, s.other and s.other.outcome) for s in simulated] == [
        ("mine", "approved", "denied")
    ]
    assert "denied -> approved" in as_text(simulated)
    assert "firewall: left alone -> publicNetworkAccess disabled" in as_text(simulated)
    assert as_text([]).endswith("nothing")
