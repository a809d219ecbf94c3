"""Table `firewalls`: what each tightened firewall was, so that it can be put back. A row goes when it has been put back.

Partition: the target. Row: inverted milliseconds, the newest first. Columns: `targetId`, `before` and `after` (JSON of the
target type's own form, `targets.firewalls`; `after` is null until it was read back), `decisions` (JSON: the decisions that
asked for it), `operation` (URL of ARM's operation that still runs, or ""; it may be signed and is never logged),
`writtenAt`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from shared.ledger.tables import Row, Table, pack, partition, stamp, unpack
from shared.resource_id import ResourceId

_END_OF_TIME = 9_999_999_999_999


@dataclass(frozen=True, slots=True)
class FirewallSnapshot:
    """A firewall as it was before the app tightened it, and as the app left it."""

    target: ResourceId
    row: str
    before: dict[str, Any]
    decisions: tuple[str, ...]
    after: dict[str, Any] | None = None
    operation: str = field(default="", repr=False)

    @property
    def being_written(self) -> bool:
        """Whether the tightening has not been read back yet: it runs on, or its review was cut off."""
        return self.after is None


class Firewalls:
    """The table `firewalls`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def newest(self, target: ResourceId) -> FirewallSnapshot | None:
        """What the last tightening that was not put back has left; None where there is none."""
        rows = self._table.query("PartitionKey eq @target", target=partition(target))
        return _kept(target, min(rows, key=lambda row: str(row["RowKey"]))) if rows else None

    def begin(
        self, target: ResourceId, before: dict[str, Any], decisions: tuple[str, ...], now: datetime
    ) -> FirewallSnapshot:
        """Keep a firewall before it is written."""
        milliseconds = int(now.astimezone(UTC).timestamp() * 1000)
        kept = FirewallSnapshot(target, f"{_END_OF_TIME - milliseconds:013d}", before, decisions)
        self._table.put(_row(kept) | {"writtenAt": stamp(now)})
        return kept

    def running(self, kept: FirewallSnapshot, operation: str) -> FirewallSnapshot:
        """Note the operation that a write started, so that whoever comes next follows it; "" when it has ended."""
        return self._update(replace(kept, operation=operation))

    def written(self, kept: FirewallSnapshot, after: dict[str, Any]) -> FirewallSnapshot:
        """Note the firewall as it was read back."""
        return self._update(replace(kept, after=after, operation=""))

    def forget(self, kept: FirewallSnapshot) -> None:
        """Delete a row: it was put back, or nothing was written."""
        self._table.delete(partition(kept.target), kept.row)

    def forget_all(self, target: ResourceId) -> None:
        """Delete every row of a target that is gone: another one of its name has another firewall."""
        rows = self._table.query("PartitionKey eq @target", target=partition(target))
        for row in rows:
            self._table.delete(row["PartitionKey"], row["RowKey"])

    def _update(self, kept: FirewallSnapshot) -> FirewallSnapshot:
        self._table.merge(_row(kept))
        return kept


def _row(kept: FirewallSnapshot) -> Row:
    row: Row = {
        "PartitionKey": partition(kept.target),
        "RowKey": kept.row,
        "targetId": str(kept.target),
        "operation": kept.operation,
    }
    return row | pack("before", kept.before) | pack("after", kept.after) | pack("decisions", kept.decisions)


def _kept(target: ResourceId, row: Row) -> FirewallSnapshot:
    return FirewallSnapshot(
        target=target,
        row=row["RowKey"],
        before=unpack(row, "before"),
        decisions=tuple(unpack(row, "decisions")),
        after=unpack(row, "after"),
        operation=row.get("operation", ""),
    )
