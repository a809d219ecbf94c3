"""What `explain` says would have to change: the nearest rule about the target, and nothing that would let a stranger in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.commands.explain import explain
from shared.commands.policy import main
from shared.commands.requests import exported, read_request
from shared.model.requester import PrivateEndpointRequester
from shared.model.situation import Situation
from shared.policy.decide import decide
from shared.policy.language.findings import Report
from shared.policy.language.json_nodes import parse_json
from shared.policy.rules import Rule, Targets
from tests.policies.sample import POLICY, STORAGE, SUBSCRIPTION, genuine, private_endpoint
from tests.situations.world import (
    CONSTANT,
    ELSEWHERE,
    HOME_TENANT,
    MICROSOFT,
    OURS,
    PARTNER_TENANT,
    PARTNERS,
    SERVICES,
    STRICT_ADX,
    TODAY,
    allow,
    binding,
    connection,
    decided,
    deny,
    endpoint,
    policy,
    reject,
    situation,
)

Write = Callable[[str, str], str]
EVENT_HUBS = Targets(types=frozenset({"microsoft.eventhub/namespaces"}))


def advice(world: Situation, *rules: Rule, requesters: Any = ()) -> tuple[str | None, str]:
    """The nearest rule, and all that would have to change."""
    nearest = explain(world, world.connections[0], policy(*rules, requesters=requesters), TODAY).nearest
    assert nearest is not None
    return nearest.rule, "; ".join(nearest.changes)


STRANGER = connection("x", "", PARTNERS)
IN_MICROSOFTS = connection("x", "hello", SERVICES)


def test_a_stranger_at_a_storage_account_is_told_nothing_of_a_rule_about_event_hubs() -> None:
    world = situation(STRANGER)
    assert advice(world, allow("people", targets=EVENT_HUBS))[0] is None
    (verdict,) = decided(world, allow("people", targets=EVENT_HUBS))
    assert (verdict.reasons[0].check, verdict.reasons[0].found) == ("targetType", "Microsoft.Storage/storageAccounts")
    assert advice(world, allow("people", targets=EVENT_HUBS), allow("people", name="near"))[0] == "near"


def test_a_deny_rule_about_other_targets_says_so_first_too() -> None:
    (verdict,) = decided(situation(STRANGER), deny("people", targets=EVENT_HUBS))
    assert verdict.reasons[0].check == "targetType"


def test_people_of_another_tenant_are_named_with_a_word_of_caution() -> None:
    rule, changes = advice(situation(STRANGER), allow("people"))
    assert (rule, PARTNER_TENANT in changes, "ask the owner" in changes) == ("allows", True, True)


@pytest.mark.parametrize(
    "who",
    [
        PrivateEndpointRequester("people", frozenset({HOME_TENANT})),
        PrivateEndpointRequester("people", frozenset(), frozenset({OURS})),
        PrivateEndpointRequester("people", frozenset({HOME_TENANT}), frozenset({OURS})),
    ],
)
def test_no_tenant_and_no_subscription_of_microsoft_s_is_ever_proposed_for_people(who: Any) -> None:
    _, changes = advice(situation(IN_MICROSOFTS), allow("people"), requesters=(who,))
    assert "as a requester with its service" in changes
    assert "would have to hold" not in changes


def test_the_service_s_rule_is_nearer_than_the_people_s_for_what_lives_in_microsoft_s_tenant() -> None:
    world = situation(IN_MICROSOFTS, endpoints=(endpoint(),))
    rule, changes = advice(world, allow("people", name="people"), allow("adx", name="cluster"))
    assert (rule, "python -m shared.policy message" in changes) == ("cluster", True)


def test_a_tenant_that_is_none_of_a_service_s_says_what_would_prove_it() -> None:
    world = situation(connection("x", subscription=PARTNERS), endpoints=(endpoint(),))
    _, changes = advice(world, allow("adx"))
    assert "a managed private endpoint of adx with its message" in changes
    assert "endpointTenants that hold this tenant: only if the service itself says" in changes


@pytest.mark.parametrize(
    ("world", "rule", "expected"),
    [
        (situation(connection("x", "", ELSEWHERE)), allow("people"), "Azure does not tell it"),
        (situation(connection("x", "", OURS)), allow("people", sub_resources=frozenset({"blob"})), "must be known"),
        (situation(connection("x", "", OURS, sub_resource="dfs")), allow("people", sub_resources=frozenset({"blob"})),
         "subResources would have to hold dfs"),
        (situation(connection("x", "", OURS)), allow("people", expires=TODAY.replace(year=2020)), "a later day in expires"),
        (situation(connection("x"), endpoints=(endpoint(provisioning_state="Deleting"),)), allow("adx"),
         "a managed private endpoint of adx to this target"),
        (situation(connection("x", CONSTANT), endpoints=(endpoint(message=CONSTANT, provisioning_state="Creating"),)),
         allow("adx"), "nothing to change"),
        (situation(connection("b"), endpoints=(endpoint(),), bindings={"adx": (binding("a"),)}), allow("adx"),
         "under another name"),
        (situation(connection("x"), sides={}), allow("adx"), "must be read"),
        (situation(connection("xws.mpe"), endpoints=()), allow("ws"), "not named after ws"),
        (situation(connection(private_endpoint_id="x")), allow("people"), "a private endpoint with a whole id"),
        (situation(connection("x", "", ELSEWHERE)), reject("people"), "it must be known first"),
    ],
)  # fmt: skip
def test_every_check_says_what_would_make_it_hold(world: Situation, rule: Rule, expected: str) -> None:
    assert expected in advice(world, rule)[1]


def test_all_that_fails_of_the_nearest_rule_is_told_at_once() -> None:
    rule = allow("people", sub_resources=frozenset({"blob"}), expires=TODAY.replace(year=2020))
    _, changes = advice(situation(connection("x", "", PARTNERS, sub_resource="dfs")), rule)
    assert all(part in changes for part in (PARTNER_TENANT, "subResources", "expires"))


def test_only_requesters_that_lead_somewhere_are_explained() -> None:
    world = situation(connection("mine", "", OURS))
    assert (
        explain(
            world, world.connections[0], policy(allow("people"), allow("adx", name="a"), allow("ws", name="b")), TODAY
        ).evidence
        == ()
    )


def test_limits_are_told_right_however_many_rules_there_are() -> None:
    asking = [connection(str(n), "", OURS) for n in range(3)]
    rules = [allow("partner", name=f"r{n}") for n in range(45)] + [allow("people", name="last", max_connections=2)]
    world = situation(*asking)
    for number, applies in ((1, True), (2, False)):
        told = explain(world, asking[number], policy(*rules), TODAY)
        assert [failed is None for rule, failed in told.rules if rule.name == "last"] == [applies]
        assert (told.verdict.outcome == "approved") is applies


class TestScope:
    """What lies outside the policy's scope is neither read nor written: no command says otherwise."""

    OUTSIDE = STORAGE.replace(SUBSCRIPTION, "9" * 8 + SUBSCRIPTION[8:])

    def test_every_command_holds_it(self, policy: str, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
        request = genuine(targetId=self.OUTSIDE)
        request["endpoints"][0]["targetId"] = self.OUTSIDE
        file = write("r.json", json.dumps(request))
        assert main(["explain", policy, "--request", file, "--format", "json"]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert (shown["outcome"], shown["rule"], shown["reasons"][0]["check"]) == ("held", None, "scope")
        assert shown["nearest"]["changes"] == [
            "the target lies outside scope: name its subscription or its group there"
        ]
        assert main(["simulate", policy, "--connections", file, "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out)["results"][0]["outcome"] == "held"
        cases = write(
            "c.yaml", json.dumps([{"name": "x", "request": request, "expect": {"outcome": "held", "check": "scope"}}])
        )
        assert main(["test", policy, cases]) == 0

    def test_what_only_azure_can_tell_is_left_open(self, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
        wide = POLICY.replace("scope: {", "scope: {managementGroups: [all], ")
        request = genuine(targetId=self.OUTSIDE)
        request["endpoints"][0]["targetId"] = self.OUTSIDE
        file = write("r.json", json.dumps(request))
        assert main(["explain", write("wide.yaml", wide), "--request", file]) == 0
        assert "outcome    approved" in capsys.readouterr().out


def test_a_case_can_expect_the_mode(policy: str, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    case = {"name": "x", "request": genuine(), "expect": {"outcome": "approved", "mode": "audit"}}
    assert main(["test", policy, write("c.yaml", json.dumps([case]))]) == 1
    assert "mode: expected audit, got enforce" in capsys.readouterr().out


@pytest.mark.parametrize("alert", [False, True])
def test_a_decision_and_an_alert_are_requests(
    alert: bool, policy: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    decision: dict[str, Any] = {
        "decisionId": "1", "connectionId": "c", "targetId": STORAGE, "targetType": "Microsoft.Storage/storageAccounts",
        "privateEndpointId": private_endpoint(), "requester": {"name": None, "tenantId": HOME_TENANT}, "outcome": "held",
        "subResource": None, "requestMessage": "please", "reasons": [],
    }  # fmt: skip
    whole = {"specversion": "1.0", "data": {"severity": "high", "decision": decision}} if alert else decision
    assert main(["explain", policy, "--request", write("r.json", json.dumps(whole)), "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["targetId"], shown["requester"]["tenantId"], shown["requestMessage"]) == (
        STORAGE,
        HOME_TENANT,
        "please",
    )


def test_what_is_exported_is_decided_as_it_was() -> None:
    asking = (
        connection("a"),
        connection("b", CONSTANT),
        connection("mine", "", OURS),
        connection("old", "", status="Approved"),
    )
    world = situation(*asking, endpoints=(endpoint(), endpoint("2", CONSTANT)))
    known = policy(
        allow("adx"), allow("people", name="people"), requesters=(replace(STRICT_ADX, require_message=False),)
    )
    before = {v.connection.private_endpoint_id: v.outcome for v in decide(world, known, TODAY) if v.connection.pending}
    after = {}
    for line in map(json.dumps, exported(world, known)):
        report = Report()
        node = parse_json(line, report)
        assert node is not None
        request = read_request(node, report, known.requesters)
        assert request is not None, report.findings
        verdict = decide(request.situation(known), known, TODAY)[0]
        after[verdict.connection.private_endpoint_id] = verdict.outcome
    assert after == before
    assert set(before.values()) == {"approved"}
    assert MICROSOFT in json.dumps(list(exported(world, known)))
