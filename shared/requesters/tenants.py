"""Which tenant a subscription belongs to, as ARM tells anybody who asks without a token. Cached in the ledger.

`GET /subscriptions/<id>` without a token answers 401 with `WWW-Authenticate: Bearer authorization_uri="https://<login
host>/<tenant>"`: a technique of long standing, not a contract (facts/azure-resource-manager.md). Whatever else comes back
means "unknown", never "ours".
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest

from shared.azure.arm import CLIENT_OPTIONS, retry_policy
from shared.resource_id import fold, is_guid

if TYPE_CHECKING:
    from azure.core import PipelineClient

    from shared.ledger.tenants import TenantCache

LOGIN_HOSTS = frozenset({
    "login.windows.net", "login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
})  # fmt: skip
"""Hosts that an authorization URI may name: those of Microsoft's clouds."""

_URI = re.compile(r'\bauthorization_uri="([^"]+)"', re.IGNORECASE)

log = logging.getLogger(__name__)


def tenant_of_challenge(header: str) -> str | None:
    """The tenant that a `WWW-Authenticate` header names; None unless its host is a known login host and it is a GUID."""
    match = _URI.search(header)
    if match is None:
        return None
    try:
        uri = urlsplit(match.group(1))
    except ValueError:  # no URI at all
        return None
    tenant = uri.path.strip("/").split("/")[0]
    if uri.scheme != "https" or fold(uri.netloc) not in LOGIN_HOSTS or not is_guid(tenant):
        return None
    return fold(tenant)


class Tenants:
    """Subscription to tenant, for as many subscriptions as a review meets."""

    def __init__(self, endpoint: str, cache: TenantCache | None, now: Callable[[], datetime]) -> None:
        """`cache` None: every subscription is asked about anew."""
        self._endpoint = endpoint
        self._cache = cache
        self._now = now
        self._client: PipelineClient[Any, Any] | None = None

    def of(self, subscription_ids: Iterable[str]) -> dict[str, str | None]:
        """The tenant of each subscription (folded), None where ARM does not tell it."""
        return {subscription: self._of(subscription) for subscription in dict.fromkeys(subscription_ids)}

    def _of(self, subscription_id: str) -> str | None:
        if self._cache is None:
            return self._ask(subscription_id)
        known, tenant = self._cache.get(subscription_id, self._now())
        if not known:
            tenant = self._ask(subscription_id)
            self._cache.put(subscription_id, tenant, self._now())
        return tenant

    def _ask(self, subscription_id: str) -> str | None:
        from azure.core import PipelineClient

        if self._client is None:
            self._client = PipelineClient(self._endpoint, policies=[retry_policy()], **CLIENT_OPTIONS)
        url = f"{self._endpoint}/subscriptions/{subscription_id}?api-version=2015-01-01"
        try:
            response = self._client.send_request(HttpRequest("GET", url))
        except AzureError as error:
            log.warning("tenant of subscription %s unknown: %s", subscription_id, type(error).__name__)
            return None
        tenant = (
            tenant_of_challenge(response.headers.get("WWW-Authenticate", "")) if response.status_code == 401 else None
        )
        if tenant is None:
            log.warning("tenant of subscription %s unknown: ARM answered %s", subscription_id, response.status_code)
        return tenant
