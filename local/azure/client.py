"""A small client of the local Azure for tests, stories and `python -m local fault`: ARM calls of any tenant, and /local/."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any

from local.azure.identity import APP_CLIENT

_TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer: its status, its body as JSON (None if it had none), its headers (names in lower case)."""

    status: int
    body: Any
    headers: Mapping[str, str]

    def ok(self) -> Any:
        """The body of a success.

        Raises:
            RuntimeError: it is not one; with the answer.
        """
        if not 200 <= self.status < 300:
            raise RuntimeError(f"{self.status}: {self.body}")
        return self.body


class LocalClient:
    """Calls a local Azure by the settings that it printed."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.url = settings["ARM_ENDPOINT"]
        self._identity = (settings.get("IDENTITY_ENDPOINT", ""), settings.get("IDENTITY_HEADER", ""))
        context = ssl.create_default_context(cafile=settings["SSL_CERT_FILE"])
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        self._tokens: dict[tuple[str, str], str] = {}

    def arm(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        tenant: str = "",
        client: str = APP_CLIENT,
        api_version: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """An ARM call as a client of a tenant (default: the home tenant). `path` may hold the api-version, or be a URL."""
        if api_version:
            path += f"{'&' if '?' in path else '?'}api-version={api_version}"
        token = self.token(tenant, client)
        return self.send(method, path, body, {"Authorization": f"Bearer {token}", **(headers or {})})

    def local(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the control interface (`calls`, `faults`, ...); answers its body.

        Raises:
            RuntimeError: it was refused.
        """
        return self.send(method, f"/local/{path}", body).ok()

    def token(self, tenant: str = "", client: str = APP_CLIENT, audience: str = "https://management.azure.com") -> str:
        """A token for a client of a tenant; of the home tenant by the managed identity."""
        known = self._tokens.get((tenant, client + audience))
        if known is None:
            known = self._tokens[(tenant, client + audience)] = self._new_token(tenant, client, audience)
        return known

    def send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Any HTTPS call to the local Azure; bytes are sent as they are, everything else as JSON."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        url = path if path.startswith("https://") else self.url + urllib.parse.quote(path, safe="/?&=%$:'(),@+*!~")
        kind = {} if content is None else {"Content-Type": "application/json"}
        request = urllib.request.Request(url, content, {**kind, **(headers or {})}, method=method)  # noqa: S310  # https
        try:
            with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                return _reply(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return _reply(error.code, error.headers, error.read())

    def _new_token(self, tenant: str, client: str, audience: str) -> str:
        if tenant:
            form = {"grant_type": "client_credentials", "client_id": client, "scope": f"{audience}/.default"}
            content = urllib.parse.urlencode(form).encode()
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            return str(self.send("POST", f"/{tenant}/oauth2/v2.0/token", content, kind).ok()["access_token"])
        endpoint, secret = self._identity
        query = urllib.parse.urlencode({"api-version": "2019-08-01", "resource": audience, "client_id": client})
        reply = self.send("GET", f"{endpoint}?{query}", headers={"X-IDENTITY-HEADER": secret})
        return str(reply.ok()["access_token"])


def _reply(status: int, headers: Message, content: bytes) -> Reply:
    body = json.loads(content) if content else None
    return Reply(status, body, {name.lower(): value for name, value in headers.items()})
