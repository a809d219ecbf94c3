"""Where a client's requests may go and which tokens they may carry: the one place that every client of Azure is built from.

Three things hold for each of them, whatever an answer says (a next page, an operation's URL, a redirect, a challenge):
requests go to one scheme, host and port; no redirect is followed; tokens are handed out for one scope.

The first two are checked by the transport, the last step before the network, because that is the only part of a pipeline
that Microsoft's SDKs let a caller choose in all of them.
"""

from __future__ import annotations

import re
from types import TracebackType
from typing import TYPE_CHECKING, Any

from azure.core.credentials import AccessTokenInfo
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.core.pipeline.policies import (
    BearerTokenCredentialPolicy,
    RequestIdPolicy,
    RetryPolicy,
    SansIOHTTPPolicy,
    UserAgentPolicy,
)
from azure.core.pipeline.transport import HttpTransport

from shared.resource_id import fold

if TYPE_CHECKING:
    from azure.core import PipelineClient
    from azure.core.credentials import AccessToken, TokenCredential

MAX_WAIT = 3.0
"""The longest wait, in seconds, that a client takes in place, whatever Retry-After asks for."""

CLIENT_OPTIONS: dict[str, Any] = {"connection_timeout": 5, "read_timeout": 20}
"""Seconds to connect and to read, for every client."""

