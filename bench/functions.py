"""The app's functions in this process, called as a Functions host calls them: by their names, with a message or a timer.

Of the product only this is named here: the module `function_app`, its functions `review_target` and `sweep`, the queue
`reviews`. The product's interface fixes them, so the same benchmark runs on every revision.
"""

from __future__ import annotations

import time
from datetime import datetime

import azure.functions as func
from azure.storage.queue import QueueMessage

import function_app
from bench.messages import review_message, reviews_queue

_INVISIBLE_SECONDS = 600


class _Message(func.QueueMessage):
    """A queue message as the worker gives it to the function."""

    def __init__(self, stored: QueueMessage) -> None:
        super().__init__(id=stored.id, body=stored.content, pop_receipt=stored.pop_receipt)
        self._inserted_on = stored.inserted_on

    @property
    def insertion_time(self) -> datetime | None:
        """When it was put into the queue, by the queue service's clock."""
        return self._inserted_on


class _Timer(func.TimerRequest):
    """A timer that is on time."""

    @property
    def past_due(self) -> bool:
        """False."""
        return False


class Functions:
    """The functions, which wire the app from this process's environment, and the queue between them."""

    def __init__(self, connection_string: str) -> None:
        named = {one.get_function_name(): one.get_user_function() for one in function_app.app.get_functions()}
        self._review, self._sweep = named["review_target"], named["sweep"]
        self._queue = reviews_queue(connection_string)

    def ask(self, target: str) -> None:
        """Queue the review of a target."""
        self._queue.send_message(review_message(target))

    def next_message(self, seconds: float) -> QueueMessage | None:
        """Take the next message that is due within so many seconds; None where there is none."""
        deadline = time.monotonic() + seconds
        while True:
            taken = self._queue.receive_message(visibility_timeout=_INVISIBLE_SECONDS)
            if taken is not None or time.monotonic() >= deadline:
                return taken
            time.sleep(0.1)

    def review(self, message: QueueMessage) -> None:
        """Call the function `review_target` with a message; what it raises comes through."""
        self._review(_Message(message))

    def delete(self, message: QueueMessage) -> None:
        """Delete a message that was handled."""
        self._queue.delete_message(message)

    def sweep(self) -> None:
        """Call the function `sweep`; what it raises comes through."""
        self._sweep(_Timer())
