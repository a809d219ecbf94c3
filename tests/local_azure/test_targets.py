"""Private endpoint connections of every target type: requested, approved, rejected, deleted; and each type's oddities."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_azure.conftest import NETWORK, Estate
from tests.local_azure.targets import BY_TYPE, KINDS, Kind


def make(estate: Estate, kind: Kind) -> str:
    """A target of that type whose creation has ended."""
    target = kind.id_in(estate.group)
    assert estate.arm("PUT", target, kind.version, kind.body).status == kind.put_status
    estate.pass_time(600)
    return target


def pending(home: Estate, stranger: Estate, kind: Kind, message: str = "please") -> tuple[str, Any]:
    """A target and the pending connection that a stranger's endpoint has there."""
    target = make(home, kind)
    assert stranger.endpoint(target, kind.group, message=message).status == 201
    (connection,) = home.connections(target, kind.version)
    return target, connection


def settled(home: Estate, kind: Kind, target: str, status: str) -> Any:
    """The target's only connection, which has that status when its operation has ended."""
    home.pass_time(60)
    (connection,) = home.connections(target, kind.version)
    properties = connection["properties"]
    assert properties["privateLinkServiceConnectionState"]["status"] == status
    assert properties.get("provisioningState") == kind.success
    return connection


def endpoint_state(stranger: Estate, connection: Any) -> str:
    """What the private endpoint itself shows."""
    shown = stranger.arm("GET", connection["properties"]["privateEndpoint"]["id"], NETWORK).ok()
    (link,) = shown["properties"]["manualPrivateLinkServiceConnections"]
    return str(link["properties"]["privateLinkServiceConnectionState"]["status"])


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_manual_request_is_pending_with_the_requesters_message(home: Estate, stranger: Estate, kind: Kind) -> None:
    _, connection = pending(home, stranger, kind, message="let me in")
    properties = connection["properties"]
    assert properties["privateLinkServiceConnectionState"]["status"] == "Pending"
    assert properties["privateLinkServiceConnectionState"]["description"] == "let me in"
    assert properties.get("provisioningState") == kind.success
    assert f"/subscriptions/{stranger.subscription}/" in properties["privateEndpoint"]["id"]
    shown = {"": None, "groupId": kind.group, "groupIds": [kind.group]}[kind.shown_group]
    assert properties.get(kind.shown_group) == shown
    assert endpoint_state(stranger, connection) == "Pending"


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_an_approval_settles_and_the_endpoint_sees_it(home: Estate, stranger: Estate, kind: Kind) -> None:
    target, connection = pending(home, stranger, kind)
    assert home.decide(connection, "Approved", kind.version, "decision 1").status == kind.decision_status
    approved = settled(home, kind, target, "Approved")
    assert approved["properties"]["privateLinkServiceConnectionState"]["description"] == "decision 1"
    assert approved["properties"]["privateEndpoint"] == connection["properties"]["privateEndpoint"]
    assert endpoint_state(stranger, approved) == "Approved"


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_rejection_is_terminal_until_the_requester_asks_again(home: Estate, stranger: Estate, kind: Kind) -> None:
    target, connection = pending(home, stranger, kind)
    home.decide(connection, "Rejected", kind.version).ok()
    rejected = settled(home, kind, target, "Rejected")
    assert home.decide(rejected, "Approved", kind.version).status == 400
    endpoint = connection["properties"]["privateEndpoint"]["id"]
    assert stranger.endpoint(target, kind.group, name=endpoint.rpartition("/")[2]).status == 200
    settled(home, kind, target, "Pending")


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_deleted_connection_leaves_the_endpoint_disconnected(home: Estate, stranger: Estate, kind: Kind) -> None:
    target, connection = pending(home, stranger, kind)
    assert home.arm("DELETE", connection["id"], kind.version).status in (200, 202)
    home.pass_time(60)
    assert home.connections(target, kind.version) == []
    assert endpoint_state(stranger, connection) == "Disconnected"
    assert home.arm("DELETE", connection["id"], kind.version).status == 204


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_deleted_endpoint_takes_its_connection_with_it(home: Estate, stranger: Estate, kind: Kind) -> None:
    target, connection = pending(home, stranger, kind)
    assert stranger.arm("DELETE", connection["properties"]["privateEndpoint"]["id"], NETWORK).status == 200
    assert home.connections(target, kind.version) == []


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_deleted_target_leaves_the_endpoint_disconnected(home: Estate, stranger: Estate, kind: Kind) -> None:
    target, connection = pending(home, stranger, kind)
    assert home.arm("DELETE", target, kind.version).status == 200
    assert home.arm("GET", target, kind.version).status == 404
    assert endpoint_state(stranger, connection) == "Disconnected"


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_an_owner_with_rights_on_the_target_connects_without_being_asked(home: Estate, kind: Kind) -> None:
    target = make(home, kind)
    assert home.endpoint(target, kind.group, manual=False).status == 201
    (connection,) = home.connections(target, kind.version)
    state = connection["properties"]["privateLinkServiceConnectionState"]
    assert (state["status"], state["description"]) == ("Approved", "Auto-Approved")


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_stranger_cannot_approve_himself(home: Estate, stranger: Estate, kind: Kind) -> None:
    target = make(home, kind)
    reply = stranger.endpoint(target, kind.group, manual=False)
    assert (reply.status, reply.body["error"]["code"]) == (403, "LinkedAuthorizationFailed")
    assert home.connections(target, kind.version) == []


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_its_sub_resources_are_listed_and_others_refused(home: Estate, stranger: Estate, kind: Kind) -> None:
    target = make(home, kind)
    found = home.arm("GET", f"{target}/privateLinkResources", kind.version).ok()["value"]
    assert kind.group in [one["properties"]["groupId"] for one in found]
    assert stranger.endpoint(target, "nonsense").status == 400


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_operations_url_ends_in_success(home: Estate, stranger: Estate, kind: Kind) -> None:
    target, connection = pending(home, stranger, kind)
    headers = home.decide(connection, "Approved", kind.version).headers
    url = headers.get("azure-asyncoperation")
    assert (url is None) == (kind.type == "Microsoft.Storage/storageAccounts")
    if url is None:
        return
    assert url.startswith(home.client.url)

    def state() -> str:
        body = home.client.arm("GET", url).ok()
        return str(body.get("status") or body["properties"]["provisioningState"])

    assert state() != "Succeeded"
    settled(home, kind, target, "Approved")
    assert state() == "Succeeded"


