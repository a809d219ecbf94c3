"""Loopback servers over TLS that answer whatever a test wants, and remember what they were asked and with which token."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme
from azure.core.credentials import AccessToken

ARM_SCOPE = "https://management.azure.com/.default"


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def token(self) -> str:
        """The bearer token, or any other word that authorizes."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass(frozen=True)
class Reply:
    """One answer; `body` is sent as JSON, or as it is if it is bytes."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Server:
    """A server; `answer` may be replaced at any time."""

    url: str = ""
    answer: Callable[[Asked], Reply] = lambda _: Reply(body={})
    asked: list[Asked] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.asked]


@dataclass
class Identity:
    """A credential that gives a token for any scope and says so in it, as an identity does."""

    scopes: list[str] = field(default_factory=list)

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes += scopes
        return AccessToken(f"token-for-{scopes[0]}", 4_000_000_000)


@contextmanager
def serving(authority: trustme.CA, host: str = "127.0.0.1") -> Iterator[Server]:
    """Run a server with a certificate of the authority until the block ends."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (ConnectionError, ssl.SSLError):
                self.close_connection = True

        def do_GET(self) -> None:  # the name is http.server's
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, body)
            server.asked.append(asked)
            reply = server.answer(asked)
            content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            if reply.body is None:
                content = b""
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD" and reply.status not in (204, 304):
                self.wfile.write(content)

        do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815  # the same

        def log_message(self, *_: Any) -> None:
            """Nothing: `asked` is the log."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    httpd = ThreadingHTTPServer((host, 0), Handler)
    httpd.daemon_threads = True
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    server.url = f"https://{host}:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()
