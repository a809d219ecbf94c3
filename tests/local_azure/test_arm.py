"""What all of ARM shares: tokens, tenants, versions, errors, throttling, locks, policies, faults."""

from __future__ import annotations

import http.client
import uuid
from typing import Any

import pytest

from local.azure.process import AzureProcess
from tests.local_azure.conftest import EVENT_HUBS, NETWORK, STORAGE, Estate


def error_of(reply: Any) -> str:
    return str(reply.body["error"]["code"])


def test_a_subscription_tells_its_tenant_to_a_caller_without_a_token(stranger: Estate) -> None:
    stranger.storage()
    reply = stranger.client.send("GET", f"/subscriptions/{stranger.subscription}?api-version=2015-01-01")
    assert reply.status == 401
    challenge = reply.headers["www-authenticate"]
    assert challenge.startswith(
        f'Bearer authorization_uri="https://login.windows.net/{stranger.tenant}", error="invalid_token"'
    )


def test_an_unknown_subscription_is_404_without_a_challenge(azure: AzureProcess) -> None:
    reply = azure.client.send("GET", f"/subscriptions/{uuid.uuid4()}?api-version=2015-01-01")
    assert (reply.status, error_of(reply)) == (404, "SubscriptionNotFound")
    assert "www-authenticate" not in reply.headers


def test_a_malformed_subscription_is_400(azure: AzureProcess) -> None:
    reply = azure.client.arm("GET", "/subscriptions/nonsense", api_version="2022-12-01")
    assert (reply.status, error_of(reply)) == (400, "InvalidSubscriptionId")


def test_a_token_of_another_tenant_is_refused(home: Estate, stranger: Estate) -> None:
    account = stranger.storage()
    reply = home.arm("GET", account, STORAGE)
    assert (reply.status, error_of(reply)) == (401, "InvalidAuthenticationTokenTenant")


def test_a_token_for_another_audience_is_refused(home: Estate) -> None:
    account = home.storage()
    token = home.client.token(audience="https://storage.azure.com")
    reply = home.client.send("GET", f"{account}?api-version={STORAGE}", headers={"Authorization": f"Bearer {token}"})
    assert (reply.status, error_of(reply)) == (401, "InvalidAuthenticationTokenAudience")


@pytest.mark.parametrize(
    ("version", "code"), [("", "MissingApiVersionParameter"), ("1999-01-01", "InvalidApiVersionParameter")]
)
def test_an_api_version_must_be_given_and_known(home: Estate, version: str, code: str) -> None:
    reply = home.arm("GET", home.storage(), version)
    assert (reply.status, error_of(reply)) == (400, code)


def test_ids_are_found_in_any_case_and_come_back_as_they_were_made(home: Estate) -> None:
    account = home.storage()
    assert home.arm("GET", account.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), STORAGE).ok()["id"] == account


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/providers/Microsoft.Nothing/things/x", "InvalidResourceNamespace"),
        ("/providers/Microsoft.Storage/nothings/x", "InvalidResourceType"),
        ("/providers/Microsoft.Storage/storageAccounts/nobody", "ResourceNotFound"),
    ],
)
def test_what_is_not_there_is_404_in_arms_words(home: Estate, path: str, code: str) -> None:
    home.storage()
    reply = home.arm("GET", home.group + path, STORAGE)
    assert (reply.status, error_of(reply)) == (404, code)


def test_a_missing_resource_group_has_its_own_error(home: Estate) -> None:
    home.storage()
    group = f"/subscriptions/{home.subscription}/resourceGroups/other"
    reply = home.arm("GET", f"{group}/providers/Microsoft.Storage/storageAccounts/st", STORAGE)
    assert (reply.status, error_of(reply)) == (404, "ResourceGroupNotFound")


def test_every_answer_has_request_ids_and_what_is_left_of_the_quota(home: Estate) -> None:
    headers = home.arm("GET", home.storage(), STORAGE).headers
    assert uuid.UUID(headers["x-ms-request-id"])
    assert uuid.UUID(headers["x-ms-correlation-request-id"])
    assert int(headers["x-ms-ratelimit-remaining-subscription-reads"]) > 200


