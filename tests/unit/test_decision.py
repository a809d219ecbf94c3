"""A decision's JSON, and when two decisions are the same one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.model.check import Check, FailedCheck
from shared.model.connection import Connection
from shared.model.decision import Decision, FirewallOutcome, Outcome, Reason, request_key
from shared.model.requester import PrivateEndpointRequester
from shared.policy.verdict import Verdict
from shared.resource_id import parse

GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers"
TARGET = parse(f"{GROUP}/Microsoft.Storage/storageAccounts/landing")
ENDPOINT = f"{GROUP}/Microsoft.Network/privateEndpoints/pe"
CONNECTION = Connection(f"{TARGET}/privateEndpointConnections/c", ENDPOINT, "Pending", "please", "blob")
VERDICT = Verdict(
    CONNECTION,
    Outcome.APPROVED,
    "hub-reads",
    PrivateEndpointRequester("hub"),
    (Reason("other", FailedCheck(Check.REQUESTER, "adx", "unknown")),),
    3,
    tenant_id="22222222-2222-2222-2222-222222222222",
    sub_resource="blob",
)
DECISION = Decision("d-1", TARGET, VERDICT, Outcome.APPROVED, "hash", datetime(2026, 11, 21, tzinfo=UTC), "r-1", True)


def test_a_decision_has_the_documented_shape() -> None:
    assert DECISION.to_json() == {
        "decisionId": "d-1",
        "runId": "r-1",
        "connectionId": CONNECTION.id,
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
    verdict = Verdict(Connection("c", None, "Pending"), Outcome.HELD)
    shown = replace(DECISION, verdict=verdict, outcome=Outcome.HELD, run_id=None, applied=None).to_json()
    assert shown["requester"] == {"name": None, "service": None, "subscriptionId": None, "tenantId": None}
    unknown = ("runId", "privateEndpointId", "subResource", "applied", "rule", "firewall")
    assert [shown[name] for name in unknown] == [None] * len(unknown)


def test_what_an_owner_wrote_is_not_taken_for_the_requesters_message() -> None:
    verdict = replace(VERDICT, connection=replace(CONNECTION, status="Approved", description="by the owner"))
    assert replace(DECISION, verdict=verdict).to_json()["requestMessage"] is None


@pytest.mark.parametrize(
    "other",
    [
        replace(DECISION, outcome=Outcome.FAILED),
        replace(DECISION, policy="another"),
        replace(DECISION, verdict=replace(VERDICT, rule="another")),
        replace(DECISION, verdict=replace(VERDICT, reasons=())),
        replace(DECISION, verdict=replace(VERDICT, reasons_omitted=4)),
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
        DECISION.with_firewall(FirewallOutcome("tightened")),
    ],
)
def test_when_it_was_made_and_how_far_it_got_do_not(other: Decision) -> None:
    assert other.digest == DECISION.digest


def test_a_request_is_its_connection_and_its_private_endpoint_in_any_casing() -> None:
    assert request_key(CONNECTION.id.upper(), ENDPOINT.upper()) == request_key(CONNECTION.id, ENDPOINT)
    assert request_key(CONNECTION.id, ENDPOINT + "2") != request_key(CONNECTION.id, ENDPOINT)
    assert request_key(CONNECTION.id, None) != request_key(CONNECTION.id, ENDPOINT)
    assert len(DECISION.key) == 32


def test_a_decision_that_is_only_finished_is_told_as_it_was_made() -> None:
    made = {**DECISION.to_json(), "decisionId": "d-0", "previousStatus": "Pending"}
    finished = replace(DECISION, made=made, applied=True, firewall=FirewallOutcome("deferred"))
    shown = finished.to_json()
    assert (shown["decisionId"], shown["previousStatus"]) == ("d-0", "Pending")
    assert shown["firewall"]["outcome"] == "deferred"


def test_two_ids_that_are_not_the_same_have_never_one_key() -> None:
    assert request_key("/a/K", "/b") == request_key("/A/k", "/B")
    assert request_key("/a/\u212a", "/b") != request_key("/a/k", "/b"), "the Kelvin sign is no k"
    assert request_key("/a/Ü", "/b") != request_key("/a/ü", "/b")
