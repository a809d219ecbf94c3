"""Who calls, from the header that App Service authentication sets. Pure.

`X-MS-CLIENT-PRINCIPAL` is base64 of `{"auth_typ", "name_typ", "role_typ", "claims": [{"typ", "val"}]}` (Microsoft Learn,
"Work with user identities in Azure App Service authentication"). App Service takes it out of what callers send, but only
where its authentication is on: elsewhere anybody can write it, so whoever calls `person_of` must know that it is.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from shared.alerts.conditions import one_line
from shared.model.decision import Person
from shared.resource_id import fold, is_guid
from shared.triggers.strict_json import load

HEADER = "x-ms-client-principal"

LONGEST_HEADER = 65_536
LONGEST_NAME = 200
MOST_CLAIMS = 1000
"""Bounds far above what a token of Microsoft Entra comes to (200 groups at most, 16 KiB)."""

_OBJECT_ID = frozenset({"http://schemas.microsoft.com/identity/claims/objectidentifier", "oid"})
"""App Service shows the claim `oid` under its long name, unless the claims are not mapped."""

_NAMES = ("name", "preferred_username")


def person_of(header: str | None) -> Person | None:
    """The person, or the app, that a principal names; None for anything that is not exactly a principal of Microsoft Entra.

    An app has an object id and no name. Two object ids name nobody.
    """
    principal = _decoded(header)
    claims = _claims(principal.get("claims")) if principal.get("auth_typ") == "aad" else None
    if claims is None:
        return None
    ids = {fold(value) for kind, value in claims if kind in _OBJECT_ID}
    object_id = ids.pop() if len(ids) == 1 else ""
    if not is_guid(object_id):
        return None
    names = [one_line(value, LONGEST_NAME) for wanted in (*_NAMES, principal.get("name_typ")) for kind, value in claims
             if kind == wanted]  # fmt: skip
    return Person(next((name for name in names if name), None), object_id)


def _decoded(header: str | None) -> Mapping[str, Any]:
    """The JSON object in a header; an empty one for anything else."""
    if not header or len(header) > LONGEST_HEADER:
        return {}
    try:
        content = load(base64.b64decode(header, validate=True).decode("utf-8"))
    except ValueError:  # no ASCII, no base64, no UTF-8, no JSON
        return {}
    return content if isinstance(content, dict) else {}


def _claims(shown: Any) -> list[tuple[str, str]] | None:
    """The claims, None where any of them is none."""
    if not isinstance(shown, list) or len(shown) > MOST_CLAIMS:
        return None
    found = [(one.get("typ"), one.get("val")) for one in shown if isinstance(one, dict)]
    claims = [(kind, value) for kind, value in found if isinstance(kind, str) and isinstance(value, str)]
    return claims if len(claims) == len(shown) else None
