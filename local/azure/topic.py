"""Event Grid custom topics with the CloudEvents schema: where the app's alerts arrive."""

from __future__ import annotations

import json
import secrets
from collections import deque
from typing import Any

from local.azure import tenants
from local.azure.clock import Clock
from local.azure.wire import Answer, AzureError, Json, Request

AUDIENCE = "https://eventgrid.azure.net"
_KEPT = 10_000
_REQUIRED = ("id", "source", "type", "specversion")


class Topics:
    """Takes events by key or token, keeps the last 10,000 of each topic, with the time each arrived."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.key = secrets.token_urlsafe(32)
        self._events: dict[str, deque[Json]] = {}

    def publish(self, request: Request, topic: str) -> Answer:
        """`POST /topics/{topic}/api/events`: one CloudEvent, an array, or a batch."""
        self._authorize(request)
        for event in _events(request):
            missing = [name for name in _REQUIRED if not isinstance(event.get(name), str) or not event[name]]
            if missing or event["specversion"] != "1.0":
                message = f"This resource is configured to receive event in 'CloudEventV10' schema; missing: {missing}"
                raise AzureError(400, "BadRequest", message)
            kept = self._events.setdefault(topic, deque(maxlen=_KEPT))
            kept.append({"arrivedAt": self._clock.stamp(), "event": event})
        return Answer(200)

    def arrived(self, topic: str) -> list[Json]:
        """What arrived at a topic, in order: `{"arrivedAt", "event"}`."""
        return list(self._events.get(topic, ()))

    def clear(self, topic: str) -> None:
        """Forget what arrived at a topic."""
        self._events.pop(topic, None)

    def _authorize(self, request: Request) -> None:
        key = request.headers.get("aeg-sas-key")
        if key is not None:
            if not secrets.compare_digest(key.encode(), self.key.encode()):
                raise AzureError(401, "Unauthorized", "The request authorization key is not authorized for this topic.")
            return
        caller = tenants.read(request.headers.get("Authorization", ""))
        if caller is None or caller.audience.rstrip("/") != AUDIENCE:
            raise AzureError(
                401, "Unauthorized", "Request must contain one of: aeg-sas-key, aeg-sas-token, Authorization."
            )


def _events(request: Request) -> list[Json]:
    try:
        body: Any = json.loads(request.content)
    except ValueError as error:
        raise AzureError(400, "BadRequest", "The request body is not JSON.") from error
    events = body if isinstance(body, list) else [body]
    if not all(isinstance(event, dict) for event in events):
        raise AzureError(400, "BadRequest", "The request body must hold CloudEvents.")
    return events
