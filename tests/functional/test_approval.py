"""The main job: a request comes, is decided on, and what follows at the target."""

from __future__ import annotations

from tests.functional.world import World, allow, deny

SELECTED = {"publicNetworkAccess": "selectedNetworks", "settleSeconds": 120}
DISABLED = {"publicNetworkAccess": "disabled", "settleSeconds": 60}


def test_a_data_explorer_request_to_storage_is_approved_and_the_firewall_tightened_once_it_has_settled(
    world: World,
) -> None:
    account, cluster = world.storage_account(), world.cluster()
    world.policy({"adx": cluster.requester()}, allow("adx", firewall=SELECTED))
    request = cluster.endpoint(account, "blob")

    world.wake(account)

    assert request.status == "Approved"
    assert account.firewall["defaultAction"] == "Allow"
    assert world.queue.causes == ["settle"]

    world.later(121)

    assert account.firewall["defaultAction"] == "Deny"
    (decision,) = world.recorded(account, "approved")
    assert (decision["applied"], decision["rule"]) == (True, "allow-adx")
    assert decision["firewall"]["outcome"] == "tightened"
    assert decision["firewall"]["before"]["defaultAction"] == "Allow"
    assert decision["firewall"]["after"]["defaultAction"] == "Deny"
    assert request.description == (
        f"Approved by Private Endpoint Approver: rule allow-adx, decision {decision['decisionId']}"
    )
    assert world.intents() == []
    assert world.alerts() == []


def test_an_event_hubs_approval_is_followed_through_its_operation_before_the_firewall_is_due(world: World) -> None:
    namespace, cluster = world.namespace(), world.cluster()
    world.policy({"adx": cluster.requester()}, allow("adx", firewall=DISABLED))
    request = cluster.endpoint(namespace, "namespace")

    world.wake(namespace)  # 202, "Approved" at once while Updating, Succeeded after 20 s
    world.later(15)
    world.later(61)

    assert request.status == "Approved"
    assert len(world.calls("PUT", "privateEndpointConnections")) == 1
    assert namespace.firewall["publicNetworkAccess"] == namespace.firewall["namespace"] == "Disabled"
    (decision,) = world.recorded(namespace, "approved")
    assert (decision["applied"], decision["firewall"]["outcome"]) == (True, "tightened")
    assert world.alerts() == []


def test_people_of_the_named_subscription_and_tenant_are_approved_and_others_are_not(world: World) -> None:
    account = world.storage_account()
    world.policy({"partner": world.partner.requester()}, allow("partner"))
    friend = world.partner.endpoint(account, "blob")
    stranger = world.stranger().endpoint(account, "blob", message=friend.message)

    world.wake(account)

    assert (friend.status, stranger.status) == ("Approved", "Pending")
    (alert,) = world.alerts()
    assert alert["type"] == "PrivateEndpointApprover.RequesterUnknown"
    assert alert["subject"] == stranger.connection_id
    assert account.firewall["defaultAction"] == "Allow"


def test_a_reject_rule_rejects_and_a_deny_rule_leaves_pending_whatever_else_allows(world: World) -> None:
    account, unwanted = world.storage_account(), world.stranger()
    world.policy(
        {"hub": world.hub.requester(), "partner": world.partner.requester(), "unwanted": unwanted.requester()},
        allow("hub", "partner", "unwanted"),
        deny("partner"),
        deny("unwanted", effect="reject"),
    )
    requests = [party.endpoint(account, "blob") for party in (world.hub, world.partner, unwanted)]

    world.wake(account)

    assert [request.status for request in requests] == ["Approved", "Pending", "Rejected"]
    assert requests[2].description.startswith("Rejected by Private Endpoint Approver: rule reject-unwanted, decision ")
    assert world.alert_types() == ["RequestDenied", "RequestRejected"]
    assert world.intents() == []


def test_the_whole_connection_is_sent_back_so_that_the_landing_zone_policy_lets_it_pass(world: World) -> None:
    account, namespace = world.storage_account(), world.namespace()
    for kind in ("Microsoft.Storage/storageAccounts", "Microsoft.EventHub/namespaces"):
        condition = {"field": "properties.privateEndpoint.id", "exists": False}
        world.client.local("POST", "denyPolicies", {"type": f"{kind}/privateEndpointConnections", "if": [condition]})
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    requests = [world.hub.endpoint(account, "blob"), world.hub.endpoint(namespace, "namespace")]

    world.wake(account)
    world.wake(namespace)
    world.later(15)

    assert [request.status for request in requests] == ["Approved", "Approved"]
    assert world.alerts() == []


def test_only_the_sub_resources_of_the_rule_are_approved(world: World) -> None:
    account, cluster = world.storage_account(), world.cluster()
    world.policy({"adx": cluster.requester()}, allow("adx", subResources=["blob"]))
    blob, queue = cluster.endpoint(account, "blob"), cluster.endpoint(account, "queue")

    world.wake(account)

    assert (blob.status, queue.status) == ("Approved", "Pending")
    assert world.alert_types() == ["RequesterUnknown"]


def test_tags_of_the_target_select_a_rule(world: World) -> None:
    opened, closed = world.storage_account(tags={"private-link": "open"}), world.storage_account()
    world.policy({"hub": world.hub.requester()}, allow("hub", targets={"tags": {"private-link": "open"}}))
    requests = [world.hub.endpoint(target, "blob") for target in (opened, closed)]

    world.wake(opened)
    world.wake(closed)

    assert [request.status for request in requests] == ["Approved", "Pending"]


def test_a_target_outside_the_scope_is_neither_read_nor_written(world: World) -> None:
    account = world.storage_account()
    world.policy({"hub": world.hub.requester()}, allow("hub"), scope={"subscriptions": [world.hub.subscription]})
    request = world.hub.endpoint(account, "blob")
    world.forget_calls()

    world.wake(account)

    assert request.status == "Pending"
    assert world.calls() == []


def test_a_connection_that_others_have_approved_is_left_as_it_is(world: World) -> None:
    account = world.storage_account()
    world.policy({"hub": world.hub.requester()}, allow("hub", firewall=SELECTED))
    world.hub.endpoint(account, "blob").decide("Approved", "by the owner")

    world.wake(account)
    world.later(3600)

    assert world.writes() == []
    assert account.firewall["defaultAction"] == "Allow"
    assert [d["outcome"] for d in world.recorded(account)] == ["unchanged"]
