"""The tenant in ARM's 401: believed only from a login host of Microsoft's."""

from __future__ import annotations

import pytest

from shared.requesters.tenants import LOGIN_HOSTS, tenant_of_challenge

TENANT = "6a1c0de0-1f00-4a5e-9c1d-0a2b3c4d5e6f"


def challenge(uri: str) -> str:
    return f'Bearer authorization_uri="{uri}", error="invalid_token", error_description="The header is missing."'


@pytest.mark.parametrize("host", sorted(LOGIN_HOSTS))
def test_every_cloud_of_microsofts_tells_the_tenant(host: str) -> None:
    assert tenant_of_challenge(challenge(f"https://{host}/{TENANT}")) == TENANT


def test_a_tenant_is_folded_and_may_be_followed_by_more() -> None:
    assert tenant_of_challenge(challenge(f"https://login.windows.net/{TENANT.upper()}/")) == TENANT
    assert tenant_of_challenge(challenge(f"https://login.windows.net/{TENANT}/oauth2/authorize")) == TENANT


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        challenge(""),
        challenge("https://login.windows.net/"),
        challenge("https://login.windows.net/common"),
        challenge(f"http://login.windows.net/{TENANT}"),
        challenge(f"https://login.windows.net.evil.test/{TENANT}"),
        challenge(f"https://evil.test/{TENANT}"),
        challenge(f"https://evil.test/login.windows.net/{TENANT}"),
        challenge(f"https://login.windows.net@evil.test/{TENANT}"),
        challenge(f"https://evil.test#@login.windows.net/{TENANT}"),
        f'Bearer resource_id="https://login.windows.net/{TENANT}"',
    ],
)
def test_anything_else_is_unknown(header: str) -> None:
    assert tenant_of_challenge(header) is None