_REDIRECTS = frozenset({300, 301, 302, 303, 307, 308})
_PORTS = {"https": "443", "http": "80"}
_ORIGIN = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?(?=[/?#]|$)", re.IGNORECASE | re.ASCII)


class PinnedError(ClientAuthenticationError):
    """A request, an answer or a challenge pointed away from the one place that its client is made for.

    azure-core does not try again after errors of this class's base: nothing was sent, and nothing will be.
    """


class TokenError(ClientAuthenticationError):
    """The identity gave no token: it is out, or not set up. No service has refused anything yet."""


class ShortRetryPolicy(RetryPolicy[Any, Any]):
    """azure-core's retries, but never a wait of minutes: a longer Retry-After is the caller's to handle."""

    def is_retry(self, settings: dict[str, Any], response: Any) -> bool:
        """Whether to try again in place."""
        wait = self.get_retry_after(response)
        if wait is not None and wait > MAX_WAIT:
            return False
        return bool(super().is_retry(settings, response))


def retry_policy() -> ShortRetryPolicy:
    """A fresh policy for one client: two more tries, half a second and a second apart."""
    return ShortRetryPolicy(retry_total=2, retry_backoff_factor=0.5, retry_backoff_max=2)


def origin(url: str) -> str:
    """Scheme, host and port of a URL, in lower case; "" for anything unusual.

    The port that the scheme implies is written out (Event Hubs' operation URLs name 443, as recorded). Parsers of URLs
    disagree about user names, backslashes and the like in front of the path: such a URL has no origin, so it is not sent.
    """
    match = _ORIGIN.match(url)
    if match is None:
        return ""
    scheme, host, port = match.groups()
    return fold(f"{scheme}://{host}:{port or _PORTS[fold(scheme)]}")


class PinnedTransport(HttpTransport[Any, Any]):
    """Sends requests to one scheme, host and port, and takes no redirect for an answer.

    `url`: any URL there. A client whose URL is only known once it is made (a connection string) is pinned afterwards;
    until then nothing is sent.
    """

    def __init__(self, url: str = "") -> None:
        from azure.core.pipeline.transport import RequestsTransport  # 80 ms: only where a client is made

        self._inner = RequestsTransport(**CLIENT_OPTIONS)
        self._origin = origin(url)

    def pin(self, url: str) -> None:
        """Send requests to this URL's scheme, host and port from now on."""
        self._origin = origin(url)

    def send(self, request: Any, **options: Any) -> Any:
        """Send a request.

        Raises:
            PinnedError: it would go elsewhere, or the answer is a redirect.
        """
        self.check(request.url)
        response = self._inner.send(request, **options)
        if response.status_code in _REDIRECTS:
            raise PinnedError(f"{self._origin} answers with a redirect ({response.status_code})")
        return response

    def check(self, url: str) -> None:
        """Raise `PinnedError` for a URL that lies elsewhere."""
        asked = origin(url)
        if not asked or asked != self._origin:
            raise PinnedError(f"a request to {asked or 'an odd URL'} was not sent: its client is for {self._origin}")

    def open(self) -> None:
        """See `HttpTransport`."""
        self._inner.open()

    def close(self) -> None:
        """See `HttpTransport`."""
        self._inner.close()

    def __enter__(self) -> PinnedTransport:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()


class _Early(SansIOHTTPPolicy[Any, Any]):
    """Asks the transport before anything else is done for a request: no token is fetched for one that will not be sent."""

    def on_request(self, request: Any) -> None:
        request.context.transport.check(request.http_request.url)


class ScopedCredential:
    """An identity's tokens for one scope, of the identity's own tenant.

    A challenge may name another resource or another tenant (storage's does): it gets nothing. A challenge that asks for
    more claims of the same scope is answered: that token goes where the first one went.
    """

    def __init__(self, credential: TokenCredential, scope: str) -> None:
        self._credential: Any = credential
        self._scope = scope

    def get_token(self, *scopes: str, claims: str | None = None, **_: Any) -> AccessToken:
        """See `azure.core.credentials.TokenCredential`.

        Raises:
            PinnedError: a token for another scope was asked for.
            TokenError: the identity gave none.
        """
        self._check(scopes)
        try:
            token: AccessToken = self._credential.get_token(self._scope, **({"claims": claims} if claims else {}))
        except AzureError as error:
            raise _no_token(error) from error
        return token

    def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        """See `azure.core.credentials.SupportsTokenInfo`; raises as `get_token`."""
        claims = (options or {}).get("claims")
        if not hasattr(self._credential, "get_token_info"):
            token = self.get_token(*scopes, claims=claims)
            return AccessTokenInfo(token.token, token.expires_on)
        self._check(scopes)
        try:
            info: AccessTokenInfo = self._credential.get_token_info(
                self._scope, options={"claims": claims} if claims else {}
            )
        except AzureError as error:
            raise _no_token(error) from error
        return info

    def _check(self, scopes: tuple[str, ...]) -> None:
        if [_plain(scope) for scope in scopes] != [_plain(self._scope)]:
            raise PinnedError(f"a token for {', '.join(scopes)[:200]} was asked for, not for {self._scope}")


def _plain(scope: str) -> str:
    """A scope as it is compared: storage's challenge writes its resource with a slash at the end."""
    return fold(scope.removesuffix("/.default").rstrip("/"))


def _no_token(error: AzureError) -> TokenError:
    return TokenError(f"no token: {type(error).__name__}: {' '.join(str(error).split())[:300]}")


def pinned_client(url: str, credential: TokenCredential | None = None, scope: str = "") -> PipelineClient[Any, Any]:
    """A bare client for one host: short retries, and tokens of one scope where there is a credential."""
    from azure.core import PipelineClient

    return PipelineClient(url, policies=policies(credential, scope), transport=PinnedTransport(url))


def policies(credential: TokenCredential | None = None, scope: str = "") -> list[Any]:
    """The policies of a client with a `PinnedTransport`: a bare one, or a management SDK's in the place of its own.

    Not among them, though the SDKs have it: the policy that answers a 409 by registering a resource provider, which writes
    to a subscription on a read and waits without a bound.
    """
    found: list[Any] = [_Early(), RequestIdPolicy(), UserAgentPolicy("private-endpoint-approver"), retry_policy()]
    if credential is not None:
        found.append(BearerTokenCredentialPolicy(ScopedCredential(credential, scope), scope))
    return found
