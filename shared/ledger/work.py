"""Table `work`: the index of records with something unfinished, so that the sweep never scans records.

Partition `unfinished`, row: SHA-256 of the subject; columns `subject`, and the service's own `Timestamp`. A row is written
before the commit that makes its record unfinished, and deleted after the commit that finishes it, only if nobody has written
it since: so an unfinished record always has its row, and a row too many costs one look. Further partitions with rows of the
same key: `retry`: `dueAt`, when the retry that was queued last becomes visible; `bound`: `endpoints` (JSON), the managed
endpoints that approvals of the target are spent on. `shown|<SHA-256 of a requester's resource>`: a row for each tenant in
which a private endpoint of it was approved, at any target. `parked`: alerts that the topic refuses for good, by their ids.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from shared.ledger.tables import Row, moment, pack, timestamp, unpack
from shared.resource_id import ResourceId, fold

UNFINISHED = "unfinished"
RETRY = "retry"
BOUND = "bound"
PARKED = "parked"
SHOWN = "shown"

OLD = timedelta(minutes=10)
"""A finished record's row of this age was left by an instance that died; a younger one may belong to a running commit."""

MARGIN = timedelta(seconds=2)
"""How far hosts' clocks may differ; what slips through costs a list, or waits for the sweep."""


class WorkRows(Protocol):
    """The part of `tables.Table` that the index needs."""

    def get(self, partition_key: str, row_key: str) -> Row | None:
        """See `Table.get`."""
        ...

    def query(self, text: str, **parameters: object) -> list[Row]:
        """See `Table.query`."""
        ...

    def insert(self, row: Row) -> bool:
        """See `Table.insert`."""
        ...

    def put(self, row: Row) -> str:
        """See `Table.put`."""
        ...

    def replace(self, row: Row, etag: str) -> bool:
        """See `Table.replace`."""
        ...

    def delete(self, partition_key: str, row_key: str, etag: str | None = None) -> bool:
        """See `Table.delete`."""
        ...


@dataclass(frozen=True, slots=True)
class Unfinished:
    """One row of the index."""

    subject: str
    etag: str
    noted_at: datetime


@dataclass(frozen=True, slots=True)
class Bound:
    """A target with endpoints (resource, endpoint) that approvals are spent on."""

    subject: str
    endpoints: tuple[tuple[str, str], ...]


class WorkIndex:
    """Which records somebody must come back to."""

    def __init__(self, table: WorkRows, now: Callable[[], datetime]) -> None:
        self._table = table
        self._now = now
        self._shown: dict[str, frozenset[str]] = {}

    def note(self, subject: str) -> str:
        """Note a record as unfinished; answers the row's ETag, with which it can be taken out again."""
        row = {
            "PartitionKey": UNFINISHED,
            "RowKey": _key(subject),
            "subject": subject,
            "notedAt": timestamp(self._now()),
        }
        return self._table.put(row)

    def done(self, subject: str, etag: str) -> None:
        """Take a record out, unless somebody has noted it anew."""
        self._table.delete(UNFINISHED, _key(subject), etag)

    def unfinished(self) -> Iterator[Unfinished]:
        """Every record that is noted."""
        for row in self._table.query("PartitionKey eq @unfinished", unfinished=UNFINISHED):
            noted_at = moment(row.get("notedAt")) or self._now()
            yield Unfinished(str(row["subject"]), str(getattr(row, "metadata", {}).get("etag") or ""), noted_at)

    def is_old(self, noted: Unfinished) -> bool:
        """Whether a row was noted so long ago that nobody is about to commit what it was noted for."""
        return self._now() - noted.noted_at >= OLD

    def note_bound(self, subject: str, endpoints: Iterable[tuple[str, str]]) -> None:
        """Note which endpoints the approvals of a target are spent on."""
        row = {"PartitionKey": BOUND, "RowKey": _key(subject), "subject": subject}
        self._table.put(row | pack("endpoints", sorted(endpoints)))

    def done_bound(self, subject: str) -> None:
        """No approval of a target is spent on an endpoint that is still there."""
        self._table.delete(BOUND, _key(subject))

    def show_tenant(self, resource: str, tenant: str) -> None:
        """Note that an approval of a requester's was spent on a private endpoint of that tenant."""
        if tenant not in self._shown.get(fold(resource), frozenset()):
            self._table.put({"PartitionKey": f"{SHOWN}|{_key(resource)}", "RowKey": tenant, "subject": resource})
            self._shown[fold(resource)] = self._shown.get(fold(resource), frozenset()) | {tenant}

    def shown_tenants(self, resource: str) -> frozenset[str]:
        """The tenants of private endpoints that approvals of a requester's were spent on. What was shown once stays so."""
        known = self._shown.get(fold(resource), frozenset())
        if not known:
            rows = self._table.query("PartitionKey eq @shown", shown=f"{SHOWN}|{_key(resource)}")
            known = frozenset(str(row["RowKey"]) for row in rows)
            self._shown[fold(resource)] = known
        return known

    def bound(self) -> Iterator[Bound]:
        """Every target with bound endpoints."""
        for row in self._table.query("PartitionKey eq @bound", bound=BOUND):
            yield Bound(str(row["subject"]), tuple((str(r), str(e)) for r, e in unpack(row, "endpoints") or ()))

    def park(self, subject: str, entry_id: str, body: Mapping[str, Any], why: str) -> None:
        """Keep an alert that the topic refuses for good, for people to look at."""
        row = {"PartitionKey": PARKED, "RowKey": entry_id, "subject": subject, "why": why[:1000]}
        self._table.put(row | {"parkedAt": timestamp(self._now())} | pack("event", dict(body)))

    def claim_retry(self, target: ResourceId, delay: float, now: datetime) -> bool:
        """Whether a retry in `delay` seconds must be queued: one outstanding retry for each target is enough.

        A burst of events about a target that is held up must not become a burst of lists: of all who ask at once, one gets
        the claim. False where a retry is outstanding that comes no later.
        """
        due = now + timedelta(seconds=delay)
        row: Row = {"PartitionKey": RETRY, "RowKey": _key(str(target)), "dueAt": timestamp(due)}
        there = self._table.get(RETRY, row["RowKey"])
        if there is None:
            return self._table.insert(row)
        outstanding = moment(there.get("dueAt"))
        if outstanding is not None and now + MARGIN < outstanding <= due:
            return False
        return self._table.replace(row, str(getattr(there, "metadata", {}).get("etag") or ""))

    def forget_retry(self, target: ResourceId) -> None:
        """The target is gone for good: nothing of it is left here."""
        self._table.delete(RETRY, _key(str(target)))


def _key(subject: str) -> str:
    return hashlib.sha256(fold(subject).encode("utf-8", "surrogatepass")).hexdigest()
