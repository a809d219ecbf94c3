"""`POST /api/reevaluate` of a target or a connection, and every error. The order of the errors is a promise."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from shared.azure.leases import CONTAINER, BlobLeases
from shared.resource_id import parse
from shared.triggers.http import JSON, Call
from tests.functional.world import World, allow


@pytest.fixture
def hub(world: World) -> World:
    """A policy that approves the hub."""
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    return world


def code(answer: Any) -> tuple[int, str]:
    """Status and error code; the body has the one shape that every error has."""
    assert set(answer.body) == {"error"}
    assert set(answer.body["error"]) == {"code", "message"}
    assert answer.body["error"]["message"]
    return answer.status, answer.body["error"]["code"]


def test_a_target_is_reviewed_at_once_and_every_connection_has_a_decision(hub: World) -> None:
    account = hub.storage_account()
    requests = [hub.hub.endpoint(account, "blob"), hub.stranger().endpoint(account, "blob")]

    answer = hub.reevaluate(account)

    assert answer.status == 200
    assert set(answer.body) == {"runId", "dryRun", "mode", "policy", "results"}
    assert (answer.body["dryRun"], answer.body["mode"]) == (False, "enforce")
    assert [d["outcome"] for d in answer.body["results"]] == ["approved", "held"]
    assert [request.status for request in requests] == ["Approved", "Pending"]
    assert {d["runId"] for d in answer.body["results"]} == {answer.body["runId"]}
    assert {d["policy"] for d in answer.body["results"]} == {answer.body["policy"]}


def test_a_decision_has_every_field_of_the_interface(hub: World) -> None:
    account = hub.storage_account()
    request = hub.hub.endpoint(account, "blob", message="hello")

    (decision,) = hub.decided(account)

    assert {k: v for k, v in decision.items() if k not in ("decisionId", "runId", "decidedAt", "policy")} == {
        "connectionId": request.connection_id,
        "targetId": account.id,
        "targetType": "Microsoft.Storage/storageAccounts",
        "privateEndpointId": request.private_endpoint_id,
        "requester": {
            "name": "hub",
            "service": "privateEndpoint",
            "subscriptionId": hub.hub.subscription,
            "tenantId": hub.hub.tenant,
        },
        "subResource": "blob",
        "requestMessage": "hello",
        "previousStatus": "Pending",
        "outcome": "approved",
        "applied": True,
        "rule": "allow-hub",
        "reasons": [],
        "reasonsOmitted": 0,
        "firewall": {"outcome": "notAsked", "before": None, "after": None},
    }
    uuid.UUID(decision["decisionId"])


def test_a_connection_is_answered_alone_in_any_casing(hub: World) -> None:
    account = hub.storage_account()
    wanted, other = hub.hub.endpoint(account, "blob"), hub.hub.endpoint(account, "table")

    (decision,) = hub.decided(wanted.connection_id.upper().replace("/SUBSCRIPTIONS/", "/subscriptions/"))

    assert decision["connectionId"] == wanted.connection_id
    assert wanted.status == "Approved"
    assert other.status in ("Approved", "Pending")


def test_a_connection_that_failed_is_failed_in_the_results(hub: World) -> None:
    account = hub.storage_account()
    hub.hub.endpoint(account, "blob")
    hub.client.local("POST", "locks", {"scope": account.id, "level": "ReadOnly"})

    (decision,) = hub.decided(account)

    assert (decision["outcome"], decision["applied"]) == ("failed", False)


def test_a_policy_that_has_got_a_rule_for_a_held_request_approves_it(hub: World) -> None:
    account = hub.storage_account()
    request = hub.partner.endpoint(account, "blob")
    hub.wake(account)
    assert request.status == "Pending"
    hub.policy({"partner": hub.partner.requester()}, allow("partner"))
    hub.later(45)

    (decision,) = hub.decided(account)

    assert (decision["outcome"], request.status) == ("approved", "Approved")


BAD_BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"\xff\xfe",
    b"[" * 5000,
    b'"all"',
    b"{}",
    b'{"scope": null}',
    b'{"scope": 7}',
    b'{"scope": ""}',
    b'{"scope": "ALL"}',
    b'{"scope": "all", "dryrun": true}',
    b'{"scope": "all", "dryRun": "yes"}',
    b'{"scope": "all", "dryRun": null}',
    b'{"scope": "/subscriptions/nonsense"}',
    b'{"scope": "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/"}',
    b'{"scope": "https://management.azure.com/subscriptions/11111111-1111-1111-1111-111111111111"}',
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: repr(body[:60]))
def test_a_malformed_body_is_400_even_without_a_policy(world: World, body: bytes) -> None:
    answer = world.app.reevaluation.answer(Call(body, JSON))

    assert code(answer)[0] == 400
    assert world.alerts() == []


@pytest.mark.parametrize(
    "kind",
    [
        "Microsoft.Compute/virtualMachines/vm",
        "Microsoft.Storage/storageAccounts/st1/blobServices/default",
        "Microsoft.Storage/storageAccounts/st1/privateEndpointConnections/c/more/x",
    ],
)
def test_a_type_that_is_not_supported_is_400(hub: World, kind: str) -> None:
    answer = hub.reevaluate(f"{hub.home.group}/providers/{kind}")

    assert code(answer) == (400, "UnsupportedType")


def test_without_a_valid_policy_the_answer_is_503_before_scope_or_existence_are_looked_at(world: World) -> None:
    missing = f"/subscriptions/{uuid.uuid4()}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/none"

    for _ in range(2):
        assert code(world.reevaluate(missing)) == (503, "PolicyInvalid")
    world.policy_text("version: [")
    world.later(45)
    for _ in range(2):
        assert code(world.reevaluate("all")) == (503, "PolicyInvalid")

    assert [alert["subject"] == "missing" for alert in world.alerts()] == [True, False]
    assert world.calls() == []


@pytest.mark.parametrize(
    "what", ["", "/resourceGroups/rg", "/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a"]
)
def test_what_is_outside_the_scope_is_403_whether_it_exists_or_not(hub: World, what: str) -> None:
    answer = hub.reevaluate(f"/subscriptions/{uuid.uuid4()}{what}")

    assert code(answer) == (403, "OutsideScope")
    assert hub.calls() == []


@pytest.mark.parametrize(
    "what",
    ["/resourceGroups/none", "/resourceGroups/rg-data/providers/Microsoft.Storage/storageAccounts/none"],
)
def test_what_does_not_exist_is_404(hub: World, what: str) -> None:
    hub.storage_account()

    assert code(hub.reevaluate(f"/subscriptions/{hub.home.subscription}{what}"))[0] == 404


def test_a_connection_that_does_not_exist_is_404(hub: World) -> None:
    account = hub.storage_account()

    assert code(hub.reevaluate(f"{account.id}/privateEndpointConnections/none"))[0] == 404


def test_a_target_that_another_review_holds_is_409_with_retry_after(hub: World) -> None:
    account = hub.storage_account()
    request = hub.hub.endpoint(account, "blob")
    leases = BlobLeases(lambda: hub.app.storage.container(CONTAINER))

    with leases.hold(parse(account.id)):
        answer = hub.reevaluate(account)
        dry = hub.reevaluate(account, dryRun=True)

    assert code(answer)[0] == 409
    assert int(answer.headers["Retry-After"]) > 0
    assert dry.status == 200, "a dry run needs no lease"
    assert request.status == "Pending"
    assert hub.reevaluate(account).status == 200


@pytest.mark.parametrize(("status", "reason"), [(403, "AuthorizationFailed"), (429, "TooManyRequests")])
def test_a_target_that_cannot_be_read_is_502(hub: World, status: int, reason: str) -> None:
    account = hub.storage_account()
    headers = {"Retry-After": "60"}
    hub.fault("GET", "/privateEndpointConnections", status=status, code=reason, headers=headers)

    assert code(hub.reevaluate(account)) == (502, reason)


def test_the_answer_is_json_all_the_way_down(hub: World) -> None:
    account = hub.storage_account()
    hub.stranger().endpoint(account, "blob", message="\x00\u202e<b>")

    assert json.loads(json.dumps(hub.reevaluate(account).body))["results"][0]["requestMessage"] == "\x00\u202e<b>"
