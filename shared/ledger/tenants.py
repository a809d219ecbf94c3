"""Table `tenants`: a memory, for all instances, of which tenant a subscription belongs to.

Partition `tenant`, row: the subscription. Columns: `tenantId` ("" where ARM named none), `expiresAt`: a known tenant is kept
for 24 hours, an unknown one for 10 minutes. A row that promises to hold for longer was not written by the app: it is not
believed, and neither is one that cannot be understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from shared.ledger.tables import Row, Table, moment, timestamp
from shared.resource_id import fold, is_guid

KNOWN = timedelta(hours=24)
UNKNOWN = timedelta(minutes=10)

_AT_ONCE = 13
"""Rows that one query names: Azure Tables takes 15 comparisons in a filter."""


class TenantCache:
    """The table `tenants`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def fresh(self, subscription_ids: Iterable[str], now: datetime) -> dict[str, tuple[str | None, datetime]]:
        """What is known of the subscriptions (None: that ARM names no tenant), and until when. One query for them all."""
        wanted = list(subscription_ids)
        found: dict[str, tuple[str | None, datetime]] = {}
        for i in range(0, len(wanted), _AT_ONCE):
            keys = {f"s{n}": key for n, key in enumerate(wanted[i : i + _AT_ONCE])}
            # the SDK finds a parameter between spaces only
            either = " or ".join(f"RowKey eq @{name}" for name in keys)
            for row in self._table.query(f"PartitionKey eq 'tenant' and ( {either} )", **keys):
                if (known := _believed(row, now)) is not None:
                    found[row["RowKey"]] = known
        return found

    def remember(self, found: Mapping[str, str | None], now: datetime) -> dict[str, tuple[str | None, datetime]]:
        """Remember what ARM has told; answers it with the time that it holds."""
        kept = {key: (tenant, now + (KNOWN if tenant else UNKNOWN)) for key, tenant in found.items()}
        rows = [
            {"PartitionKey": "tenant", "RowKey": key, "tenantId": tenant or "", "expiresAt": timestamp(expires)}
            for key, (tenant, expires) in kept.items()
        ]
        self._table.put_all(rows)
        return kept


def _believed(row: Row, now: datetime) -> tuple[str | None, datetime] | None:
    tenant = row.get("tenantId")
    try:
        expires = moment(row.get("expiresAt"))
    except (TypeError, ValueError):
        return None
    if (
        expires is None
        or expires.tzinfo is None
        or not isinstance(tenant, str)
        or not (tenant == "" or is_guid(tenant))
    ):
        return None
    if not now < expires <= now + (KNOWN if tenant else UNKNOWN):
        return None
    return fold(tenant) or None, expires
