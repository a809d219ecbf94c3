"""Table `tenants`: a cache of which tenant a subscription belongs to.

Partition `tenant`, row: the subscription. Columns: `tenantId` ("" where ARM did not tell), `expiresAt`: a known tenant is
kept for 24 hours, an unknown one for 10 minutes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.ledger.tables import Table, moment, timestamp

KNOWN = timedelta(hours=24)
UNKNOWN = timedelta(minutes=10)


class TenantCache:
    """The table `tenants`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, subscription_id: str, now: datetime) -> tuple[bool, str | None]:
        """(whether the cache knows anything still fresh, the tenant or None where ARM did not tell)."""
        row = self._table.get("tenant", subscription_id)
        expires = moment(row["expiresAt"]) if row else None
        if row is None or expires is None or expires <= now:
            return False, None
        return True, row["tenantId"] or None

    def put(self, subscription_id: str, tenant_id: str | None, now: datetime) -> None:
        """Remember an answer."""
        expires = now + (KNOWN if tenant_id else UNKNOWN)
        row = {"PartitionKey": "tenant", "RowKey": subscription_id, "tenantId": tenant_id or ""}
        self._table.put(row | {"expiresAt": timestamp(expires)})
