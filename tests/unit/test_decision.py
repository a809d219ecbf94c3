"""A decision's JSON, there and back, and when two decisions are the same one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.check import Check, FailedCheck
from shared.model.decision import Decision, FirewallOutcome, FirewallResult, Outcome, Reason, WhoAsked, request_key
from shared.resource_id import parse

GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers"
TARGET = parse(f"{GROUP}/Microsoft.Storage/storageAccounts/landing")
ENDPOINT = f"{GROUP}/Microsoft.Network/privateEndpoints/pe"
CONNECTION = f"{TARGET}/privateEndpointConnections/c"
DECISION = Decision(
    decision_id="d-1",
    target=TARGET,
    outcome=Outcome.APPROVED,
    decided_at=datetime(2026, 11, 21, tzinfo=UTC),
    policy="hash",
    connection_id=CONNECTION,
    private_endpoint_id=ENDPOINT,
    requester=WhoAsked(
        "hub",
        "privateEndpoint",
        "11111111-1111-1111-1111-111111111111",
        "22222222-2222-2222-2222-222222222222",
    ),
    sub_resource="blob",
    request_message="please",
    previous_status="Pending",
    rule="hub-reads",
    reasons=(Reason("other", FailedCheck(Check.REQUESTER, "adx", "unknown")),),
    reasons_omitted=3,
    run_id="r-1",
    applied=True,
)


def test_a_decision_has_the_documented_shape() -> None:
    assert DECISION.to_json() == {
        "decisionId": "d-1",
        "runId": "r-1",
        "connectionId": CONNECTION,
        "targetId": str(TARGET),
        "targetType": "Microsoft.Storage/storageAccounts",
        "privateEndpointId": ENDPOINT,
        "requester": {
            "name": "hub",
            "service": "privateEndpoint",
            "subscriptionId": "11111111-1111-1111-1111-111111111111",
            "tenantId": "22222222-2222-2222-2222-222222222222",
        },
        "subResource": "blob",
        "requestMessage": "please",
        "previousStatus": "Pending",
        "outcome": "approved",
        "applied": True,
        "rule": "hub-reads",
        "reasons": [{"rule": "other", "check": "requester", "expected": "adx", "found": "unknown"}],
        "reasonsOmitted": 3,
        "firewall": None,
        "decidedAt": "2026-11-21T00:00:00Z",
        "policy": "hash",
    }


def test_unknown_values_are_null() -> None:
    shown = Decision("d-1", TARGET, Outcome.HELD, DECISION.decided_at, "hash", CONNECTION, applied=None).to_json()
    assert shown["requester"] == {"name": None, "service": None, "subscriptionId": None, "tenantId": None}
    unknown = ("runId", "privateEndpointId", "subResource", "requestMessage", "applied", "rule", "firewall")
    assert [shown[name] for name in unknown] == [None] * len(unknown)


def test_what_is_rarely_there_is_shown_only_where_it_is() -> None:
    rare = {"warnings", "problem", "restores"}
    assert rare.isdisjoint(DECISION.to_json())
    full = replace(DECISION, warnings=("dfs without blob",), problem="409 ScopeLocked", restores=("d-0",)).to_json()
    assert {name: full[name] for name in rare} == {
        "warnings": ["dfs without blob"],
        "problem": "409 ScopeLocked",
        "restores": ["d-0"],
    }


@pytest.mark.parametrize(
    "other",
    [
        replace(DECISION, outcome=Outcome.FAILED),
        replace(DECISION, policy="another"),
        replace(DECISION, rule="another"),
        replace(DECISION, reasons=()),
        replace(DECISION, reasons_omitted=4),
    ],
)
def test_outcome_rule_reasons_and_policy_make_a_decision_another_one(other: Decision) -> None:
    assert other.digest != DECISION.digest


@pytest.mark.parametrize(
    "other",
    [
        replace(DECISION, decision_id="d-2", run_id="r-2"),
        replace(DECISION, decided_at=datetime(2027, 1, 1, tzinfo=UTC)),
        replace(DECISION, applied=None),
        replace(DECISION, firewall=FirewallOutcome(FirewallResult.TIGHTENED)),
        replace(DECISION, request_message=None, previous_status="Approved"),
    ],
)
def test_when_it_was_made_and_how_far_it_got_do_not(other: Decision) -> None:
    assert other.digest == DECISION.digest


def test_a_request_is_its_connection_and_its_private_endpoint_in_any_casing() -> None:
    assert request_key(CONNECTION.upper(), ENDPOINT.upper()) == request_key(CONNECTION, ENDPOINT)
    assert request_key(CONNECTION, ENDPOINT + "2") != request_key(CONNECTION, ENDPOINT)
    assert request_key(CONNECTION, None) != request_key(CONNECTION, ENDPOINT)
    assert len(DECISION.key) == 32


def test_two_ids_that_are_not_the_same_have_never_one_key() -> None:
    assert request_key("/a/K", "/b") == request_key("/A/k", "/B")
    assert request_key("/a/\u212a", "/b") != request_key("/a/k", "/b"), "the Kelvin sign is no k"
    assert request_key("/a/Ü", "/b") != request_key("/a/ü", "/b")


# --- there and back

TEXTS = st.text(max_size=30)
MAYBE = st.none() | TEXTS
FIREWALLS = st.none() | st.dictionaries(st.sampled_from(["publicNetworkAccess", "rules"]), st.booleans() | TEXTS)


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    """Any decision that a review could make, and many that none would."""
    reason = st.builds(Reason, TEXTS, st.builds(FailedCheck, st.sampled_from(Check), MAYBE, MAYBE))
    outcome = st.builds(
        FirewallOutcome,
        st.sampled_from(FirewallResult),
        FIREWALLS,
        FIREWALLS,
        MAYBE.filter(lambda text: text != ""),
        st.lists(TEXTS, max_size=2).map(tuple),
    )
    seconds = draw(st.integers(0, 10**9))
    return Decision(
        decision_id=draw(TEXTS),
        target=draw(st.sampled_from([TARGET, parse(f"{GROUP}/Microsoft.Sql/servers/ß-ı-K")])),
        outcome=draw(st.sampled_from(Outcome)),
        decided_at=datetime(2026, 1, 1, tzinfo=UTC)
        + timedelta(seconds=seconds, milliseconds=draw(st.integers(0, 999))),
        policy=draw(TEXTS),
        connection_id=draw(MAYBE),
        private_endpoint_id=draw(MAYBE),
        requester=WhoAsked(draw(MAYBE), draw(MAYBE), draw(MAYBE), draw(MAYBE)),
        sub_resource=draw(MAYBE),
        request_message=draw(MAYBE),
        previous_status=draw(MAYBE),
        rule=draw(MAYBE),
        reasons=tuple(draw(st.lists(reason, max_size=3))),
        reasons_omitted=draw(st.integers(0, 500)),
        run_id=draw(MAYBE),
        applied=draw(st.none() | st.booleans()),
        firewall=draw(st.none() | outcome),
        warnings=tuple(draw(st.lists(TEXTS, max_size=2))),
        problem=draw(MAYBE.filter(lambda text: text != "")),
        restores=tuple(draw(st.lists(TEXTS, max_size=2))),
    )


@given(decisions())
def test_a_decision_that_went_through_json_is_the_same_one(decision: Decision) -> None:
    wire = json.loads(json.dumps(decision.to_json()))
    again = Decision.from_json(wire)
    assert again == decision
    assert again.to_json() == wire
    assert (again.digest, again.key) == (decision.digest, decision.key)


@given(decisions(), st.data())
def test_what_is_no_decision_is_refused_by_an_error_that_readers_of_rows_expect(
    decision: Decision, data: st.DataObject
) -> None:
    shown = decision.to_json()
    required = [name for name in shown if name not in ("targetType", "warnings", "problem", "restores")]
    broken: dict[str, Any] = {**shown}
    del broken[data.draw(st.sampled_from(required))]
    with pytest.raises((ValueError, KeyError, TypeError)):
        Decision.from_json(broken)


@pytest.mark.parametrize(
    "member",
    [
        {"outcome": "forgiven"},
        {"targetId": "/subscriptions/nobody"},
        {"targetId": 7},
        {"decidedAt": "yesterday"},
        {"decidedAt": 7},
        {"requester": None},
        {"reasons": [{"rule": "r"}]},
        {"reasons": [{"rule": "r", "check": "mood", "expected": None, "found": None}]},
        {"firewall": {"outcome": "opened", "before": None, "after": None}},
    ],
    ids=str,
)
def test_a_member_that_makes_no_sense_is_refused(member: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Decision.from_json(DECISION.to_json() | member)