# The oddities that break naive code (docs/azure-on-the-wire.md)


@pytest.mark.parametrize("status", ["Approved", "Rejected"])
def test_storage_refuses_the_same_decision_twice(home: Estate, stranger: Estate, status: str) -> None:
    kind = BY_TYPE["Microsoft.Storage/storageAccounts"]
    _, connection = pending(home, stranger, kind)
    home.decide(connection, status, kind.version).ok()
    reply = home.decide(connection, status, kind.version)
    assert (reply.status, reply.body["error"]["code"]) == (400, "InvalidValuesForRequestParameters")
    assert "privateLinkServiceConnectionState.status" in reply.body["error"]["message"]


def test_storage_names_its_key_action_required_and_its_connections_by_account(home: Estate, stranger: Estate) -> None:
    kind = BY_TYPE["Microsoft.Storage/storageAccounts"]
    target, connection = pending(home, stranger, kind)
    assert connection["name"].startswith(target.rpartition("/")[2] + ".")
    assert connection["properties"]["privateLinkServiceConnectionState"]["actionRequired"] == "None"


@pytest.mark.parametrize("given", [{}, {"privateEndpoint": {}}])
def test_storage_keeps_the_endpoint_of_an_approval_that_leaves_it_out(
    home: Estate, stranger: Estate, given: dict[str, Any]
) -> None:
    kind = BY_TYPE["Microsoft.Storage/storageAccounts"]
    _, connection = pending(home, stranger, kind)
    state = {"status": "Approved", "description": "x"}
    properties = {"privateLinkServiceConnectionState": state, **given}
    approved = home.arm("PUT", connection["id"], kind.version, {"properties": properties}).ok()
    assert approved["properties"]["privateEndpoint"] == connection["properties"]["privateEndpoint"]


@pytest.mark.parametrize("service", ["Microsoft.EventHub/namespaces", "Microsoft.ServiceBus/namespaces"])
def test_a_namespace_shows_the_new_status_while_it_is_updating(home: Estate, stranger: Estate, service: str) -> None:
    kind = BY_TYPE[service]
    _, connection = pending(home, stranger, kind)
    reply = home.decide(connection, "Approved", kind.version)
    properties = reply.body["properties"]
    assert properties["privateLinkServiceConnectionState"]["status"] == "Approved"
    assert properties["provisioningState"] == "Updating"
    assert "operationStatus/" in reply.headers["azure-asyncoperation"]
    assert not {"location", "retry-after"} & set(reply.headers)


def test_a_vaults_operation_is_the_connections_own_url(home: Estate, stranger: Estate) -> None:
    kind = BY_TYPE["Microsoft.KeyVault/vaults"]
    _, connection = pending(home, stranger, kind)
    reply = home.decide(connection, "Approved", kind.version)
    assert reply.body["properties"]["provisioningState"] == "Updating"
    assert reply.body["etag"] != connection["etag"]
    assert reply.headers["azure-asyncoperation"].partition("?")[0].endswith(connection["id"])
    assert "&kv-operation=" in reply.headers["azure-asyncoperation"]


def test_a_vault_takes_one_write_at_a_time(home: Estate, stranger: Estate) -> None:
    kind = BY_TYPE["Microsoft.KeyVault/vaults"]
    target, connection = pending(home, stranger, kind)
    home.decide(connection, "Approved", kind.version).ok()
    reply = home.arm("PATCH", target, kind.version, {"properties": {"publicNetworkAccess": "Disabled"}})
    assert (reply.status, reply.body["error"]["code"]) == (409, "ConflictError")


