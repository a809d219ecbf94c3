"""Alerts: once for each condition, again when it comes back, never lost, never a flood."""

from __future__ import annotations

import pytest

from tests.functional.estate import Target
from tests.functional.world import World, allow

TOPIC = "/topics/"


@pytest.fixture
def account(world: World) -> Target:
    """A target, and a policy that does not know strangers."""
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    return world.storage_account()


def test_the_same_stranger_is_one_alert_however_often_it_is_seen(world: World, account: Target) -> None:
    request = world.stranger().endpoint(account, "blob")

    for _ in range(3):
        world.wake(account)
        world.sweep()
        world.restart()

    (alert,) = world.alerts()
    assert alert["specversion"] == "1.0"
    assert alert["source"] == "/private-endpoint-approver"
    assert alert["subject"] == request.connection_id
    assert set(alert["data"]) == {"severity", "title", "recommendedAction", "decision", "firstSeenAt"}
    assert alert["data"]["decision"]["privateEndpointId"] == request.private_endpoint_id


def test_a_condition_that_was_seen_cleared_and_comes_back_is_a_new_episode(world: World, account: Target) -> None:
    party = world.stranger()
    request = party.endpoint(account, "blob", name="pe-again")
    world.wake(account)
    request.decide("Rejected")
    world.wake(account)  # sees it cleared
    world.azure.arm("PUT", request.id, request.version, _resubmitted(request.id, account), tenant=party.tenant)
    assert request.status == "Pending"

    world.wake(account)

    first, second = world.alerts()
    assert first["subject"] == second["subject"]
    assert first["id"] != second["id"]


def _resubmitted(endpoint: str, target: Target) -> dict[str, object]:
    link = {"privateLinkServiceId": target.id, "groupIds": ["blob"], "requestMessage": "once more"}
    subnet = f"{endpoint.rpartition('/providers/')[0]}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
    links = [{"name": "link", "properties": link}]
    return {
        "location": "westeurope",
        "properties": {"subnet": {"id": subnet}, "manualPrivateLinkServiceConnections": links},
    }


def test_alerts_wait_for_a_topic_that_is_down_and_keep_their_ids(world: World, account: Target) -> None:
    world.stranger().endpoint(account, "blob")
    world.fault("POST", TOPIC, times=100, status=503)
    world.wake(account)
    assert world.alerts() == []
    (waiting,) = world.outbox()
    world.client.local("DELETE", "faults")

    world.sweep()

    assert [alert["id"] for alert in world.alerts()] == [waiting.id]
    assert world.outbox() == []


def test_the_outbox_is_sent_while_the_policy_is_invalid(world: World, account: Target) -> None:
    world.stranger().endpoint(account, "blob")
    world.fault("POST", TOPIC, times=100, status=503)
    world.wake(account)
    world.client.local("DELETE", "faults")
    world.policy_text("version: 2")
    world.later(45)

    world.sweep()

    assert world.alert_types() == ["PolicyInvalid", "RequesterUnknown"]


def test_an_invalid_policy_approves_nothing_and_is_alerted_once_for_each_text(world: World, account: Target) -> None:
    request = world.hub.endpoint(account, "blob")
    world.policy_text("version: 2")

    for text in ("version: 2", "version: 3", "version: 3"):
        world.policy_text(text)
        world.later(45)
        world.wake(account)
        world.sweep()

    assert request.status == "Pending"
    assert world.writes() == []
    assert world.alert_types() == ["PolicyInvalid", "PolicyInvalid"]
    assert len({alert["subject"] for alert in world.alerts()}) == 2


def test_a_policy_that_is_not_there_is_alerted_as_missing(world: World) -> None:
    account = world.storage_account()

    world.wake(account)

    assert [(a["subject"], a["type"]) for a in world.alerts()] == [("missing", "PrivateEndpointApprover.PolicyInvalid")]


def test_a_valid_policy_clears_the_alert_and_the_same_mistake_later_is_a_new_one(world: World) -> None:
    world.storage_account()
    for text in ("version: 2", None, "version: 2"):
        if text is None:
            world.policy({"hub": world.hub.requester()}, allow("hub"))
        else:
            world.policy_text(text)
        world.later(45)
        world.sweep()

    first, second = world.alerts()
    assert first["subject"] == second["subject"]
    assert first["id"] != second["id"]


def test_after_ten_strangers_of_one_target_a_digest_stands_for_the_others(world: World, account: Target) -> None:
    party = world.stranger()
    requests = [party.endpoint(account, "blob") for _ in range(12)]

    world.wake(account)
    world.wake(account)

    alerts = world.alerts()
    singles = [a for a in alerts if a["data"]["decision"] is not None]
    (digest,) = [a for a in alerts if a["data"]["decision"] is None]
    assert len(singles) == 10
    assert {a["subject"] for a in singles} < {r.connection_id for r in requests}
    assert digest["subject"] == account.id
    assert digest["type"] == "PrivateEndpointApprover.RequesterUnknown"


def test_strangers_of_one_target_do_not_hide_those_of_another(world: World, account: Target) -> None:
    other, party = world.storage_account(), world.stranger()
    for _ in range(11):
        party.endpoint(account, "blob")
    request = party.endpoint(other, "blob")

    world.wake(account)
    world.wake(other)

    assert world.alerts()[-1]["subject"] == request.connection_id


def test_a_request_that_was_held_and_is_approved_later_leaves_no_open_alert(world: World, account: Target) -> None:
    request = world.partner.endpoint(account, "blob")
    world.wake(account)
    world.policy({"partner": world.partner.requester()}, allow("partner"))
    world.later(45)

    world.sweep()

    assert request.status == "Approved"
    assert [state.active for state in world.conditions()] == [False]


def test_without_a_topic_alerts_stay_in_the_log_and_the_ledger(
    world: World, account: Target, caplog: pytest.LogCaptureFixture
) -> None:
    del world.settings["ALERT_TOPIC_ENDPOINT"]
    request = world.stranger().endpoint(account, "blob")

    world.wake(account)

    assert request.connection_id in caplog.text
    assert [row for row in world.rows("feed") if row["PartitionKey"].startswith("alert|")] != []


def test_the_topic_is_reached_with_the_apps_identity_where_no_key_is_set(world: World, account: Target) -> None:
    del world.settings["ALERT_TOPIC_KEY"]
    world.stranger().endpoint(account, "blob")

    world.wake(account)

    assert world.alert_types() == ["RequesterUnknown"]


def test_markup_and_lone_surrogates_of_a_message_do_not_reach_the_topic(world: World, account: Target) -> None:
    world.stranger().endpoint(account, "blob", message="<b>pay\r\n[me](https://e.test)\ud800 now")

    world.wake(account)

    (alert,) = world.alerts()
    assert alert["data"]["decision"]["requestMessage"] == "b pay me (https://e.test) now"
    assert world.outbox() == []
