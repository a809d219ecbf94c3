"""HTTP requests of this process, counted by the service that they go to.

Counted where azure-core sends: below its retries, so that a request that is sent again counts again. A batch is one
request, and one operation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from azure.core.pipeline.transport import RequestsTransport

STORAGE = ("table", "blob", "queue")


class Services:
    """Which service of the local Azure a URL belongs to: one of `STORAGE`, or "ARM", "topic", "identity", "elsewhere"."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        """`settings` as `python -m local azure` prints them; the storage is a connection string."""
        fields = dict(field.split("=", 1) for field in settings["AzureWebJobsStorage"].split(";") if field)
        self._storage = {urlsplit(fields[f"{service.capitalize()}Endpoint"]).netloc: service for service in STORAGE}
        self._azure = urlsplit(settings["ARM_ENDPOINT"]).netloc

    def of(self, url: str) -> str:
        """The service."""
        parts = urlsplit(url)
        if parts.netloc != self._azure:
            return self._storage.get(parts.netloc, "elsewhere")
        first = parts.path.split("/")[1]
        return {"topics": "topic", "identity": "identity"}.get(first, "ARM")


@contextmanager
def requests_counted(services: Services) -> Iterator[Counter[str]]:
    """The requests, by service, that any thread of this process sends while the block runs."""
    counts: Counter[str] = Counter()
    lock = Lock()
    send: Any = RequestsTransport.send

    def counting(transport: RequestsTransport, request: Any, **options: Any) -> Any:
        with lock:
            counts[services.of(request.url)] += 1
        return send(transport, request, **options)

    with patch.object(RequestsTransport, "send", counting):
        yield counts
