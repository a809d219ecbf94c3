"""Where a request may go, by the words of its URL alone, and which tokens an identity hands out."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.exceptions import ServiceRequestError
from azure.identity import CredentialUnavailableError
from hypothesis import example, given
from hypothesis import strategies as st
from requests import PreparedRequest
from requests.exceptions import RequestException
from urllib3.util import parse_url

from shared.azure.pinned import PinnedError, ScopedCredential, TokenError, origin

SCOPE = "https://storage.azure.com/.default"


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("https://management.azure.com", "https://management.azure.com:443"),
        ("https://management.azure.com:443/x?y#z", "https://management.azure.com:443"),
        ("HTTPS://Management.Azure.Com/X", "https://management.azure.com:443"),
        ("http://127.0.0.1:10000/account", "http://127.0.0.1:10000"),
        ("https://[::1]:8443/x", "https://[::1]:8443"),
        ("https://a@management.azure.com/", ""),
        ("https://management.azure.com\\@evil.test/", ""),
        ("https://evil.test\\@management.azure.com/", ""),
        ("https://management.azure.com:443x/", ""),
        ("https://management.azure.com:/", ""),
        ("https://[management.azure.com/", ""),
        ("https:/management.azure.com/", ""),
        ("https:///management.azure.com/", ""),
        ("//management.azure.com/", ""),
        (" https://management.azure.com/", ""),
        ("https://management.azure.com /", ""),
        ("https://\N{KELVIN SIGN}.azure.com/", ""),
        ("ftp://management.azure.com/", ""),
        ("", ""),
    ],
)
def test_a_urls_origin_is_its_scheme_host_and_port_or_nothing(url: str, where: str) -> None:
    assert origin(url) == where


ODD = st.text(
    st.sampled_from("ab.:@/\\?#[]%\t \r\n-_1\N{KELVIN SIGN}\N{FULLWIDTH SOLIDUS}\N{IDEOGRAPHIC FULL STOP}"), max_size=30
)


@given(ODD)
@example("evil.test\\@b/")
@example("b#@evil.test/")
@example("b%2f@evil.test/")
def test_what_sends_a_request_agrees_about_its_origin(rest: str) -> None:
    url = f"https://{rest}"
    if where := origin(url):
        sent = PreparedRequest()
        try:
            sent.prepare_url(url, None)
        except (RequestException, UnicodeError):  # then it goes nowhere
            return
        parsed = parse_url(sent.url or "")
        assert f"{parsed.scheme}://{parsed.host}:{parsed.port or 443}" == where


class Identity:
    """A credential of the newer kind, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[str, ...], Any]] = []

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.asked.append((scopes, options))
        return AccessToken("token", 2_000_000_000)

    def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        self.asked.append((scopes, options))
        return AccessTokenInfo("token", 2_000_000_000, refresh_on=1_000_000_000)


class OlderIdentity:
    """A credential that knows `get_token` alone."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(scopes[0], 2_000_000_000)


def test_tokens_of_the_one_scope_are_handed_out_as_they_are() -> None:
    identity = Identity()
    credential = ScopedCredential(identity, SCOPE)
    assert credential.get_token(SCOPE).token == "token"  # noqa: S105
    assert credential.get_token_info(SCOPE).refresh_on == 1_000_000_000
    assert credential.get_token_info("https://storage.azure.com//.default").token == "token"  # noqa: S105
    assert {scopes for scopes, _ in identity.asked} == {(SCOPE,)}


def test_an_older_identity_serves_newer_clients() -> None:
    assert ScopedCredential(OlderIdentity(), SCOPE).get_token_info(SCOPE).token == SCOPE


@pytest.mark.parametrize(
    "scopes",
    [
        ("https://management.azure.com/.default",),
        ("https://storage.azure.com.evil.test/.default",),
        ("https://storage.azure.com/.default", "https://management.azure.com/.default"),
        ("https://storage.azure.com/user_impersonation",),
        (),
        ("",),
    ],
)
def test_no_other_scope_gets_a_token(scopes: tuple[str, ...]) -> None:
    identity = Identity()
    credential = ScopedCredential(identity, SCOPE)
    for ask in (credential.get_token, credential.get_token_info):
        with pytest.raises(PinnedError):
            ask(*scopes)
    assert identity.asked == []


def test_another_tenant_is_not_asked_and_claims_of_the_same_scope_are_passed_on() -> None:
    identity = Identity()
    credential = ScopedCredential(identity, SCOPE)
    credential.get_token(SCOPE, tenant_id="theirs", claims="{}", enable_cae=True)
    credential.get_token_info(SCOPE, options={"tenant_id": "theirs", "claims": "{}"})
    assert identity.asked == [((SCOPE,), {"claims": "{}"})] * 2


@pytest.mark.parametrize("error", [CredentialUnavailableError("none"), ServiceRequestError("no route")], ids=str)
def test_an_identity_that_gives_no_token_is_told_apart_from_a_service_that_refuses(error: Exception) -> None:
    class Out:
        def get_token(self, *_: str, **__: Any) -> Any:
            raise error

        get_token_info = get_token

    credential = ScopedCredential(Out(), SCOPE)
    for ask in (credential.get_token, credential.get_token_info):
        with pytest.raises(TokenError, match=type(error).__name__):
            ask(SCOPE)
