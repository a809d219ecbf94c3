"""Principals as App Service authentication hands them on: base64 of JSON with the token's claims.

Source: "Work with user identities in Azure App Service authentication", Microsoft Learn.
"""

from __future__ import annotations

import base64
import json
from typing import Any

OBJECT_ID = "5d6f2f3c-0000-4000-8000-00000000ada0"
OBJECT_ID_CLAIM = "http://schemas.microsoft.com/identity/claims/objectidentifier"
NAME_CLAIM = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"


def claim(kind: str, value: Any) -> dict[str, Any]:
    """One claim."""
    return {"typ": kind, "val": value}


ADA = [claim("name", "Ada Lovelace"), claim("preferred_username", "ada@contoso.com"),
       claim(OBJECT_ID_CLAIM, OBJECT_ID), claim("roles", "PrivateEndpoint.Approver")]  # fmt: skip


def principal(*claims: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A person of Microsoft Entra, Ada unless claims are given."""
    known = {"auth_typ": "aad", "name_typ": NAME_CLAIM, "role_typ": "roles", "claims": list(claims) or ADA}
    return known | changed


def encoded(content: Any) -> str:
    """The header's text."""
    return base64.b64encode(json.dumps(content).encode()).decode()


def header(*claims: dict[str, Any], **changed: Any) -> str:
    """The header of `principal`."""
    return encoded(principal(*claims, **changed))
