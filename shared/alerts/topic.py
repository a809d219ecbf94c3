"""The Event Grid topic that gets alerts and notices."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from azure.core.exceptions import AzureError

from shared.azure.pinned import CLIENT_OPTIONS, ScopedCredential
from shared.errors import PermanentError, TransientError
from shared.settings import Settings

if TYPE_CHECKING:
    from azure.eventgrid import EventGridPublisherClient

SCOPE = "https://eventgrid.azure.net/.default"

CALL_OPTIONS: dict[str, Any] = {"retry_total": 0, "permit_redirects": False, **CLIENT_OPTIONS}
"""Given with each call: the client of a basic topic ignores what it is made with. No retries, for the outbox waits for a
topic that is down, while a retry here would wait as long as the topic's Retry-After asks for."""

_REFUSED = (400, 413, 414, 422)
"""Answers that the same event gets for ever. A missing permission (401, 403) or topic (404) can be mended."""


class Topic(Protocol):
    """Where alerts and notices go."""

    def publish(self, event: dict[str, Any]) -> None:
        """Deliver one CloudEvents event.

        Raises:
            TransientError: it was not taken.
            PermanentError: it will never be.
        """
        ...


class EventGridTopic:
    """A custom topic with the CloudEvents schema."""

    def __init__(self, client: Callable[[], EventGridPublisherClient]) -> None:
        self._client = client

    def publish(self, event: dict[str, Any]) -> None:
        """See `Topic`."""
        try:
            self._client().send([event], **CALL_OPTIONS)
        except AzureError as error:
            status = getattr(error, "status_code", None)
            text = f"the alert topic did not take an alert: {status or type(error).__name__}"
            kind = PermanentError if status in _REFUSED else TransientError
            raise kind(text, code="TopicFailed") from error


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
    """No topic is configured: the log line of the outbox is the delivery."""

    def publish(self, event: dict[str, Any]) -> None:
        """See `Topic`."""
