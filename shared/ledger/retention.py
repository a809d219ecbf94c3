"""Retention: 400 days for decisions and alerts, 7 for runs. Once a day, a page at a time.

The feed says which decisions are old: it lies by day, so that no table is searched. The day is kept in table `runs`,
partition `~maintenance`, row `purge`: whichever instance sweeps first does the work.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice

from shared.ledger.feed import partition_of
from shared.ledger.record import Delivery
from shared.ledger.rows import MALFORMED, history_key, history_of
from shared.ledger.tables import Row, Table, moment, partition, timestamp, unpack
from shared.model.decision import Decision
from shared.resource_id import fold

KEEP = timedelta(days=400)
KEEP_RUNS = timedelta(days=7)
EVERY = timedelta(days=1)

PAGE = 200
MOST_PAGES = 50
"""So many pages in one sweep; what is left goes in the next one."""

_MARK = ("~maintenance", "purge")

log = logging.getLogger(__name__)


class Retention:
    """Deletes what is past its retention."""

    def __init__(self, *, targets: Table, feed: Table, runs: Table) -> None:
        self._targets = targets
        self._feed = feed
        self._runs = runs

    def is_due(self, now: datetime) -> bool:
        """Whether a day has passed since the last time."""
        mark = self._runs.get(*_MARK)
        last = moment(mark["at"]) if mark else None
        return last is None or not timedelta() <= now - last < EVERY

    def purge(self, now: datetime) -> int:
        """Delete what is past its retention; answers how many rows went."""
        gone = sum(self._purge_feed(kind, now - KEEP) for kind in (Delivery.DECISION, Delivery.ALERT))
        gone += self._purge(self._runs, "createdAt lt @before", {"before": timestamp(now - KEEP_RUNS)}, self._always)
        self._runs.put({"PartitionKey": _MARK[0], "RowKey": _MARK[1], "at": timestamp(now)})
        log.info("retention: %d rows deleted", gone)
        return gone

    def _purge_feed(self, kind: Delivery, before: datetime) -> int:
        """The days of the feed before that one, and the decisions that they name."""
        days = {"first": partition_of(kind, before), "last": f"{kind}|~"}

        def goes(row: Row) -> bool:
            return kind is not Delivery.DECISION or self._decision_goes(row, before)

        return self._purge(self._feed, "PartitionKey gt @first and PartitionKey lt @last", days, goes)

    def _purge(self, table: Table, text: str, parameters: dict[str, str], goes: Callable[[Row], bool]) -> int:
        """Delete the rows that a filter selects, page by page; one that must stay stays."""
        pages = islice(table.pages(text, PAGE, **parameters), MOST_PAGES)
        return sum(goes(row) and table.delete(row["PartitionKey"], row["RowKey"]) for rows in pages for row in rows)

    def _decision_goes(self, row: Row, before: datetime) -> bool:
        """Delete the decision that a row of the feed names, unless it was seen since then."""
        try:
            decision = Decision.from_json(unpack(row, "item"))
            key = (partition(fold(str(decision.target))), history_key(decision))
            kept = self._targets.get(*key)
            if kept is not None and history_of(kept).last_seen_at >= before:
                return False
        except MALFORMED as error:
            log.warning("row %s of the feed cannot be understood: %s", row["RowKey"], type(error).__name__)
            return True
        self._targets.delete(*key)
        return True

    @staticmethod
    def _always(row: Row) -> bool:
        del row
        return True
