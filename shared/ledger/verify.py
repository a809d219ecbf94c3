"""Verifying the ledger: whether every row is authentic, every record whole, and every chain of decisions unbroken.

Reads the raw tables, partition after partition, and believes nothing: what a review would skip is named here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Protocol

from shared.ledger.record import HistoryEntry, Link
from shared.ledger.records import MEMBERS
from shared.ledger.retention import KEEP
from shared.ledger.rows import HEAD, HISTORY, MALFORMED, history_key, history_of, record_of
from shared.ledger.sealing import Sealing, digest_of, members_of
from shared.ledger.tables import Row

TABLES = ("targets", "work", "feed", "runs", "tenants", "policies")


class RawRows(Protocol):
    """Every row of a table, as it lies there, in the order of its keys."""

    def __call__(self, table: str, partition: str | None) -> Iterator[Row]:
        """The rows of a table, or of one of its partitions."""
        ...


@dataclass(frozen=True, slots=True)
class Break:
    """One place where the ledger is not as the app left it."""

    table: str
    partition: str
    row: str
    problem: str

    def to_json(self) -> dict[str, str]:
        """For scripts."""
        return {"table": self.table, "partition": self.partition, "row": self.row, "problem": self.problem}


@dataclass(slots=True)
class Verified:
    """What was looked at."""

    rows: int = 0
    decisions: int = 0
    records: int = 0


def verify(
    rows: RawRows,
    sealing: Sealing,
    now: datetime,
    progress: Callable[[Verified], None],
    partition: str | None = None,
) -> Iterator[Break]:
    """Walk the ledger; yields every break.

    Args:
        rows: reads the raw tables.
        sealing: the keys. Without one no row can be told to be authentic; chains and records are walked all the same.
        now: the time.
        progress: is told after every record.
        partition: only that record's.
    """
    seen = Verified()
    for table in TABLES if partition is None else TABLES[:1]:
        for key, group in groupby(rows(table, partition), key=lambda row: str(row["PartitionKey"])):
            found = list(group)
            seen.rows += len(found)
            for row in found:
                if not sealing.holds(table, row):
                    yield Break(
                        table, key, str(row["RowKey"]), "not authentic: changed, made or put here by somebody else"
                    )
            if table == TABLES[0]:
                seen.records += 1
                yield from _record(key, found, sealing, now, seen)
                progress(seen)
    progress(seen)


def _record(key: str, rows: list[Row], sealing: Sealing, now: datetime, seen: Verified) -> Iterator[Break]:
    own = {str(row["RowKey"]): row for row in rows if str(row["RowKey"]) < HISTORY}
    history = [row for row in rows if str(row["RowKey"]) >= HISTORY]
    head = own.get(HEAD)
    record = record_of(key, own.values(), sealing)
    for unreadable in record.unreadable:
        yield Break(TABLES[0], key, unreadable, "cannot be understood")
    digests = {name: digest_of(row) for name, row in own.items() if name != HEAD}
    if head is not None and head.get(MEMBERS) != members_of(digests):
        yield Break(TABLES[0], key, HEAD, "the record's rows are not those that it was committed with")
    elif head is None and rows:
        yield Break(TABLES[0], key, HEAD, "the head row is missing")
    entries: list[HistoryEntry] = []
    for row in history:
        try:
            entries.append(history_of(row))
        except MALFORMED:
            yield Break(TABLES[0], key, str(row["RowKey"]), "cannot be understood")
    newest = {r.decision.decision_id: r.decision for r in record.requests.values() if r.decision}
    for entry in entries:
        known = newest.get(entry.decision.decision_id)
        if known is not None and known != entry.decision:
            yield Break(TABLES[0], key, history_key(entry.decision), "not what the record knows of it: an older row")
    seen.decisions += len(entries)
    yield from _chain(key, entries, record.tip if head is not None else None, now)


def _chain(key: str, entries: list[HistoryEntry], tip: Link | None, now: datetime) -> Iterator[Break]:
    """Every link follows from the one before; what is gone at the beginning is past its retention."""
    by_number: dict[int, Any] = {}
    for entry in entries:
        number = entry.link.number
        where = f"decision {entry.decision.decision_id}"
        if number in by_number:
            yield Break(TABLES[0], key, where, f"there are two decisions with the number {number}")
        if tip is not None and number > tip.number:
            yield Break(TABLES[0], key, where, "the record does not know of it: an older record was put back")
        by_number[number] = entry
        before = Link(number - 1, "", entry.link.before)
        if before.next(entry.decision) != entry.link:
            yield Break(TABLES[0], key, where, "its place in the chain does not follow from what it says")
    numbers = sorted(by_number)
    for number in numbers:
        behind = by_number.get(number + 1)
        if behind is not None and behind.link.before != by_number[number].link.hash:
            yield Break(
                TABLES[0], key, f"decision {behind.decision.decision_id}", "the decision before it is another one"
            )
    last = tip.number if tip is not None else (numbers[-1] if numbers else 0)
    missing = [n for n in range(1, last + 1) if n not in by_number]
    oldest = min((e.decision.decided_at for e in entries), default=now)
    for number in missing:
        gone_by_age = number < (numbers[0] if numbers else last + 1) and (not numbers or now - oldest >= KEEP - _SLACK)
        if not gone_by_age:
            yield Break(TABLES[0], key, f"number {number}", "a decision is missing")
    if tip is not None and last in by_number and by_number[last].link.hash != tip.hash:
        yield Break(TABLES[0], key, HEAD, "the newest decision is not the one that the record names")


_SLACK = KEEP / 10
"""Decisions go a day at a time, those that are still so last: the oldest that is left may be somewhat younger."""
