"""Who calls: tenants, tokens, and ARM's 401s.

Tokens are unsigned and JWT-shaped: anybody may make one. The server listens on the loopback address only and guards nothing
but itself; what is copied is what a token says, not that it can be trusted.
"""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from local.azure.wire import AzureError, Json
from shared.resource_id import fold, is_guid

HOME_TENANT = "6a1c0de0-1f00-4a5e-9c1d-0a2b3c4d5e6f"
MICROSOFT_TENANTS = ("33e01921-4d64-4f8c-a055-5bdaffd5e33d", "f8cdef31-a31e-4b4a-93e4-5f571e91255a")
"""The tenants in which Microsoft's services keep managed private endpoints, as public code names them."""
LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Caller:
    """The principal of a token: its tenant, its object id, its application id, and the token's audience and end."""

    tenant: str
    object_id: str
    app_id: str
    audience: str
    expires: float


def principal(tenant: str, client: str) -> str:
    """The object id of a client's service principal in a tenant: always the same for the same two."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"principal/{fold(tenant)}/{fold(client)}"))


def issue(tenant: str, client: str, audience: str, now: datetime) -> tuple[str, Json]:
    """A token of a tenant for a client and an audience, and its claims."""
    issued = int(now.timestamp())
    claims: Json = {
        "aud": audience,
        "iss": f"https://sts.windows.net/{tenant}/",
        "iat": issued,
        "nbf": issued,
        "exp": issued + int(LIFETIME.total_seconds()),
        "appid": client,
        "idtyp": "app",
        "oid": principal(tenant, client),
        "sub": principal(tenant, client),
        "tid": tenant,
        "ver": "1.0",
    }
    return ".".join((_encode({"typ": "JWT", "alg": "RS256", "kid": "local"}), _encode(claims), "bG9jYWw")), claims


def read(authorization: str) -> Caller | None:
    """The principal of an Authorization header; None if it is not a bearer token of ours."""
    scheme, _, token = authorization.partition(" ")
    parts = token.strip().split(".")
    if fold(scheme) != "bearer" or len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return Caller(
            fold(str(claims["tid"])), str(claims["oid"]), str(claims["appid"]), str(claims["aud"]), float(claims["exp"])
        )
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None


def unauthenticated(code: str, message: str, tenant: str = "common") -> AzureError:
    """ARM's 401 with its challenge; the tenant in it is the subscription's (docs/azure-on-the-wire.md)."""
    challenge = (
        f'Bearer authorization_uri="https://login.windows.net/{tenant}", error="invalid_token", '
        f'error_description="{message}"'
    )
    return AzureError(401, code, message, headers={"WWW-Authenticate": challenge})


def wrong_tenant(caller: Caller, tenant: str) -> AzureError:
    """ARM's answer to a token of another tenant than the subscription's."""
    message = (
        f"The access token is from the wrong issuer 'https://sts.windows.net/{caller.tenant}/'. It must match the tenant "
        f"'https://sts.windows.net/{tenant}/' associated with this subscription. Please use the authority (URL) "
        f"'https://login.windows.net/{tenant}' to get the token."
    )
    return unauthenticated("InvalidAuthenticationTokenTenant", message, tenant)


def require_guid(text: str, what: str) -> str:
    """The GUID in lower case.

    Raises:
        AzureError: 400, the text is not one.
    """
    if not is_guid(text):
        raise AzureError(400, f"Invalid{what}", f"The provided {what} '{text[:100]}' is malformed or invalid.")
    return fold(text)


def _encode(part: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(part, separators=(",", ":")).encode()).rstrip(b"=").decode()
