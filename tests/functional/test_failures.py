"""When ARM refuses, is slow, or somebody else was faster."""

from __future__ import annotations

import pytest

from tests.functional.world import World, allow

CONNECTIONS = "/privateEndpointConnections"
CONNECTION = f"{CONNECTIONS}/"


@pytest.fixture
def hub(world: World) -> World:
    """A policy that approves the hub."""
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    return world


def test_a_connection_that_somebody_approves_meanwhile_is_unchanged_though_storage_answers_400(hub: World) -> None:
    account = hub.storage_account()
    request = hub.hub.endpoint(account, "blob")

    hub.wake_meanwhile(account, "PUT", CONNECTION, lambda: request.decide("Approved", "by the owner"))

    assert len(hub.writes()) == 1
    assert (request.status, request.description) == ("Approved", "by the owner")
    assert [d["outcome"] for d in hub.recorded(account)] == ["unchanged"]
    assert hub.intents() == []
    assert hub.alerts() == []


def test_a_connection_that_somebody_rejects_meanwhile_stays_rejected(hub: World) -> None:
    account = hub.storage_account()
    request = hub.hub.endpoint(account, "blob")

    hub.wake_meanwhile(account, "PUT", CONNECTION, lambda: request.decide("Rejected"))
    hub.sweep()

    assert request.status == "Rejected"
    assert hub.alerts() == []


def test_a_request_that_is_withdrawn_meanwhile_leaves_nothing_to_do(hub: World) -> None:
    account = hub.storage_account()
    request = hub.hub.endpoint(account, "blob")

    hub.wake_meanwhile(account, "PUT", CONNECTION, request.delete)
    hub.later(61)  # one look is not believed

    assert hub.intents() == []
    assert hub.alerts() == []


@pytest.mark.parametrize("when", ["after", "dropAfter"])
def test_an_approval_whose_answer_is_lost_is_found_by_reading_back(hub: World, when: str) -> None:
    account = hub.storage_account()
    request = hub.hub.endpoint(account, "blob")
    hub.fault("PUT", CONNECTION, when=when, status=500)

    hub.wake(account)  # azure-core sends it again, and storage answers that it cannot be approved twice

    assert request.status == "Approved"
    (decision,) = hub.recorded(account)
    assert (decision["outcome"], decision["applied"]) == ("approved", True)
    assert hub.alerts() == []


def test_a_throttled_put_is_sent_again_when_arm_said_and_nobody_is_alerted(hub: World) -> None:
    account = hub.storage_account()
    request = hub.hub.endpoint(account, "blob")
    hub.throttle("PUT", CONNECTION, 40)

    hub.wake(account)
    assert len(hub.writes()) == 1, "a wait of 40 s is no function's"
    hub.later(39)
    assert len(hub.writes()) == 1
    hub.later(2)

    assert request.status == "Approved"
    assert hub.alerts() == []


def test_a_throttled_list_is_read_again_when_arm_said(hub: World) -> None:
    account = hub.storage_account()
    request = hub.hub.endpoint(account, "blob")
    hub.throttle("GET", CONNECTIONS, 60)

    hub.wake(account)
    assert request.status == "Pending"
    hub.later(61)

    assert request.status == "Approved"
    assert hub.alerts() == []


def test_a_service_that_is_down_is_tried_again_later(hub: World) -> None:
    account = hub.storage_account()
    request = hub.hub.endpoint(account, "blob")
    hub.fault("PUT", CONNECTION, times=3, status=503, code="ServiceUnavailable")

    hub.wake(account)
    assert [d["outcome"] for d in hub.recorded(account)] == ["failed"]
    hub.later(16)

    assert request.status == "Approved"
    assert hub.alerts() == []
    assert hub.intents() == []


def test_what_goes_wrong_for_a_quarter_of_an_hour_is_alerted_and_still_tried(hub: World) -> None:
    account = hub.storage_account()
    request = hub.hub.endpoint(account, "blob")
    hub.throttle("PUT", CONNECTION, 290, times=5)

    hub.wake(account)
    hub.later(14 * 60)
    assert hub.alerts() == []
    hub.later(8 * 60)
    assert hub.alert_types() == ["ApprovalFailed"]
    hub.later(10 * 60)

    assert request.status == "Approved"
    assert hub.alert_types() == ["ApprovalFailed"]


def test_a_lock_fails_the_approval_once_and_the_sweep_tries_again_when_it_is_gone(hub: World) -> None:
    account = hub.storage_account()
    request = hub.hub.endpoint(account, "blob")
    hub.client.local("POST", "locks", {"name": "audit", "scope": account.id, "level": "ReadOnly"})

    hub.wake(account)
    assert hub.queue.waiting == [], "a lock is no matter of patience"
    assert len(hub.writes()) == 1
    (decision,) = hub.recorded(account)
    assert (decision["outcome"], decision["applied"], request.status) == ("failed", False, "Pending")
    assert "ScopeLocked" in decision["problem"]
    assert hub.alert_types() == ["ApprovalFailed"]
    assert hub.intents() == []

    hub.client.local("DELETE", "locks/audit")
    hub.sweep()

    assert request.status == "Approved"


