"""The Event Grid webhook."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from local.host.process import HostProcess
from tests.local_host.azurite_server import Account
from tests.local_host.conftest import queue_of, texts


def event(number: str, **data: object) -> dict[str, Any]:
    return {
        "id": number,
        "topic": "/subscriptions/11111111-1111-1111-1111-111111111111",
        "subject": f"subject {number}",
        "eventType": "Microsoft.Resources.ResourceWriteSuccess",
        "eventTime": "2026-01-01T00:00:00.1234567Z",
        "data": data,
        "dataVersion": "1",
    }


def send(
    host: HostProcess, body: object, kind: str | None = "Notification", name: str = "on_event"
) -> requests.Response:
    return requests.post(
        f"{host.url}/runtime/webhooks/eventgrid",
        params={"functionName": name},
        data=body if isinstance(body, str) else json.dumps(body),
        headers={} if kind is None else {"aeg-event-type": kind},
        timeout=10,
    )


def test_each_event_is_one_run_whose_output_reaches_the_queue(host: HostProcess, module_account: Account) -> None:
    assert send(host, [event("1", a=1), event("2", a=2)]).status_code == 202
    seen = [json.loads(text) for text in texts(queue_of(module_account, "events"))]
    assert sorted(one["id"] for one in seen) == ["1", "2"]
    assert {"id": "1", "subject": "subject 1", "data": {"a": 1}} in seen


def test_a_single_object_is_one_event(host: HostProcess) -> None:
    assert send(host, event("single"), name="ON_EVENT").status_code == 202


def test_one_failed_run_makes_the_whole_delivery_500_with_its_text(host: HostProcess) -> None:
    answer = send(host, [event("good"), event("bad", fail=True)])
    assert answer.status_code == 500
    assert "ValueError: asked to fail" in answer.text


def test_a_cloud_event_reaches_the_function(host: HostProcess) -> None:
    cloud = {"specversion": "1.0", "id": "c", "source": "s", "type": "t", "subject": "x", "data": {"a": 1}}
    assert send(host, cloud, name="on_cloud_event").status_code == 202
    host.wait_for_log("cloud event c s {'a': 1}")


def test_the_subscription_handshake_is_answered_without_a_run(host: HostProcess) -> None:
    answer = send(host, [{"data": {"validationCode": "abc"}}], "SubscriptionValidation")
    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "abc"})
    cloud = {"specversion": "1.0", "data": json.dumps({"validationCode": "def"})}
    assert send(host, cloud, "SubscriptionValidation").json() == {"validationResponse": "def"}


def test_the_cloud_events_handshake_is_answered(host: HostProcess) -> None:
    url = f"{host.url}/runtime/webhooks/eventgrid?functionName=on_event"
    answer = requests.options(url, headers={"WebHook-Request-Origin": "eventgrid.azure.net"}, timeout=10)
    assert (answer.status_code, answer.headers["WebHook-Allowed-Origin"]) == (200, "eventgrid.azure.net")


@pytest.mark.parametrize("kind", [None, "Something", ""])
def test_a_missing_or_unknown_event_type_is_400(host: HostProcess, kind: str | None) -> None:
    assert send(host, [], kind).status_code == 400


def test_unsubscribing_is_accepted(host: HostProcess) -> None:
    assert send(host, [], "Unsubscribe").status_code == 202


@pytest.mark.parametrize("name", ["nothing", "work", ""])
def test_a_name_that_is_no_event_grid_function_is_404(host: HostProcess, name: str) -> None:
    answer = send(host, [], name=name)
    assert (answer.status_code, answer.text) == (404, f"cannot find function: '{name}'")


@pytest.mark.parametrize("body", ["", "{", "[1]", '"text"', "[[]]"])
def test_a_body_that_event_grid_never_sends_is_400(host: HostProcess, body: str) -> None:
    assert send(host, body).status_code == 400
    assert send(host, body, "SubscriptionValidation").status_code == 400


def test_an_empty_array_is_accepted(host: HostProcess) -> None:
    assert send(host, []).status_code == 202
