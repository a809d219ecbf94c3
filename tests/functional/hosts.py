"""The app in local Functions hosts, as people run it: Microsoft's worker code, a real queue, real webhooks."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from local.host.process import HostProcess
from shared.triggers.http import JSON
from tests.functional.world import World

NEVER = "0 0 0 29 2 *"

Value = TypeVar("Value")


def until(condition: Callable[[], Value], seconds: float = 30) -> Value:
    """Wait until something outside of this process is so; answers it."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {seconds:g} s"
        time.sleep(0.05)
    return value


def host_of(world: World, **settings: str) -> HostProcess:
    """A host of the app with the world's settings and policy; its timer never fires by itself."""
    given = {**world.settings, "POLICY_PATH": str(world.folder / "policy.yaml"), "SWEEP_SCHEDULE": NEVER, **settings}
    return HostProcess(given)


def post(url: str, body: Any, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    """POST bytes as they are, everything else as JSON; answers status and decoded body (None if it had none)."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": JSON, **(headers or {})}
    request = urllib.request.Request(url, content, sent, method="POST")  # noqa: S310 - http of our own
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - http of our own
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            status, text = error.code, error.read()
    return status, json.loads(text) if text[:1] in (b"{", b"[") else None


def deliver(host: HostProcess, event: Any) -> int:
    """Event Grid's delivery of an event (or of a list of them); answers the status."""
    url = f"{host.url}/runtime/webhooks/eventgrid?functionName=on_resource_event"
    return post(url, event, {"aeg-event-type": "Notification"})[0]


def fire_sweep(host: HostProcess) -> None:
    """The timer fires now."""
    assert post(f"{host.url}/admin/functions/sweep", {})[0] == 202


def enqueue(world: World, *texts: str) -> None:
    """Put messages into the queue `reviews`, which is made when it is missing; encoded as the host expects them."""
    with _queue(world, "reviews") as client:
        with suppress(ResourceExistsError):
            client.create_queue()
        for text in texts:
            client.send_message(text)


def queued(world: World, name: str = "reviews") -> int:
    """How many messages a queue holds, those that are delayed or being worked on included."""
    with _queue(world, name) as client:
        return int(client.get_queue_properties().approximate_message_count or 0)


def _queue(world: World, name: str) -> QueueClient:
    text = world.settings["AzureWebJobsStorage"]
    return QueueClient.from_connection_string(text, name, message_encode_policy=TextBase64EncodePolicy())
