"""Moments of a review: something is done right before the app's Nth call to Azure, while the app waits for its answer.

The local Azure holds the call up until a URL of this process has answered. So nothing sleeps, no thread of the app's is
needed, and no time passes that the test does not move.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from local.azure.client import LocalClient

AZURE = "^/(subscriptions|synapse)/"
"""The paths of ARM and of workspaces: what a review reads and writes. Tokens, alerts and storage are not among them."""

Act = Callable[[], object]


@dataclass
class _Hook:
    """What is to be done when the URL is posted to, and what came of it."""

    act: Act | None = None
    done: bool = False
    error: BaseException | None = None


@dataclass
class Moments:
    """Acts at moments of what the app does."""

    client: LocalClient
    url: str
    hook: _Hook = field(default_factory=_Hook)

    @contextmanager
    def before_call(
        self, number: int, act: Act, *, method: str = "", path: str = AZURE, sure: bool = True
    ) -> Iterator[None]:
        """In the block, `act` is done right before the app's `number`th call that matches (the first is 0).

        Raises:
            AssertionError: there was no such call, so that nothing was done, though that was `sure`.
        """
        self.hook = _Hook(act)
        match = {"method": method, "pathRegex": path}
        fault = self.client.local(
            "POST", "faults", {"match": match, "times": 1, "skip": number, "answer": {"callback": self.url}}
        )
        try:
            yield
        finally:
            self.client.local("DELETE", f"faults/{fault['id']}")
        if self.hook.error is not None:
            raise self.hook.error
        assert self.hook.done or not sure, f"the app made no call number {number} of {method} {path}"

    def happened(self) -> None:
        """The moment is there."""
        act, self.hook.act = self.hook.act, None
        if act is None:
            return
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - it is raised where the moment was asked for
            self.hook.error = error
        self.hook.done = True


@contextmanager
def moments(client: LocalClient) -> Iterator[Moments]:
    """Moments of whatever calls a local Azure."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.happened()
            self.send_response(204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Moments(client, f"http://127.0.0.1:{server.server_port}/")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
