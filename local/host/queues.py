"""The storage queue trigger: poll, run, delete; retry after `visibilityTimeout`; after `maxDequeueCount` the poison queue.

Copied from the behaviour of Microsoft.Azure.WebJobs.Extensions.Storage.Queues 5.x (QueueListener, QueueProcessor):
- up to `batchSize` messages a poll, the next poll when no more than `newBatchThreshold` are running;
- a message is invisible for ten minutes, renewed at half time while its function runs; a killed host's message comes
  back only then;
- a queue that does not exist is waited for, not created; its poison queue is created when needed;
- a message that is not base64 goes to the poison queue without a run, one that is not UTF-8 counts as a failed run;
- the messages of a queue named `...-poison` are never moved: after a failed run they stay invisible for the ten minutes,
  and after `maxDequeueCount` they are not run again.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.host.bindings import Function
from local.host.host_json import QueueOptions
from local.host.invocations import Invoker
from local.host.outputs import send
from local.host.protos import TypedData
from local.host.storage import reason
from local.host.waiting import wait_for_event

_log = logging.getLogger(__name__)
_FIRST_DELAY = 0.1


@dataclass(frozen=True)
class Queues:
    """The queue of a trigger and, unless it is itself one, its poison queue."""

    own: QueueClient
    poison: QueueClient | None


class QueueListener:
    """Polls one queue for one function."""

    def __init__(
        self,
        function: Function,
        queues: Queues,
        options: QueueOptions,
        invoker: Invoker,
        *,
        invisible: float,
        notify: Callable[[str], None],
    ) -> None:
        """`invisible`: the seconds for which a taken message is hidden from others (600 in Azure).

        `notify` is told the name of a queue that got a message.
        """
        self._function = function
        self._queue, self._poison = queues.own, queues.poison
        self._options = options
        self._invoker = invoker
        self._invisible = max(1, round(invisible))
        self._notify = notify
        self._processing: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = False

    def notify(self) -> None:
        """Poll at once: this host put a message on the queue."""
        self._wake.set()

    def stop(self) -> None:
        """Take no more messages; `run` ends, those being processed are finished by the invoker."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Poll until stopped."""
        delay = _FIRST_DELAY
        while not self._stopping:
            self._wake.clear()
            messages = await self._receive()
            if messages:
                delay = _FIRST_DELAY
                await self._start(messages)
            elif not self._stopping:
                if await wait_for_event(self._wake, delay):
                    delay = _FIRST_DELAY
                else:
                    delay = min(delay * 2, self._options.max_polling_interval)

    async def _receive(self) -> list[QueueMessage]:
        pages = self._queue.receive_messages(
            messages_per_page=self._options.batch_size,
            max_messages=self._options.batch_size,
            visibility_timeout=self._invisible,
        ).by_page()
        try:
            page = await anext(pages)
            return [message async for message in page]
        except (StopAsyncIteration, ResourceNotFoundError):
            return []
        except AzureError as error:
            _log.warning("The queue '%s' could not be read, trying again: %s", self._queue.queue_name, reason(error))
            return []

    async def _start(self, messages: list[QueueMessage]) -> None:
        for message in messages:
            task = self._invoker.start(self._process(message))
            self._processing.add(task)
            task.add_done_callback(self._processing.discard)
        while len(self._processing) > self._options.new_batch_threshold and not self._stopping:
            await asyncio.wait(self._processing, return_when=asyncio.FIRST_COMPLETED)

    async def _process(self, message: QueueMessage) -> None:
        try:
            body = self._decode(message)
            if body is None or (message.dequeue_count or 1) > self._options.max_dequeue_count:
                await self._give_up(message)
                return
            if await self._run(message, body):
                await self._queue.delete_message(message.id, message.pop_receipt)
            elif (message.dequeue_count or 1) >= self._options.max_dequeue_count:
                await self._give_up(message)
            elif self._poison is not None:
                await self._queue.update_message(
                    message.id, message.pop_receipt, visibility_timeout=round(self._options.visibility_timeout)
                )
        except AzureError as error:  # its time was over and another host has it, or the storage is away
            _log.warning("Queue message '%s' could not be completed: %s", message.id, reason(error))

    def _decode(self, message: QueueMessage) -> bytes | None:
        if not self._options.base64:
            return str(message.content).encode()
        try:
            return base64.b64decode(message.content, validate=True)
        except (binascii.Error, ValueError):
            return None

    async def _give_up(self, message: QueueMessage) -> None:
        if self._poison is None:
            _log.warning(
                "Message '%s' of queue '%s' has failed for good and there is no queue to move it to",
                message.id,
                self._queue.queue_name,
            )
            return
        _log.warning(
            "Message has reached MaxDequeueCount of %d. Moving message to queue '%s'.",
            self._options.max_dequeue_count,
            self._poison.queue_name,
        )
        await send(self._poison, str(message.content))
        self._notify(self._poison.queue_name)
        await self._queue.delete_message(message.id, message.pop_receipt)

    async def _run(self, message: QueueMessage, body: bytes) -> bool:
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            _log.error("Queue message '%s' cannot be bound: it is not UTF-8: %s", message.id, error)
            return False
        done = asyncio.Event()
        renewal = asyncio.create_task(self._keep_invisible(message, done))
        try:
            outcome = await self._invoker.run(
                self._function,
                TypedData(string=text),
                reason=f"New queue message detected on '{self._queue.queue_name}'.",
                details=f"MessageId: {message.id}, DequeueCount: {message.dequeue_count}, "
                f"InsertionTime: {_iso(message.inserted_on)}",
                metadata=trigger_metadata(message),
            )
        finally:
            done.set()
            await renewal
        return outcome.error is None

    async def _keep_invisible(self, message: QueueMessage, done: asyncio.Event) -> None:
        """Renew at half time; the new pop receipt is kept in the message."""
        while not await wait_for_event(done, self._invisible / 2):
            try:
                renewed = await self._queue.update_message(
                    message.id, message.pop_receipt, visibility_timeout=self._invisible
                )
                message.pop_receipt = renewed.pop_receipt
            except AzureError as error:
                _log.warning("Queue message '%s' could not be kept invisible: %s", message.id, reason(error))


def trigger_metadata(message: QueueMessage) -> dict[str, TypedData]:
    """The metadata that the Functions host sends with a queue message; times are JSON texts in ISO 8601."""
    return {
        "Id": TypedData(string=message.id),
        "PopReceipt": TypedData(string=message.pop_receipt),
        "DequeueCount": TypedData(json=str(message.dequeue_count)),
        "InsertionTime": TypedData(json=f'"{_iso(message.inserted_on)}"'),
        "ExpirationTime": TypedData(json=f'"{_iso(message.expires_on)}"'),
        "NextVisibleTime": TypedData(json=f'"{_iso(message.next_visible_on)}"'),
    }


def _iso(time: datetime | None) -> str:
    return "" if time is None else time.isoformat()
