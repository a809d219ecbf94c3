"""Delivering alerts: from the outbox to the Event Grid topic, at least once; without a topic they are logged only."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from azure.core.exceptions import AzureError

from shared.azure.pinned import CLIENT_OPTIONS, ScopedCredential
from shared.errors import ApproverError, TransientError
from shared.ledger.alerts import AlertBook
from shared.settings import Settings

if TYPE_CHECKING:
    from azure.eventgrid import EventGridPublisherClient

SCOPE = "https://eventgrid.azure.net/.default"

PATIENCE: dict[str, Any] = {"retry_total": 0, "permit_redirects": False, **CLIENT_OPTIONS}
"""For each call: the client of a basic topic ignores options. The outbox is what waits for a topic that is down; a try in
place would wait as long as the topic's Retry-After says."""

log = logging.getLogger(__name__)


class Topic(Protocol):
    """Where alerts go."""

    def publish(self, event: dict[str, Any]) -> None:
        """Deliver one CloudEvents event. Raises `TransientError` when it was not taken."""
        ...


class EventGridTopic:
    """A custom topic with the CloudEvents schema."""

    def __init__(self, client: Callable[[], EventGridPublisherClient]) -> None:
        self._client = client

    def publish(self, event: dict[str, Any]) -> None:
        """See `Topic`."""
        try:
            self._client().send([event], **PATIENCE)
        except AzureError as error:
            status = getattr(error, "status_code", None) or type(error).__name__
            raise TransientError(f"the alert topic did not take an alert: {status}", code="TopicFailed") from error


def topic_of(settings: Settings, credential: Callable[[], Any]) -> Topic:
    """The alert topic: with its key where there is one, with the app's identity elsewhere; none: alerts are logged."""
    if not settings.alert_topic_endpoint:
        return NoTopic()

    @cache
    def client() -> EventGridPublisherClient:
        from azure.core.credentials import AzureKeyCredential
        from azure.eventgrid import EventGridPublisherClient

        key = settings.alert_topic_key
        identity = AzureKeyCredential(key) if key else ScopedCredential(credential(), SCOPE)
        return EventGridPublisherClient(settings.alert_topic_endpoint, identity)

    return EventGridTopic(client)


class NoTopic:
    """No topic is configured: the log line of `Outbox` is the delivery."""

    def publish(self, event: dict[str, Any]) -> None:
        """See `Topic`."""


class Outbox:
    """Delivers what the book holds for delivery."""

    def __init__(self, book: AlertBook, topic: Topic, now: Callable[[], datetime]) -> None:
        self._book = book
        self._topic = topic
        self._now = now

    def deliver(self, ids: Iterable[str] | None = None) -> int:
        """Deliver the alerts of the ids, or all that wait; answers how many. What fails stays for the next sweep."""
        if ids is not None and not (ids := list(ids)):
            return 0
        delivered = 0
        try:
            for event in self._book.waiting(ids):
                data = event["data"]
                log.warning("alert %s (%s): %s [%s]", event["type"], data["severity"], data["title"], event["subject"])
                self._topic.publish(event)
                self._book.delivered(event, self._now())
                delivered += 1
        except ApproverError as error:
            log.warning("alerts stay in the outbox: %s", error)
        return delivered