def test_a_missing_permission_is_named_in_the_alert(hub: World) -> None:
    account = hub.storage_account()
    hub.hub.endpoint(account, "blob")
    permission = "Microsoft.Storage/storageAccounts/privateEndpointConnections/write"
    hub.client.local("POST", "access", {"permission": permission, "scope": account.id})

    hub.wake(account)

    (alert,) = hub.alerts()
    assert alert["type"] == "PrivateEndpointApprover.ApprovalFailed"
    assert permission in alert["data"]["recommendedAction"]


def test_a_policy_of_the_landing_zone_that_refuses_is_a_failed_approval(hub: World) -> None:
    account = hub.storage_account()
    hub.hub.endpoint(account, "blob")
    hub.client.local("POST", "denyPolicies", {
        "type": "Microsoft.Storage/storageAccounts/privateEndpointConnections", "scope": account.id,
        "if": [{"field": "properties.privateEndpoint.id", "exists": True}],
    })  # fmt: skip

    hub.wake(account)

    assert [d["outcome"] for d in hub.recorded(account)] == ["failed"]
    assert hub.alert_types() == ["ApprovalFailed"]


def test_a_target_that_may_not_be_read_is_alerted_under_its_own_id(hub: World) -> None:
    account = hub.storage_account()
    hub.hub.endpoint(account, "blob")
    permission = "Microsoft.Storage/storageAccounts/privateEndpointConnections/read"
    hub.client.local("POST", "access", {"permission": permission, "scope": account.id})

    hub.wake(account)

    (alert,) = hub.alerts()
    assert (alert["type"], alert["subject"]) == ("PrivateEndpointApprover.ApprovalFailed", account.id)


def test_a_target_that_is_gone_is_nobodys_problem(hub: World) -> None:
    account = hub.storage_account()
    hub.stranger().endpoint(account, "blob")
    hub.wake(account)
    hub.azure.arm("DELETE", account.id, account.version)

    hub.wake(account)
    hub.later(61)

    assert hub.alert_types() == ["RequesterUnknown"]
    assert hub.queue.waiting == []
    assert [record for record in hub.records() if not record.empty] == [], "the tip of its chain stays with its history"


def test_an_event_hubs_approval_that_outlasts_the_function_is_finished_by_a_later_message(hub: World) -> None:
    namespace = hub.namespace()
    request = hub.hub.endpoint(namespace, "namespace")

    hub.wake(namespace)
    (running,) = hub.recorded(namespace)
    assert (running["outcome"], running["applied"]) == ("approved", None)
    assert hub.queue.causes == ["retry"]
    hub.later(15)

    (finished,) = hub.recorded(namespace, "approved")
    assert finished["decisionId"] == running["decisionId"]
    assert finished["applied"] is True
    assert len(hub.writes()) == 1
    assert request.status == "Approved"
    assert hub.intents() == []
    assert hub.alerts() == []


def test_another_operation_on_the_namespace_is_waited_for(hub: World) -> None:
    namespace = hub.namespace()
    request = hub.hub.endpoint(namespace, "namespace")
    hub.fault("PUT", CONNECTION, status=409, code="Conflict", message="Another operation is in progress.")

    hub.wake(namespace)
    hub.later(16)
    hub.later(16)

    assert request.status == "Approved"
    assert hub.alerts() == []


def test_an_operation_that_the_app_may_not_ask_about_is_judged_by_what_the_target_shows(hub: World) -> None:
    namespace = hub.namespace()
    request = hub.hub.endpoint(namespace, "namespace")
    hub.fault("GET", "/operationStatus/", status=403, code="AuthorizationFailed", times=100)

    hub.wake(namespace)
    hub.later(60)

    assert request.status == "Approved"
    (decision,) = hub.recorded(namespace)
    assert (decision["outcome"], decision["applied"]) == ("approved", True)
    assert len(hub.writes()) == 1
    assert hub.alerts() == []


def test_an_operation_url_of_another_host_is_not_asked_and_the_target_tells(hub: World) -> None:
    namespace = hub.namespace()
    request = hub.hub.endpoint(namespace, "namespace")
    hub.fault("PUT", CONNECTION, status=202, headers={"Azure-AsyncOperation": "https://example.invalid/operations/1"})

    hub.wake(namespace)

    assert request.status == "Pending"
    assert [d["applied"] for d in hub.recorded(namespace)] == [None]
    hub.later(60)
    assert request.status == "Approved"


def test_an_approval_counts_only_once_arm_shows_it(hub: World) -> None:
    account = hub.storage_account()
    request = hub.hub.endpoint(account, "blob")
    hub.fault("PUT", CONNECTION, status=200)  # ARM says yes and does nothing

    hub.wake(account)
    (decision,) = hub.recorded(account)
    assert decision["applied"] is None
    hub.later(16)

    assert request.status == "Approved"
    assert hub.recorded(account, "approved")[0]["applied"] is True
