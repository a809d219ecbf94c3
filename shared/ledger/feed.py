"""Table `feed`: decisions and alerts of the whole estate, newest first, by day. A projection of the records' outboxes.

Partition: `<kind>|<day, newest first>`; row: `<newest first>|<id>`; columns `item` (JSON), `target` (its partition among the
records) and `row` (the decision's row there). Writing an entry again replaces it, so a delivery can be repeated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from shared.ledger.record import OutboxEntry
from shared.ledger.tables import Row, Table, newest_first, pack

MILLISECONDS_A_DAY = 86_400_000


class Feed:
    """The table `feed`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def publish(self, entries: Iterable[OutboxEntry]) -> None:
        """Write entries; those of one kind and day together."""
        days: defaultdict[str, list[Row]] = defaultdict(list)
        for entry in entries:
            row = {"RowKey": f"{newest_first(entry.at)}|{entry.id}", **pack("item", dict(entry.body))}
            days[partition_of(entry.kind, entry.at)].append(row)
        for day, rows in days.items():
            self._table.put_all([{"PartitionKey": day, **row} for row in rows])


def partition_of(kind: str, at: datetime) -> str:
    """The partition of a kind's day: days count down, so that a query from the top is newest first."""
    days = int(at.astimezone(UTC).timestamp() * 1000) // MILLISECONDS_A_DAY
    return f"{kind}|{99_999 - days:05d}"
