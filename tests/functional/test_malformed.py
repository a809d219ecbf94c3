"""What should never come, through a host: dropped, poisoned or refused; never a 500, and nothing is approved.

Malformed events are in test_events.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from local.host.process import HostProcess
from tests.functional.estate import Request
from tests.functional.hosts import enqueue, host_of, post, queued, until
from tests.functional.world import World, allow

GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg"
TARGET = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/a"
"""A well-formed id of a target that is out of every scope here."""

MESSAGES = [
    "",
    "not JSON",
    "null",
    "[]",
    "[" * 20_000,
    "{}",
    json.dumps({"targetId": None, "cause": "event"}),
    json.dumps({"targetId": TARGET}),
    json.dumps({"targetId": TARGET, "cause": "because"}),
    json.dumps({"targetId": TARGET, "cause": "event", "attempt": -1}),
    json.dumps({"targetId": TARGET, "cause": "event", "attempt": True}),
    json.dumps({"targetId": TARGET, "cause": "event", "dryRun": "no"}),
    json.dumps({"targetId": TARGET, "cause": "event", "runId": 7}),
    json.dumps({"targetId": TARGET + "/privateEndpointConnections/c", "cause": "event"}),
    json.dumps({"targetId": "/subscriptions/../resourceGroups/rg", "cause": "event"}),
]
BODIES = [
    b"",
    b"{",
    b"null",
    b"\xff\xfe\x00",
    b"[" * 20_000,
    b"{}",
    b'{"scope": []}',
    b'{"scope": "all", "dryRun": 1}',
    b'{"scope": "all", "force": true}',
    b'{"scope": "../../subscriptions"}',
    b'{"scope": "/subscriptions/%00"}',
    json.dumps({"scope": TARGET.replace("Microsoft.Storage/storageAccounts", "Microsoft.Web/sites")}).encode(),
    json.dumps({"scope": "/subscriptions/" + "1" * 100_000}).encode(),
]


@pytest.fixture(scope="module")
def host(lively_world: World) -> Iterator[HostProcess]:
    """A host that gives a failing message up soon."""
    lively_world.policy({"hub": lively_world.hub.requester()}, allow("hub"))
    queues = "AzureFunctionsJobHost__extensions__queues"
    soon = {f"{queues}__visibilityTimeout": "00:00:00", f"{queues}__maxDequeueCount": "2"}
    with host_of(lively_world, **soon) as running:
        yield running


@pytest.fixture(scope="module")
def waiting(lively_world: World) -> Request:
    """A request that would be approved if anything woke its review."""
    return lively_world.hub.endpoint(lively_world.storage_account(), "blob")


def test_malformed_messages_end_in_the_poison_queue_and_are_one_alert(
    lively_world: World, host: HostProcess, waiting: Request
) -> None:
    enqueue(lively_world, *MESSAGES)

    host.wait_for_log("Executed 'Functions.review_failed' .Succeeded", count=len(MESSAGES))
    until(lambda: queued(lively_world) == queued(lively_world, "reviews-poison") == 0)

    told = {(alert["id"], alert["type"], alert["subject"]) for alert in lively_world.alerts()}  # once or more often
    ((_, kind, subject),) = told
    assert (kind, subject) == ("PrivateEndpointApprover.ReviewFailed", "poison")
    assert lively_world.calls() == []
    assert waiting.status == "Pending"


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:40]))
def test_a_malformed_body_is_400(host: HostProcess, waiting: Request, body: bytes) -> None:
    status, answer = post(f"{host.url}/api/reevaluate", body)

    assert status == 400
    assert set(answer["error"]) == {"code", "message"}
    assert len(answer["error"]["message"]) < 500
    assert waiting.status == "Pending"


@pytest.mark.parametrize("body", [b"", b"{", b'"text"', b"[7]", b"\xff"])
def test_a_delivery_that_is_no_event_at_all_is_refused(host: HostProcess, body: bytes) -> None:
    url = f"{host.url}/runtime/webhooks/eventgrid?functionName=on_resource_event"

    assert post(url, body, {"aeg-event-type": "Notification"})[0] == 400


@pytest.mark.usefixtures("host")
def test_a_review_that_fails_again_and_again_is_alerted_under_its_target(lively_world: World) -> None:
    account = lively_world.storage_account()
    lively_world.fault(
        "GET", f"{account.id}/privateEndpointConnections", times=100, status=200, body={"value": [{"name": "no id"}]}
    )
    enqueue(lively_world, json.dumps({"targetId": account.id, "cause": "event"}))

    until(lambda: account.id in {alert["subject"] for alert in lively_world.alerts()})

    (alert,) = [alert for alert in lively_world.alerts() if alert["subject"] == account.id]
    assert alert["type"] == "PrivateEndpointApprover.ReviewFailed"
