"""Which tenant a subscription belongs to, as ARM tells anybody who asks without a token.

`GET /subscriptions/<id>` without a token answers 401 with `WWW-Authenticate: Bearer authorization_uri="https://<login
host>/<tenant>"`: a technique of long standing, not a contract. Three things can come of it: a tenant; an answer of ARM's
that names none ("unknown", never "ours"); no answer of ARM's at all, which says nothing and is never remembered.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest

from shared.azure.arm import retry_after_of
from shared.azure.pinned import pinned_client
from shared.errors import TransientError
from shared.resource_id import fold, is_guid

if TYPE_CHECKING:
    from azure.core import PipelineClient

LOGIN_HOSTS = frozenset({
    "login.windows.net", "login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
})  # fmt: skip
"""Hosts that an authorization URI may name: those of Microsoft's clouds."""

_MOST = 10_000
"""Subscriptions that are remembered in a process; somebody who makes private endpoints in ever new ones fills no memory."""

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


@dataclass(frozen=True, slots=True)
class TenantAnswer:
    """What is known of a subscription's tenant.

    `tenant` (folded), or None where ARM named none; `unreadable` says why ARM could not be asked now, None where it could;
    `retry_after` is then the wait in seconds that it has asked for.
    """

    tenant: str | None = None
    unreadable: str | None = None
    retry_after: float | None = None


class TenantMemory(Protocol):
    """Remembers tenants for all instances."""

    def fresh(self, subscription_ids: Iterable[str], now: datetime) -> Mapping[str, tuple[str | None, datetime]]:
        """Those that are known, or known to be unknown, and until when. Raises `TransientError`."""
        ...

    def remember(self, found: Mapping[str, str | None], now: datetime) -> Mapping[str, tuple[str | None, datetime]]:
        """Remember what ARM has told; answers it with the time that it holds. Raises `TransientError`."""
        ...


class Tenants:
    """Subscription to tenant, for as many subscriptions as a review meets.

    What is known is remembered in this process, then in what all instances share.
    """

    def __init__(self, endpoint: str, memory: TenantMemory | None, now: Callable[[], datetime]) -> None:
        """`memory` None: every subscription is asked about anew."""
        self._endpoint = endpoint
        self._memory = memory
        self._now = now
        self._here: dict[str, tuple[str | None, datetime]] = {}
        self._lock = Lock()
        self._client: PipelineClient[Any, Any] | None = None

    def of(self, subscription_ids: Iterable[str], *, fresh: bool = False) -> dict[str, TenantAnswer]:
        """What is known of the tenant of each subscription (folded).

        Args:
            subscription_ids: the subscriptions.
            fresh: ask ARM now, whatever is remembered: for an approval that rests on a tenant alone. One call each.

        Raises:
            TransientError: the shared memory cannot be read or written.
        """
        wanted = list(dict.fromkeys(subscription_ids))
        known = {} if fresh else self._remembered(wanted)
        asked = {one: self._ask(one) for one in wanted if one not in known}
        told = {one: answer.tenant for one, answer in asked.items() if answer.unreadable is None}
        if told and self._memory is not None:
            self._keep(self._memory.remember(told, self._now()))
        return {one: asked[one] if one in asked else TenantAnswer(known[one]) for one in wanted}

    def _remembered(self, wanted: list[str]) -> dict[str, str | None]:
        if self._memory is None:
            return {}
        now = self._now()
        with self._lock:
            known = {one: self._here[one] for one in wanted if one in self._here and self._here[one][1] > now}
        if missing := [one for one in wanted if one not in known]:
            found = self._memory.fresh(missing, now)
            self._keep(found)
            known |= found
        return {one: tenant for one, (tenant, _) in known.items()}

    def _keep(self, found: Mapping[str, tuple[str | None, datetime]]) -> None:
        with self._lock:
            if len(self._here) > _MOST:
                self._here.clear()
            self._here |= found

    def _ask(self, subscription_id: str) -> TenantAnswer:
        with self._lock:
            self._client = client = self._client or pinned_client(self._endpoint)
        url = f"{self._endpoint}/subscriptions/{subscription_id}?api-version=2015-01-01"
        try:
            response = client.send_request(HttpRequest("GET", url))
        except AzureError as error:
            return _unreadable(subscription_id, type(error).__name__)
        status = response.status_code
        if status in (408, 429) or status >= 500:
            return _unreadable(subscription_id, f"ARM answers {status}", retry_after_of(response))
        tenant = tenant_of_challenge(response.headers.get("WWW-Authenticate", "")) if status == 401 else None
        if tenant is None:
            log.warning("tenant of subscription %s unknown: ARM answers %s", subscription_id, status)
        return TenantAnswer(tenant)


def _unreadable(subscription_id: str, why: str, retry_after: float | None = None) -> TenantAnswer:
    log.warning("tenant of subscription %s not read: %s", subscription_id, why)
    return TenantAnswer(unreadable=f"the tenant of subscription {subscription_id} could not be read: {why}",
                        retry_after=retry_after)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReadableTenants:
    """`Tenants` for callers that go on only with what could be read."""

    tenants: Tenants

    def of(self, subscription_ids: Iterable[str]) -> dict[str, str | None]:
        """The tenant of each subscription (folded), None where ARM names none.

        Raises:
            TransientError: one of them could not be read now.
        """
        found = self.tenants.of(subscription_ids)
        for answer in found.values():
            if answer.unreadable is not None:
                raise TransientError(answer.unreadable, code="TenantUnreadable", retry_after=answer.retry_after)
        return {one: answer.tenant for one, answer in found.items()}
