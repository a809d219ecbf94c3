"""The queue `reviews` and its messages, as the product's interface fixes them."""

from __future__ import annotations

import json
from contextlib import suppress

from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient, QueueMessage, TextBase64DecodePolicy, TextBase64EncodePolicy

QUEUE = "reviews"


def reviews_queue(connection_string: str) -> QueueClient:
    """The queue, made where it is missing; its messages are base64, as host.json says."""
    queue = QueueClient.from_connection_string(
        connection_string,
        QUEUE,
        message_encode_policy=TextBase64EncodePolicy(),
        message_decode_policy=TextBase64DecodePolicy(),
    )
    with suppress(ResourceExistsError):
        queue.create_queue()
    return queue


def review_message(target: str) -> str:
    """The text of a message that asks for the review of a target because of an event."""
    fields = {"cause": "event", "attempt": 0, "eventId": None, "runId": None, "dryRun": False}
    return json.dumps({"targetId": target, **fields})


def target_of(message: QueueMessage) -> str:
    """The target that a message names."""
    return str(json.loads(message.content)["targetId"])
