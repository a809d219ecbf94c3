"""ARM's challenge is the only word on a tenant: whatever is not exactly that says nothing."""

from __future__ import annotations

import pytest

from shared.requesters.tenants import tenant_of_challenge

TENANT = "33e01921-4d64-4f8c-a055-5bdaffd5e33d"


def challenge(uri: str) -> str:
    return f'Bearer authorization_uri="{uri}", error="invalid_token", error_description="The access token is missing."'


@pytest.mark.parametrize(
    "uri",
    [
        f"https://login.windows.net/{TENANT}",
        f"https://login.microsoftonline.com/{TENANT.upper()}",
        f"https://LOGIN.windows.net/{TENANT}/",
        f"https://login.microsoftonline.us/{TENANT}/oauth2/authorize",
    ],
)
def test_a_known_login_host_and_a_guid_name_the_tenant(uri: str) -> None:
    assert tenant_of_challenge(challenge(uri)) == TENANT


@pytest.mark.parametrize(
    "uri",
    [
        f"https://login.windows.net.evil.example/{TENANT}",
        f"https://evil.example/login.windows.net/{TENANT}",
        f"https://evil.example/{TENANT}",
        f"https://login.windows.net@evil.example/{TENANT}",
        f"https://evil.example#@login.windows.net/{TENANT}",
        f"https://evil.example?login.windows.net/{TENANT}",
        f"https://xlogin.windows.net/{TENANT}",
        f"https://login.windowѕ.net/{TENANT}",
        f"http://login.windows.net/{TENANT}",
        f"//login.windows.net/{TENANT}",
        f"login.windows.net/{TENANT}",
        f"https://[login.windows.net/{TENANT}",
        f"https://login.windows.net:65536x/{TENANT}",
        "https://login.windows.net/common",
        "https://login.windows.net/",
        "https://login.windows.net",
        f"https://login.windows.net/common/{TENANT}",
        f"https://login.windows.net/x{TENANT}",
        f"https://login.windows.net/{TENANT}0",
        f"https://login.windows.net/{TENANT[:-1]}",
        f"https://login.windows.net/{TENANT[:-1]}ԁ",
        f"https://login.windows.net/%33{TENANT[1:]}",
        "",
    ],
)
def test_any_other_challenge_names_no_tenant(uri: str) -> None:
    assert tenant_of_challenge(challenge(uri)) is None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Basic realm=x",
        f"Bearer authorization_uri=https://login.windows.net/{TENANT}",
        f'Bearer realm="https://login.windows.net/{TENANT}"',
        f'Bearer x_authorization_uri="https://login.windows.net/{TENANT}"',
    ],
)
def test_what_is_no_challenge_names_no_tenant(header: str) -> None:
    assert tenant_of_challenge(header) is None
