"""Event Grid's deliveries: handshake, headers, retries, dead letters, statistics.

Source: https://learn.microsoft.com/azure/event-grid/delivery-and-retry
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp

from local.azure.clock import Clock
from local.azure.events import Events, EventSubscription, to_cloud_event
from local.azure.wire import Json, as_object
from shared.resource_id import fold

log = logging.getLogger(__name__)

SCHEDULE = (10, 30, 60, 300, 600, 1800, 3600, 10800, 21600)
"""Seconds before each further attempt; 12 hours before every one after these."""
_LONGEST = 43200
_DELIVERED = frozenset({200, 201, 202, 203, 204})
_NEVER_AGAIN = frozenset({400, 401, 403, 413})
_AT_LEAST = {404: 300, 408: 120, 503: 30}
_ANSWER_SECONDS = 30
_AT_ONCE = 32


@dataclass(slots=True)
class Delivery:
    """One event on its way to one event subscription."""

    id: str
    subscription: str
    event: Json
    published_at: str
    attempts: int = 0
    waited: float = 0
    outcome: str = ""


class Deliveries:
    """Sends events to webhooks until they are taken, refused for good, or too old."""

    def __init__(self, clock: Clock, events: Events, functions_url: Callable[[], str]) -> None:
        self._clock = clock
        self._events = events
        self._functions_url = functions_url
        self._waiting: dict[str, Delivery] = {}
        self._sending: set[str] = set()
        self._counts: dict[str, Counter[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None
        self.dead_letters: list[Json] = []
        events.deliver = self.accept
        clock.on("eventgrid.attempt", self._attempt)

    async def start(self) -> None:
        """Be ready to send."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(ssl=False))

    async def stop(self) -> None:
        """Give up what is being sent; it stays in the snapshot."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    def accept(self, subscription: EventSubscription, event: Json) -> None:
        """Take an event for a subscription and send it soon."""
        delivery = Delivery(str(uuid.uuid4()), subscription.key, event, self._clock.stamp())
        self._waiting[delivery.id] = delivery
        self._count(subscription.key, "published")
        self._clock.after(0, "eventgrid.attempt", delivery.id)

    def statistics(self) -> Json:
        """For each event subscription what was published, delivered, dropped and so on; and the dead letters."""
        waiting = Counter(delivery.subscription for delivery in self._waiting.values())
        subscriptions = [
            {"id": one.key, "name": one.name, "waiting": waiting[one.key], **self._counts.get(one.key, {})}
            for one in self._events.subscriptions
        ]
        return {"subscriptions": subscriptions, "deadLetters": self.dead_letters}

    def snapshot(self) -> list[Json]:
        """What is still on its way."""
        return [asdict(delivery) for delivery in self._waiting.values()]

    def interrupted(self) -> list[list[Any]]:
        """The clock's jobs for what is being sent right now: in a snapshot it has to be sent again."""
        return [[0.0, "eventgrid.attempt", [delivery_id]] for delivery_id in sorted(self._sending)]

    def load(self, deliveries: list[dict[str, Any]]) -> None:
        """Replace what is on its way; the clock's jobs say when each is tried again."""
        self._waiting = {d["id"]: Delivery(**d) for d in deliveries}

    async def validate(self, endpoint: str, schema: str, topic: str, validation_url: str, code: str) -> bool:
        """The handshake with a webhook before it gets events; false if it does not consent."""
        assert self._session is not None  # noqa: S101  # started before any request is served
        try:
            if fold(schema) == "cloudeventschemav1_0":
                headers = {"WebHook-Request-Origin": "eventgrid.azure.net"}
                async with self._session.options(endpoint, headers=headers) as answer:
                    return answer.headers.get("WebHook-Allowed-Origin") in ("*", "eventgrid.azure.net")
            event = {
                "id": str(uuid.uuid4()),
                "topic": topic,
                "subject": "",
                "data": {"validationCode": code, "validationUrl": validation_url},
                "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
                "eventTime": self._clock.stamp(),
                "metadataVersion": "1",
                "dataVersion": "2",
            }
            headers = {"aeg-event-type": "SubscriptionValidation"}
            async with self._session.post(endpoint, json=[event], headers=headers) as answer:
                body = as_object(await answer.json(content_type=None))
                return answer.status == 200 and body.get("validationResponse") == code
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            log.warning("the webhook %s did not answer the handshake: %s", endpoint, error)
            return False

    def _attempt(self, delivery_id: str) -> None:
        delivery = self._waiting.get(delivery_id)
        if delivery is not None:
            self._sending.add(delivery_id)
            task = asyncio.get_running_loop().create_task(self._send_one(delivery))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send_one(self, delivery: Delivery) -> None:
        try:
            async with self._slots:
                await self._send(delivery)
        finally:
            self._sending.discard(delivery.id)

    async def _send(self, delivery: Delivery) -> None:
        subscription = next((s for s in self._events.subscriptions if s.key == delivery.subscription), None)
        if subscription is None:
            self._waiting.pop(delivery.id, None)
            return
        status, outcome = await self._post(subscription, delivery)
        delivery.attempts += 1
        delivery.outcome = outcome
        self._count(subscription.key, "attempts")
        if status in _DELIVERED:
            self._count(subscription.key, "delivered")
            del self._waiting[delivery.id]
            return
        self._count(subscription.key, f"answered {outcome}")
        policy = as_object(subscription.properties.get("retryPolicy"))
        pause = SCHEDULE[delivery.attempts - 1] if delivery.attempts <= len(SCHEDULE) else _LONGEST
        pause = max(pause, _AT_LEAST.get(status, 0))
        delivery.waited += pause
        if status in _NEVER_AGAIN:
            self._give_up(subscription, delivery, outcome)
        elif delivery.attempts >= policy.get("maxDeliveryAttempts", 30):
            self._give_up(subscription, delivery, "MaxDeliveryAttemptsExceeded")
        elif delivery.waited > 60 * policy.get("eventTimeToLiveInMinutes", 1440):
            self._give_up(subscription, delivery, "TimeToLiveExceeded")
        else:
            self._clock.after(pause, "eventgrid.attempt", delivery.id)

    async def _post(self, subscription: EventSubscription, delivery: Delivery) -> tuple[int, str]:
        """One attempt: the status (0 without one) and its name."""
        assert self._session is not None  # noqa: S101  # started before any request is served
        body, headers = self._message(subscription, delivery)
        try:
            async with self._session.post(self.endpoint(subscription), data=body, headers=headers) as answer:
                await answer.read()
                return answer.status, str(answer.reason or answer.status)
        except TimeoutError:
            return 408, "TimedOut"
        except aiohttp.ClientError as error:
            log.info("event subscription %s: %s", subscription.name, error)
            return 0, "SocketError"

    def _message(self, subscription: EventSubscription, delivery: Delivery) -> tuple[bytes, dict[str, str]]:
        cloud = fold(str(subscription.properties.get("eventDeliverySchema", ""))) == "cloudeventschemav1_0"
        event = delivery.event
        headers = {
            "aeg-subscription-name": subscription.name.upper(),
            "aeg-delivery-count": str(delivery.attempts),
            "aeg-event-type": "Notification",
            "aeg-output-event-id": event["id"],
            "aeg-metadata-version": "1.0" if cloud else event["metadataVersion"],
        }
        if cloud:
            headers["Content-Type"] = "application/cloudevents+json; charset=utf-8"
            return json.dumps(to_cloud_event(event)).encode(), headers
        headers["Content-Type"] = "application/json; charset=utf-8"
        headers["aeg-data-version"] = event["dataVersion"]
        return json.dumps([event]).encode(), headers

    def endpoint(self, subscription: EventSubscription) -> str:
        """Where a subscription's events go; an Azure Function is reached through its host's webhook."""
        destination = as_object(subscription.properties.get("destination"))
        properties = as_object(destination.get("properties"))
        if fold(str(destination.get("endpointType", ""))) == "azurefunction":
            function = str(properties.get("resourceId", "")).rpartition("/")[2]
            return f"{self._functions_url()}/runtime/webhooks/eventgrid?functionName={function}"
        return str(properties.get("endpointUrl", ""))

    def _give_up(self, subscription: EventSubscription, delivery: Delivery, reason: str) -> None:
        del self._waiting[delivery.id]
        if not subscription.properties.get("deadLetterDestination"):
            self._count(subscription.key, "dropped")
            return
        self._count(subscription.key, "deadLettered")
        self.dead_letters.append(
            {
                **delivery.event,
                "deadLetterReason": reason,
                "deliveryAttempts": delivery.attempts,
                "lastDeliveryOutcome": delivery.outcome,
                "publishTime": delivery.published_at,
                "lastDeliveryAttemptTime": self._clock.stamp(),
            }
        )

    def _count(self, subscription: str, what: str) -> None:
        self._counts.setdefault(subscription, Counter())[what] += 1
