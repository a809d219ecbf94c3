"""What Event Grid publishes, to whom, how it is delivered and how often it is tried."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.azure.delivery import SCHEDULE
from tests.local_azure.conftest import KUSTO, STORAGE, Estate, Webhook, until

VERSION = "2025-02-15"
WRITE = "Microsoft.Resources.ResourceWriteSuccess"


def subscribe(home: Estate, hook: Webhook, *, wait: bool = True, scope: str = "", **properties: Any) -> str:
    """An event subscription on the whole subscription, ready to get events."""
    one = f"{scope or '/subscriptions/' + home.subscription}/providers/Microsoft.EventGrid/eventSubscriptions/test"
    destination = {"endpointType": "WebHook", "properties": {"endpointUrl": hook.url}}
    body = {"properties": {"destination": destination, **properties}}
    assert home.arm("PUT", one, VERSION, body).ok()["properties"]["provisioningState"] == "Creating"
    if wait:
        until(lambda: home.arm("GET", one, VERSION).ok()["properties"]["provisioningState"] == "Succeeded")
    return one


@pytest.fixture
def account(home: Estate) -> str:
    """A storage account whose creation, and with it its event, is over."""
    account = home.storage()
    home.pass_time(60)
    return account


def events(hook: Webhook) -> list[Any]:
    """The events that arrived, of both schemas."""
    bodies = [json.loads(content) for _, content in hook.notifications()]
    return [event for body in bodies for event in (body if isinstance(body, list) else [body])]


def writes(*operations: str) -> dict[str, Any]:
    one = {"operatorType": "StringEndsWith", "key": "data.operationName", "values": list(operations)}
    return {"includedEventTypes": [WRITE], "advancedFilters": [one]}


def statistics(home: Estate, subscription: str) -> Any:
    found = home.client.local("GET", "eventgrid")["subscriptions"]
    return next(one for one in found if one["id"] == subscription.lower())


def test_a_pending_request_is_a_write_of_a_proxy_in_the_targets_subscription(
    home: Estate, account: str, stranger: Estate, webhook: Webhook
) -> None:
    subscribe(home, webhook, filter=writes("/privateEndpointConnectionProxies/write"))
    stranger.endpoint(account, "blob", name="pe1").ok()
    (event,) = until(lambda: events(webhook))
    assert event["eventType"] == WRITE
    assert event["topic"] == f"/subscriptions/{home.subscription}"
    assert event["subject"].startswith(f"{account}/privateEndpointConnectionProxies/pe1.")
    data = event["data"]
    assert data["resourceUri"] == event["subject"]
    assert data["operationName"] == "Microsoft.Storage/storageAccounts/privateEndpointConnectionProxies/write"
    assert (data["status"], data["subscriptionId"]) == ("Succeeded", home.subscription)
    assert stranger.subscription not in json.dumps(event)


def test_an_approval_is_a_write_of_the_connection(
    home: Estate, account: str, stranger: Estate, webhook: Webhook
) -> None:
    stranger.endpoint(account, "blob").ok()
    (connection,) = home.connections(account, STORAGE)
    subscribe(home, webhook, filter=writes("/privateEndpointConnections/write"))
    home.decide(connection, "Approved", STORAGE).ok()
    (event,) = until(lambda: events(webhook))
    assert event["subject"] == connection["id"]


def test_a_long_running_write_is_published_when_it_has_ended(home: Estate, account: str, webhook: Webhook) -> None:
    subscribe(home, webhook, filter=writes("Microsoft.Kusto/Clusters/write", "Microsoft.Storage/storageAccounts/write"))
    home.cluster()
    home.arm("PATCH", account, STORAGE, {"tags": {}}).ok()
    first = until(lambda: events(webhook))
    assert [event["data"]["resourceProvider"] for event in first] == ["Microsoft.Storage"]
    home.pass_time(700)
    until(lambda: "Microsoft.Kusto" in [event["data"]["resourceProvider"] for event in events(webhook)])


def test_deletions_and_actions_have_types_of_their_own(home: Estate, account: str, webhook: Webhook) -> None:
    subscribe(home, webhook)
    home.arm("POST", f"{account}/listKeys", STORAGE).ok()
    home.arm("DELETE", account, STORAGE).ok()
    kinds = until(lambda: len(events(webhook)) == 2 and {event["eventType"] for event in events(webhook)})
    assert kinds == {"Microsoft.Resources.ResourceActionSuccess", "Microsoft.Resources.ResourceDeleteSuccess"}


def test_event_grid_schema_comes_as_an_array_of_one_with_its_headers(
    home: Estate, account: str, webhook: Webhook
) -> None:
    subscribe(home, webhook)
    home.arm("PATCH", account, STORAGE, {"tags": {}}).ok()
    ((headers, content),) = until(webhook.notifications)
    (event,) = json.loads(content)
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["aeg-subscription-name"] == "TEST"
    assert headers["aeg-delivery-count"] == "0"
    assert headers["aeg-output-event-id"] == event["id"]
    assert (headers["aeg-metadata-version"], headers["aeg-data-version"]) == ("1", "2")


def test_cloud_events_come_as_an_object_after_an_options_handshake(
    home: Estate, account: str, webhook: Webhook
) -> None:
    subscribe(home, webhook, eventDeliverySchema="CloudEventSchemaV1_0")
    assert webhook.requests[0][0] == "OPTIONS"
    home.arm("PATCH", account, STORAGE, {"tags": {}}).ok()
    ((headers, content),) = until(webhook.notifications)
    event = json.loads(content)
    assert (event["specversion"], event["type"], event["source"]) == (
        "1.0",
        WRITE,
        f"/subscriptions/{home.subscription}",
    )
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert "aeg-data-version" not in headers


def test_a_webhook_that_does_not_consent_gets_nothing_until_its_url_is_opened(
    home: Estate, account: str, webhook: Webhook
) -> None:
    webhook.validation = "refuse"
    one = subscribe(home, webhook, wait=False)
    until(lambda: home.arm("GET", one, VERSION).ok()["properties"]["provisioningState"] == "AwaitingManualAction")
    home.arm("PATCH", account, STORAGE, {"tags": {}}).ok()
    (asked,) = json.loads(webhook.requests[0][2])
    assert asked["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent"
    assert home.client.send("GET", asked["data"]["validationUrl"]).status == 200
    home.arm("PATCH", account, STORAGE, {"tags": {"second": "yes"}}).ok()
    until(lambda: len(webhook.notifications()) == 1)


def test_events_of_other_subscriptions_do_not_cross(
    home: Estate, account: str, stranger: Estate, webhook: Webhook
) -> None:
    subscribe(home, webhook)
    stranger.storage()
    stranger.pass_time(60)
    home.arm("PATCH", account, STORAGE, {"tags": {}}).ok()
    found = until(lambda: events(webhook))
    assert all(home.subscription in event["subject"] for event in found)


def test_a_failed_delivery_is_tried_again_by_the_documented_schedule(
    home: Estate, account: str, webhook: Webhook
) -> None:
    one = subscribe(home, webhook)
    webhook.answers = [500, 500, 500, 202]
    home.arm("PATCH", account, STORAGE, {"tags": {}}).ok()
    for attempt, pause in enumerate(SCHEDULE[:3], start=1):
        until(lambda count=attempt: statistics(home, one).get("attempts") == count)  # type: ignore[misc]
        home.pass_time(pause - 1)
        assert len(webhook.notifications()) == attempt
        home.pass_time(1)
        until(lambda count=attempt: len(webhook.notifications()) == count + 1)  # type: ignore[misc]
    counts = [headers["aeg-delivery-count"] for headers, _ in webhook.notifications()]
    assert counts == ["0", "1", "2", "3"]
    until(lambda: statistics(home, one).get("delivered") == 1)
    assert statistics(home, one)["waiting"] == 0


@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_a_refusal_for_good_is_never_tried_again(home: Estate, account: str, webhook: Webhook, status: int) -> None:
    one = subscribe(home, webhook)
    webhook.answers = [status]
    home.arm("PATCH", account, STORAGE, {"tags": {}}).ok()
    until(lambda: statistics(home, one).get("dropped") == 1)
    home.pass_time(100_000)
    assert len(webhook.notifications()) == 1


def test_an_event_that_is_given_up_becomes_a_dead_letter_where_there_is_a_place_for_it(
    home: Estate, account: str, webhook: Webhook
) -> None:
    place = {"endpointType": "StorageBlob", "properties": {"resourceId": account, "blobContainerName": "dead"}}
    retries = {"maxDeliveryAttempts": 1, "eventTimeToLiveInMinutes": 1440}
    one = subscribe(home, webhook, deadLetterDestination=place, retryPolicy=retries)
    webhook.answers = [503]
    home.arm("PATCH", account, STORAGE, {"tags": {}}).ok()
    until(lambda: statistics(home, one).get("deadLettered") == 1)
    letters = home.client.local("GET", "eventgrid")["deadLetters"]
    (letter,) = [one for one in letters if home.subscription in one["subject"]]
    assert letter["deadLetterReason"] == "MaxDeliveryAttemptsExceeded"
    assert letter["deliveryAttempts"] == 1


def test_a_filter_that_event_grid_would_refuse_is_refused(home: Estate, webhook: Webhook) -> None:
    home.storage()
    one = f"/subscriptions/{home.subscription}/providers/Microsoft.EventGrid/eventSubscriptions/test"
    destination = {"endpointType": "WebHook", "properties": {"endpointUrl": webhook.url}}
    values = [str(number) for number in range(26)]
    too_many = {"advancedFilters": [{"operatorType": "StringIn", "key": "subject", "values": values}]}
    body = {"properties": {"destination": destination, "filter": too_many}}
    assert home.arm("PUT", one, VERSION, body).status == 400


def test_resource_notifications_carry_the_whole_resource(
    home: Estate, account: str, stranger: Estate, webhook: Webhook
) -> None:
    topic = f"{home.group}/providers/Microsoft.EventGrid/systemTopics/notifications"
    properties = {
        "source": f"/subscriptions/{home.subscription}",
        "topicType": "Microsoft.ResourceNotifications.Resources",
    }
    home.arm("PUT", topic, VERSION, {"location": "global", "properties": properties}).ok()
    nested = f"{topic}/eventSubscriptions/test"
    destination = {"endpointType": "WebHook", "properties": {"endpointUrl": webhook.url}}
    home.arm("PUT", nested, VERSION, {"properties": {"destination": destination}}).ok()
    until(lambda: home.arm("GET", nested, VERSION).ok()["properties"]["provisioningState"] == "Succeeded")
    stranger.endpoint(account, "blob").ok()
    (event,) = until(lambda: events(webhook))
    assert event["eventType"] == "Microsoft.ResourceNotifications.Resources.CreatedOrUpdated"
    (connection,) = event["data"]["resourceInfo"]["properties"]["privateEndpointConnections"]
    assert connection["properties"]["privateLinkServiceConnectionState"]["status"] == "Pending"


def test_a_managed_endpoint_wakes_the_targets_subscription_when_its_connection_appears(
    home: Estate, account: str, webhook: Webhook
) -> None:
    cluster = home.cluster()
    subscribe(home, webhook, filter=writes("/privateEndpointConnectionProxies/write"))
    body = {"properties": {"privateLinkResourceId": account, "groupId": "blob"}}
    home.arm("PUT", f"{cluster}/managedPrivateEndpoints/mpe", KUSTO, body).ok()
    home.pass_time(61)
    (event,) = until(lambda: events(webhook))
    assert event["subject"].startswith(account)
