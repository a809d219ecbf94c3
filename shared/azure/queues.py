"""A storage queue as the app sends to it: made when it is missing, its failures those of `shared.errors`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError

from shared.errors import TransientError

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient


class Queue:
    """One queue."""

    def __init__(self, client: Callable[[], QueueClient]) -> None:
        self._client = client

    def send(self, text: str, delay: float = 0) -> None:
        """Send a message that becomes visible after `delay` seconds (the service takes 7 days at most).

        Raises:
            TransientError: the storage cannot be reached, or refuses.
        """
        client = self._client()
        seconds = max(0, round(delay))
        try:
            try:
                client.send_message(text, visibility_timeout=seconds)
            except ResourceNotFoundError:
                self._make(client)
                client.send_message(text, visibility_timeout=seconds)
        except AzureError as error:
            status = getattr(error, "status_code", None) or type(error).__name__
            raise TransientError(f"the queue {client.queue_name}: {status}", code="QueueUnavailable") from error

    @staticmethod
    def _make(client: QueueClient) -> None:
        try:
            client.create_queue()
        except ResourceExistsError:  # another sender was faster
            return
