"""The queue output binding: what a function set becomes one or more messages.

A list gives one message an element; texts are sent as they are, other JSON values as JSON. The queue is created when it
is missing. Listeners of this host on the same queue are woken, as the Functions host does.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import suppress

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient

from local.host.bindings import Binding
from local.host.protos import TypedData
from local.host.storage import Storage


class QueueOutputs:
    """Writes the values of `queue` bindings."""

    def __init__(self, storage: Storage, notify: Callable[[str], None], *, base64_encoded: bool) -> None:
        """`notify` is told the name of a queue that got a message."""
        self._storage = storage
        self._notify = notify
        self._base64 = base64_encoded

    async def write(self, binding: Binding, value: TypedData) -> None:
        """Send the messages of one value; raises AzureError, ConnectionMissingError or ValueError."""
        name = binding.text("queueName").lower()
        queue = self._storage.queue(binding.text("connection"), name)
        for body in messages(value):
            await send(queue, base64.b64encode(body).decode() if self._base64 else body.decode())
            self._notify(name)


def messages(value: TypedData) -> list[bytes]:
    """The message bodies in a binding's value; raises ValueError for a kind of value that a queue cannot take."""
    if value.kind == "string":
        return [value.value.encode()]
    if value.kind == "bytes":
        return [value.value]
    if value.kind == "json":
        document = json.loads(value.value)
        elements = document if isinstance(document, list) else [document]
        return [
            (element if isinstance(element, str) else json.dumps(element, separators=(",", ":"))).encode()
            for element in elements
            if element is not None
        ]
    if value.kind is None:
        return []
    raise ValueError(f"a queue message cannot be made of a value of kind {value.kind}")


async def send(queue: QueueClient, text: str) -> None:
    """Send a message as it is, creating the queue when it is missing; raises AzureError."""
    try:
        await queue.send_message(text)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):  # another run was first
            await queue.create_queue()
        await queue.send_message(text)