def test_a_vaults_missing_connection_is_204(home: Estate) -> None:
    kind = BY_TYPE["Microsoft.KeyVault/vaults"]
    assert home.arm("GET", f"{make(home, kind)}/privateEndpointConnections/nobody", kind.version).status == 204


def test_kusto_wraps_your_own_body_and_shows_the_old_status_for_a_while(home: Estate, stranger: Estate) -> None:
    kind = BY_TYPE["Microsoft.Kusto/clusters"]
    target, connection = pending(home, stranger, kind)
    reply = home.decide(connection, "Approved", kind.version)
    assert reply.body["properties"]["provisioningState"] == "Accepted"
    assert "privateLinkServiceConnectionState" not in reply.body["properties"]
    assert reply.body["properties"]["properties"]["privateLinkServiceConnectionState"]["status"] == "Approved"
    (stale,) = home.connections(target, kind.version)
    assert stale["properties"]["privateLinkServiceConnectionState"]["status"] == "Pending"
    assert stale["properties"]["provisioningState"] == "Succeeded"
    settled(home, kind, target, "Approved")
    assert home.decide(connection, "Approved", kind.version).status == 200


def test_sql_approves_only_what_is_pending_and_cannot_reject_what_is_approved(home: Estate, stranger: Estate) -> None:
    kind = BY_TYPE["Microsoft.Sql/servers"]
    target, connection = pending(home, stranger, kind)
    reply = home.decide(connection, "Approved", kind.version)
    assert reply.body["operation"] == "UpsertPrivateEndpointConnection"
    assert {"azure-asyncoperation", "location"} <= set(reply.headers)
    (running,) = home.connections(target, kind.version)
    assert running["properties"]["provisioningState"] == "Approving"
    settled(home, kind, target, "Approved")
    for status in ("Approved", "Rejected"):
        refused = home.decide(connection, status, kind.version)
        assert refused.status == 400
        assert refused.body["error"]["code"] == "PrivateEndpointConnectionStatusNotPending"


def test_sqls_embedded_connections_are_shorter(home: Estate, stranger: Estate) -> None:
    kind = BY_TYPE["Microsoft.Sql/servers"]
    target, _ = pending(home, stranger, kind)
    (embedded,) = home.arm("GET", target, kind.version).ok()["properties"]["privateEndpointConnections"]
    assert set(embedded) == {"id", "properties"}
    assert "groupIds" not in embedded["properties"]


def test_iot_hubs_errors_are_bare_with_integer_codes(home: Estate) -> None:
    kind = BY_TYPE["Microsoft.Devices/IotHubs"]
    reply = home.arm("PUT", make(home, kind), kind.version, kind.body)
    assert reply.status == 412
    assert reply.body == {"code": 412001, "httpStatusCode": "PreconditionFailed", "message": reply.body["message"]}


def test_iot_hub_may_answer_the_openapis_bare_list(home: Estate, stranger: Estate) -> None:
    kind = BY_TYPE["Microsoft.Devices/IotHubs"]
    target, connection = pending(home, stranger, kind)
    home.client.local("PUT", "quirks", {"iotHubBareList": True})
    try:
        listed = home.arm("GET", f"{target}/privateEndpointConnections", kind.version).ok()
    finally:
        home.client.local("PUT", "quirks", {"iotHubBareList": False})
    assert listed == [connection]
    assert "/PrivateEndpointConnections/" in connection["id"]


@pytest.mark.parametrize("name", ["API", "digitalTwinsInstance", "digitaltwinsinstance"])
def test_digital_twins_understands_both_names_of_its_sub_resource(home: Estate, stranger: Estate, name: str) -> None:
    kind = BY_TYPE["Microsoft.DigitalTwins/digitalTwinsInstances"]
    target = make(home, kind)
    stranger.endpoint(target, name).ok()
    (connection,) = home.connections(target, kind.version)
    assert connection["properties"]["groupIds"] == ["API"]


@pytest.mark.parametrize(
    "service", ["Microsoft.Sql/servers", "Microsoft.Devices/IotHubs", "Microsoft.DigitalTwins/digitalTwinsInstances"]
)
def test_some_types_need_a_description(home: Estate, stranger: Estate, service: str) -> None:
    kind = BY_TYPE[service]
    _, connection = pending(home, stranger, kind)
    state = {"status": "Approved"}
    body = {"properties": {"privateLinkServiceConnectionState": state}}
    assert home.arm("PUT", connection["id"], kind.version, body).status == 400


def test_a_namespaces_list_has_pages_and_an_empty_last_one(home: Estate, stranger: Estate) -> None:
    kind = BY_TYPE["Microsoft.EventHub/namespaces"]
    target = make(home, kind)
    for _ in range(100):
        stranger.endpoint(target, "namespace").ok()
    first = home.arm("GET", f"{target}/privateEndpointConnections", kind.version).ok()
    assert len(first["value"]) == 100
    last = home.client.arm("GET", first["nextLink"]).ok()
    assert last == {"value": []}
