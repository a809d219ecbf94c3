"""Events as Event Grid delivers them, through a host: what they wake, and what they do not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.host.process import HostProcess
from tests.events.catalogue import ABOUT_A_TARGET, ABOUT_SOMETHING_ELSE, MALFORMED, event
from tests.functional.hosts import deliver, host_of, queued, until
from tests.functional.world import World, allow


@pytest.fixture(scope="module")
def host(lively_world: World) -> Iterator[HostProcess]:
    lively_world.policy({"hub": lively_world.hub.requester()}, allow("hub"))
    with host_of(lively_world) as running:
        yield running


@pytest.mark.parametrize("name", ABOUT_A_TARGET)
def test_an_event_about_a_target_wakes_its_review(lively_world: World, host: HostProcess, name: str) -> None:
    account = lively_world.storage_account()
    request = lively_world.hub.endpoint(account, "blob")

    assert deliver(host, [event(name, account.id)]) == 202

    until(lambda: request.status == "Approved")


@pytest.mark.parametrize("change", [str.upper, str.lower])
def test_ids_come_in_any_casing(lively_world: World, host: HostProcess, change: type[str]) -> None:
    account = lively_world.storage_account()
    request = lively_world.hub.endpoint(account, "blob")

    assert deliver(host, event("about-a-target/proxy-written.event-grid.json", change(account.id))) == 202

    until(lambda: request.status == "Approved")


@pytest.mark.parametrize("names", [ABOUT_SOMETHING_ELSE, MALFORMED], ids=["something else", "malformed"])
def test_what_is_not_about_a_target_is_taken_and_causes_no_call(
    lively_world: World, host: HostProcess, names: list[str]
) -> None:
    account = lively_world.storage_account()
    request = lively_world.hub.endpoint(account, "blob")
    lively_world.forget_calls()

    for name in names:
        assert deliver(host, event(name, account.id)) == 202

    assert queued(lively_world) == 0
    assert lively_world.calls() == []
    assert request.status == "Pending"


def test_a_malformed_event_is_one_line_in_the_log_and_its_claims_none(lively_world: World, host: HostProcess) -> None:
    name = "malformed/uri-is-no-id.event-grid.json"
    made = event(name, lively_world.storage_account().id) | {"id": "the-malformed-one"}

    deliver(host, made)

    lines = host.wait_for_log("the-malformed-one").splitlines()
    assert len([line for line in lines if "the-malformed-one" in line]) == 1
    assert not [line for line in lines if made["data"]["claims"]["name"] in line]


@pytest.mark.parametrize(
    "name", ["about-a-target/proxy-written.event-grid.json", "malformed/uri-is-no-id.event-grid.json"]
)
def test_an_events_id_forges_no_line_of_the_log(lively_world: World, host: HostProcess, name: str) -> None:
    word = name.partition("/")[0]
    made = event(name, lively_world.storage_account().id)

    deliver(host, made | {"id": f"{word}-id\n[2026-11-21T00:00:00Z] forged by {word}\r\u2028\x1b[2J"})

    lines = host.wait_for_log(f"forged by {word}").splitlines()
    assert [line for line in lines if line.startswith("[2026-11-21T00:00:00Z]")] == []
    assert all(f"{word}-id" in line for line in lines if f"forged by {word}" in line)
    assert "\x1b" not in "".join(lines)


def test_an_id_of_30000_characters_fills_no_log_and_its_target_is_reviewed(
    lively_world: World, host: HostProcess
) -> None:
    account = lively_world.storage_account()
    request = lively_world.hub.endpoint(account, "blob")
    made = event("about-a-target/proxy-written.event-grid.json", account.id)

    assert deliver(host, made | {"id": "é" * 30_000}) == 202

    until(lambda: request.status == "Approved")
    assert max(len(line) for line in host.log().splitlines()) < 1500


@pytest.mark.parametrize("schema", ["EventGridSchema", "CloudEventSchemaV1_0"])
def test_an_event_subscription_of_azure_brings_a_request_to_its_approval(
    lively_world: World, host: HostProcess, schema: str
) -> None:
    scope = f"/subscriptions/{lively_world.home.subscription}"
    url = f"{host.url}/runtime/webhooks/eventgrid?functionName=on_resource_event"
    body = {"properties": {
        "destination": {"endpointType": "WebHook", "properties": {"endpointUrl": url}},
        "eventDeliverySchema": schema,
        "filter": {"includedEventTypes": ["Microsoft.Resources.ResourceWriteSuccess"]},
    }}  # fmt: skip
    account, namespace = lively_world.storage_account(), lively_world.namespace()
    subscription = f"{scope}/providers/Microsoft.EventGrid/eventSubscriptions/{schema.lower()}"
    arm = lively_world.azure.arm
    arm("PUT", subscription, "2025-02-15", body)
    until(lambda: arm("GET", subscription, "2025-02-15")["properties"]["provisioningState"] == "Succeeded")

    requests = [
        lively_world.hub.endpoint(account, "blob"), lively_world.hub.endpoint(namespace, "namespace"),
    ]  # fmt: skip

    until(lambda: [request.status for request in requests] == ["Approved", "Approved"])
    arm("DELETE", subscription, "2025-02-15")
