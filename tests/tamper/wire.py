"""Every HTTP request that this process sends through an Azure client: where to, with which token, saying what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from azure.core.pipeline.transport import RequestsTransport

from shared.azure.pinned import origin


@dataclass(frozen=True)
class Sent:
    """One request, as azure-core's last step before the network gets it."""

    method: str
    url: str
    token: str = field(repr=False)
    body: Any

    @property
    def origin(self) -> str:
        return origin(self.url)

    @property
    def path(self) -> str:
        """Behind the host, without its query."""
        return "/" + self.url.partition("://")[2].partition("/")[2].partition("?")[0]


@contextmanager
def listened() -> Iterator[list[Sent]]:
    """The requests that any thread sends while the block runs. Also those that reach nobody are among them."""
    found: list[Sent] = []
    send: Any = RequestsTransport.send

    def listening(transport: RequestsTransport, request: Any, **options: Any) -> Any:
        token = str(request.headers.get("Authorization") or "")
        found.append(Sent(request.method, request.url, token, _body_of(request)))
        return send(transport, request, **options)

    with patch.object(RequestsTransport, "send", listening):
        yield found


def _body_of(request: Any) -> Any:
    content = getattr(request, "content", None) or getattr(request, "data", None)
    try:
        return json.loads(content) if isinstance(content, str | bytes) else None
    except ValueError:
        return None
