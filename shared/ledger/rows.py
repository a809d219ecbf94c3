"""A record as rows of one partition of the table `targets`, and back. Pure.

Partition: the subject (`tables.partition`). Rows, each with its content as JSON in the columns `value`, `value1`, ...:

- `head`: `subject`, `version`, `work`, and the record's own times, its digest and its restore;
- `alert|<condition>`, `firewall|<newest first>`, `outbox|<kind>|<id>`, `request|<key>`, `spent|<SHA-256 of the id>`:
  one for each member of the record (`ledger.record` says what is in it);
- `~<newest first>|<decision id>`: a decision (`HistoryEntry`), which stays for its retention. The tilde sorts behind every
  other row, so that a record is read without its history.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from shared.ledger.codec import TRANSIENT, decode, encode
from shared.ledger.record import (
    AlertState,
    FirewallSnapshot,
    HistoryEntry,
    OutboxEntry,
    Record,
    RequestRecord,
    SpentEndpoint,
)
from shared.ledger.sealing import Sealing
from shared.ledger.tables import Row, newest_first, pack, partition, unpack
from shared.model.decision import Decision
from shared.resource_id import fold

HEAD = "head"
HISTORY = "~"

MALFORMED = (ValueError, KeyError, TypeError, AttributeError)
"""What decoding a row raises that is not one of ours."""

_OWN = frozenset({"requests", "spent", "snapshots", "alerts", "outbox"}) | TRANSIENT

log = logging.getLogger(__name__)


def rows_of(record: Record, sealing: Sealing | None = None) -> dict[str, Row]:
    """The rows of a record, by their keys, without its history; as they are kept where `sealing` hides what is secret."""
    if sealing is not None:
        record = _with_operations(record, sealing.hide)
    members: Iterator[tuple[str, Any]] = (
        *((f"outbox|{key}", entry) for key, entry in record.outbox.items()),
        *((f"spent|{_short(key)}", spent) for key, spent in record.spent.items()),
        *((f"firewall|{newest_first(one.taken_at)}", one) for one in record.snapshots),
        *((f"request|{key}", _lean(request)) for key, request in record.requests.items()),
        *((f"alert|{key}", alert) for key, alert in record.alerts.items()),
    )  # type: ignore[assignment]
    return {key: _row(record.subject, key, encode(value)) for key, value in members}


def head_of(record: Record) -> Row:
    """The head row, which guards the others."""
    own = {name: value for name, value in encode(record).items() if name not in _OWN}
    return _row(record.subject, HEAD, own) | {"version": record.version, "work": record.work}


def history_key(decision: Decision) -> str:
    """The key of a decision's row."""
    return f"{HISTORY}{newest_first(decision.decided_at)}|{decision.decision_id}"


def history_row(subject: str, entry: HistoryEntry) -> Row:
    """A decision's row."""
    return _row(subject, history_key(entry.decision), encode(entry))


def history_of(row: Row) -> HistoryEntry:
    """The decision of a row. Raises one of `MALFORMED`."""
    return decode(HistoryEntry, unpack(row, "value"))


def record_of(subject: str, rows: Iterable[Row], sealing: Sealing | None = None) -> Record:
    """The record of a partition's rows. What cannot be understood is logged and named in `unreadable`."""
    record, kept, unreadable = Record(subject), _Members(sealing or Sealing()), []
    for row in rows:
        key = str(row["RowKey"])
        try:
            if key == HEAD:
                record = _head(subject, row)
            else:
                kept.add(key, unpack(row, "value"))
        except MALFORMED as error:
            log.warning("row %s of %s in the ledger cannot be understood: %s", key, subject, type(error).__name__)
            unreadable.append(key)
    return kept.into(replace(record, unreadable=tuple(unreadable)))


class _Members:
    """The members of a record while its rows are read."""

    def __init__(self, sealing: Sealing) -> None:
        self.sealing = sealing
        self.requests: dict[str, RequestRecord] = {}
        self.spent: dict[str, SpentEndpoint] = {}
        self.snapshots: list[FirewallSnapshot] = []
        self.alerts: dict[str, AlertState] = {}
        self.outbox: dict[str, OutboxEntry] = {}

    def add(self, key: str, value: Any) -> None:
        kind, _, name = key.partition("|")
        match kind:
            case "request":
                request = _whole(decode(RequestRecord, value))
                if request.intent is not None:
                    shown = self.sealing.show(request.intent.operation)
                    request = replace(request, intent=replace(request.intent, operation=shown))
                if request.key != name:
                    raise ValueError("another request's row")
                self.requests[name] = request
            case "spent":
                spent = decode(SpentEndpoint, value)
                self.spent[spent.endpoint_id] = spent
            case "firewall":
                snapshot = decode(FirewallSnapshot, value)
                self.snapshots.append(replace(snapshot, operation=self.sealing.show(snapshot.operation)))
            case "alert":
                self.alerts[name] = decode(AlertState, value)
            case "outbox":
                entry = decode(OutboxEntry, value)
                self.outbox[entry.key] = entry
            case _:
                raise ValueError("no kind of row that is known")

    def into(self, record: Record) -> Record:
        snapshots = tuple(sorted(self.snapshots, key=lambda one: one.taken_at, reverse=True))
        return replace(
            record,
            requests=self.requests,
            spent=self.spent,
            snapshots=snapshots,
            alerts=self.alerts,
            outbox=self.outbox,
        )


def _head(subject: str, row: Row) -> Record:
    etag = str(getattr(row, "metadata", {}).get("etag") or "")
    guard: Mapping[str, Any] = {
        "etag": etag,
        "version": int(row.get("version") or 0),
        "work": str(row.get("work") or ""),
    }
    try:
        value = unpack(row, "value")
        record = decode(Record, {name: value[name] for name in value if name not in _OWN})
    except MALFORMED:
        log.exception("the head row of %s in the ledger cannot be understood", subject)
        return replace(Record(subject), unreadable=(HEAD,), **guard)
    return replace(record, subject=subject, **guard)


def _with_operations(record: Record, hide: Callable[[str], str]) -> Record:
    """The record with the URLs of its operations hidden."""
    requests = {
        key: replace(request, intent=replace(request.intent, operation=hide(request.intent.operation)))
        if request.intent and request.intent.operation
        else request
        for key, request in record.requests.items()
    }
    snapshots = tuple(replace(one, operation=hide(one.operation)) if one.operation else one for one in record.snapshots)
    return replace(record, requests=requests, snapshots=snapshots)


def _lean(request: RequestRecord) -> RequestRecord:
    """Without the recorded decision where the intent holds the same one."""
    same = request.intent is not None and request.intent.decision == request.decision
    return replace(request, decision=None) if same else request


def _whole(request: RequestRecord) -> RequestRecord:
    """What `_lean` was given. It had a decision if it has the time at which one was recorded: the intent's."""
    if request.decision is None and request.recorded_at is not None and request.intent is not None:
        return replace(request, decision=request.intent.decision)
    return request


def _row(subject: str, key: str, value: Any) -> Row:
    return {"PartitionKey": partition(fold(subject)), "RowKey": key, **pack("value", value)}


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
