"""One outstanding retry for each target is enough: a burst of events must not become a burst of lists.

Table `decisions`, partition: the target, row `~retry`: `dueAt`, when the retry that was queued last becomes visible. It is
only a hint: hosts' clocks differ by less than `MARGIN`, and what slips through costs a list, or waits for the sweep.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.ledger.tables import Table, moment, partition, stamp
from shared.resource_id import ResourceId

MARGIN = timedelta(seconds=2)

_ROW = "~retry"


class FollowUps:
    """Which retries are under way."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def wanted(self, target: ResourceId, delay: float, now: datetime) -> bool:
        """Whether a retry in `delay` seconds must be queued: False where one is outstanding that comes no later."""
        row = self._table.get(partition(target), _ROW)
        outstanding = moment(row["dueAt"]) if row else None
        due = now + timedelta(seconds=delay)
        if outstanding is not None and now + MARGIN < outstanding <= due:
            return False
        self._table.put({"PartitionKey": partition(target), "RowKey": _ROW, "dueAt": stamp(due)})
        return True
