"""Retention: 400 days for decisions and delivered alerts, 7 for runs. Once a day, a bounded number of rows at a time.

The day is kept in table `runs`, partition `~maintenance`, row `purge`: whichever instance sweeps first does the work.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from shared.ledger.tables import Row, Table, moment, stamp

KEEP = timedelta(days=400)
KEEP_RUNS = timedelta(days=7)
EVERY = timedelta(days=1)
MOST = 2000

_MARK = ("~maintenance", "purge")

log = logging.getLogger(__name__)


class Retention:
    """Deletes what is past its retention."""

    def __init__(self, *, decisions: Table, alerts: Table, runs: Table) -> None:
        self._decisions = decisions
        self._alerts = alerts
        self._runs = runs

    def purge_daily(self, now: datetime) -> int:
        """Purge if a day has passed since the last time; answers how many rows went."""
        mark = self._runs.get(*_MARK)
        last = moment(mark["at"]) if mark else None
        if last is not None and now - last < EVERY:
            return 0
        self._runs.put({"PartitionKey": _MARK[0], "RowKey": _MARK[1], "at": stamp(now)})
        old = stamp(now - KEEP)
        gone = self._delete(self._decisions, "lastSeenAt lt @before", old)
        gone += self._delete(self._alerts, "PartitionKey eq 'delivered' and deliveredAt lt @before", old)
        gone += self._delete(self._alerts, "active eq false and firstSeenAt lt @before", old)  # conditions long cleared
        gone += self._delete(self._runs, "createdAt lt @before", stamp(now - KEEP_RUNS))
        log.info("retention: %d rows deleted", gone)
        return gone

    @staticmethod
    def _delete(table: Table, text: str, before: str) -> int:
        rows: list[Row] = table.query(text, before=before)[:MOST]
        for row in rows:
            table.delete(row["PartitionKey"], row["RowKey"])
        return len(rows)