def test_an_empty_bucket_answers_429_with_a_retry_after(home: Estate) -> None:
    account = home.storage()
    spent = [home.arm("GET", account, STORAGE) for _ in range(10)]
    home.client.local("PUT", "throttling", {"reads": {"size": 5, "refill": 0.001}})
    try:
        replies = [home.arm("GET", account, STORAGE) for _ in range(7)]
    finally:
        home.client.local("PUT", "throttling", {"reads": {"size": 250, "refill": 25}})
    assert {reply.status for reply in spent} == {200}
    assert [reply.status for reply in replies] == [200] * 5 + [429] * 2
    assert error_of(replies[-1]) == "SubscriptionRequestsThrottled"
    assert int(replies[-1].headers["retry-after"]) >= 1


def test_a_denied_permission_is_403_and_names_action_and_scope(home: Estate) -> None:
    account = home.storage()
    denial = {"permission": "Microsoft.Storage/storageAccounts/privateEndpointConnections/read", "scope": home.group}
    name = home.client.local("POST", "access", denial)["name"]
    try:
        reply = home.arm("GET", f"{account}/privateEndpointConnections", STORAGE)
        assert home.arm("GET", account, STORAGE).status == 200
    finally:
        home.client.local("DELETE", f"access/{name}")
    assert (reply.status, error_of(reply)) == (403, "AuthorizationFailed")
    assert denial["permission"] in reply.body["error"]["message"]


@pytest.mark.parametrize(("level", "patch", "delete"), [("ReadOnly", 409, 409), ("CanNotDelete", 200, 409)])
def test_a_lock_stops_writes_or_only_deletions(home: Estate, level: str, patch: int, delete: int) -> None:
    account = home.storage()
    lock = f"{account}/providers/Microsoft.Authorization/locks/keep"
    assert home.arm("PUT", lock, "2020-05-01", {"properties": {"level": level}}).status == 201
    assert home.arm("PATCH", account, STORAGE, {"tags": {"a": "b"}}).status == patch
    refused = home.arm("DELETE", account, STORAGE)
    assert (refused.status, error_of(refused)) == (delete, "ScopeLocked")
    assert home.arm("DELETE", lock, "2020-05-01").status in (200, 409)


def test_a_deny_policy_refuses_an_approval_without_the_private_endpoints_id(home: Estate, stranger: Estate) -> None:
    account = home.storage()
    stranger.endpoint(account, "blob").ok()
    (connection,) = home.connections(account, STORAGE)
    conditions = [
        {"field": "properties.privateLinkServiceConnectionState.status", "equals": "Approved"},
        {"field": "properties.privateEndpoint.id", "exists": False},
    ]
    kind = "Microsoft.Storage/storageAccounts/privateEndpointConnections"
    policy = {"name": f"deny-{home.subscription}", "type": kind, "scope": home.group, "if": conditions}
    home.client.local("POST", "denyPolicies", policy)
    state = {"status": "Approved", "description": "x"}
    reply = home.arm("PUT", connection["id"], STORAGE, {"properties": {"privateLinkServiceConnectionState": state}})
    assert (reply.status, error_of(reply)) == (403, "RequestDisallowedByPolicy")
    assert home.decide(connection, "Approved", STORAGE).status == 200


def test_a_fault_answers_instead_of_the_provider_as_often_as_asked(home: Estate) -> None:
    account = home.storage()
    answer = {"status": 503, "code": "ServerBusy", "headers": {"Retry-After": "7"}}
    match = {"method": "GET", "pathContains": account}
    home.client.local("POST", "faults", {"match": match, "times": 2, "answer": answer})
    replies = [home.arm("GET", account, STORAGE) for _ in range(3)]
    assert [reply.status for reply in replies] == [503, 503, 200]
    assert replies[0].headers["retry-after"] == "7"


def test_a_fault_can_lose_the_answer_of_a_write_that_took_effect(home: Estate) -> None:
    account = home.storage()
    fault = {"match": {"method": "PATCH", "pathContains": account}, "when": "dropAfter"}
    home.client.local("POST", "faults", fault)
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        home.arm("PATCH", account, STORAGE, {"tags": {"lost": "no"}})
    assert home.arm("GET", account, STORAGE).ok()["tags"] == {"lost": "no"}
    assert [call["status"] for call in home.calls("PATCH")] == [0]


@pytest.mark.parametrize("path", ["/local", "/local/", "/local/nonsense", "/local/oracle/nonsense"])
def test_what_the_control_interface_does_not_know_it_says(azure: AzureProcess, path: str) -> None:
    assert azure.client.send("GET", path).status == 404


def test_what_is_denied_can_be_changed_after_a_snapshot_was_loaded(home: Estate) -> None:
    account = home.storage()
    home.client.local("PUT", "snapshot", home.client.local("GET", "snapshot"))
    name = home.client.local("POST", "access", {"permission": "*", "scope": account})["name"]
    assert home.arm("GET", account, STORAGE).status == 403
    home.client.local("DELETE", f"access/{name}")
    assert home.arm("GET", account, STORAGE).status == 200


def test_calls_are_counted_with_their_principal(home: Estate) -> None:
    account = home.storage()
    home.arm("GET", account, STORAGE)
    (call,) = home.calls("GET", account)
    assert (call["status"], call["apiVersion"]) == (200, STORAGE)
    assert uuid.UUID(call["principal"])


def test_a_resource_group_goes_with_everything_in_it(home: Estate) -> None:
    account, namespace = home.storage(), home.namespace()
    assert home.arm("GET", home.group, "2021-04-01").ok()["name"] == "rg"
    assert home.arm("HEAD", home.group, "2021-04-01").status == 204
    assert home.arm("DELETE", home.group, "2021-04-01").status == 200
    assert home.arm("GET", account, STORAGE).status == 404
    assert home.arm("GET", namespace, EVENT_HUBS).status == 404


def test_a_wrong_method_is_405(home: Estate) -> None:
    reply = home.arm("PATCH", f"{home.storage()}/privateEndpointConnections/x", STORAGE, {})
    assert (reply.status, error_of(reply)) == (405, "MethodNotAllowed")


def test_a_body_that_is_not_json_is_400(home: Estate) -> None:
    reply = home.arm("PATCH", home.storage(), STORAGE, b"{nonsense")
    assert (reply.status, error_of(reply)) == (400, "InvalidRequestContent")


def test_listing_storage_accounts_has_a_small_quota_of_its_own(home: Estate) -> None:
    home.storage()
    accounts = f"/subscriptions/{home.subscription}/providers/Microsoft.Storage/storageAccounts"
    home.client.local("PUT", "throttling", {"storageLists": {"size": 2, "refill": 0.0001}})
    try:
        replies = [home.arm("GET", accounts, STORAGE).status for _ in range(3)]
    finally:
        home.client.local("PUT", "throttling", {"storageLists": {"size": 100, "refill": 1 / 3}})
    assert replies == [200, 200, 429]


def test_microsofts_subscriptions_cannot_be_read(home: Estate) -> None:
    account, cluster = home.storage(), home.cluster()
    body = {"properties": {"privateLinkResourceId": account, "groupId": "blob", "requestMessage": "m"}}
    home.arm("PUT", f"{cluster}/managedPrivateEndpoints/mpe", "2022-02-01", body).ok()
    home.pass_time(100)
    (connection,) = home.connections(account, STORAGE)
    reply = home.arm("GET", connection["properties"]["privateEndpoint"]["id"], NETWORK)
    assert (reply.status, error_of(reply)) == (401, "InvalidAuthenticationTokenTenant")
    assert "f8cdef31-a31e-4b4a-93e4-5f571e91255a" in reply.headers["www-authenticate"]
