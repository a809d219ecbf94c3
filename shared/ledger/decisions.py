"""Table `decisions`: what was decided, and what the last review of each target saw.

Partition: the target (`tables.partition`). Rows:

- `<inverted milliseconds>|<decision id>`: one decision, newest first; columns `decision` (JSON of INTERFACE section 6, in
  several columns where long), `outcome`, `rule`, `connectionId`, `privateEndpointId`, `policy`, `firstSeenAt`, `lastSeenAt`.
  A new row when outcome, rule, reasons or policy changed; else only `lastSeenAt` moves.
- `~review`: `listedAt` (the storage service's time before the last complete review listed the target) and `current` (JSON:
  request key -> its newest decision's row, digest, id, since when its evidence is awaited, when it was there for the first
  time, and the message that it asked with).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.ledger.tables import Row, Table, moment, pack, partition, stamp, unpack
from shared.model.connection import Seen
from shared.model.decision import Decision
from shared.resource_id import ResourceId

REVIEW = "~review"
_END_OF_TIME = 9_999_999_999_999


@dataclass(frozen=True, slots=True)
class Current:
    """The newest decision on one request."""

    row: str
    digest: str
    decision_id: str
    waiting_since: datetime | None = None

    @property
    def decided_at(self) -> datetime:
        """When it was decided: the row's time, in whole milliseconds."""
        milliseconds = _END_OF_TIME - int(self.row.partition("|")[0])
        return datetime.fromtimestamp(milliseconds // 1000, UTC) + timedelta(milliseconds=milliseconds % 1000)

    seen_at: datetime | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """What the last review of a target left behind."""

    listed_at: datetime | None = None
    current: Mapping[str, Current] = field(default_factory=dict)

    @property
    def seen(self) -> dict[str, Seen]:
        """What was seen of each request, by its key."""
        return {key: Seen(known.message, known.seen_at) for key, known in self.current.items()}


class Decisions:
    """The table `decisions`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, target: ResourceId) -> TargetRecord:
        """The record of a target; an empty one before its first review."""
        row = self._table.get(partition(target), REVIEW)
        if row is None:
            return TargetRecord()
        current = {
            key: Current(
                c["row"], c["digest"], c["id"], moment(c.get("waitingSince")), moment(c.get("seenAt")), c.get("message")
            )
            for key, c in (unpack(row, "current") or {}).items()
        }
        return TargetRecord(moment(row.get("listedAt")), current)

    def save(
        self,
        target: ResourceId,
        before: TargetRecord,
        decisions: Iterable[Decision],
        *,
        waiting: Mapping[str, datetime],
        listed_at: datetime | None,
        now: datetime,
    ) -> None:
        """Record a review: its decisions, and the record for the next one (written last, with them).

        Args:
            target: the target that was reviewed.
            before: the record that the review began with.
            decisions: what it decided, every listed connection once.
            waiting: request key -> since when its evidence is awaited.
            listed_at: the storage service's time before the list; None keeps the old one (the review was not complete).
            now: for `firstSeenAt` and `lastSeenAt`.
        """
        rows: list[tuple[str, Row]] = []
        current: dict[str, Any] = {}
        for decision in decisions:
            known = before.current.get(decision.key)
            if known is not None and known.digest == decision.digest:
                row_key = known.row
                changed: Row = {"PartitionKey": partition(target), "RowKey": row_key, "lastSeenAt": stamp(now)}
                rows.append(("merge", changed | _firewall(decision)))
            else:
                row = _row(target, decision, now)
                row_key = row["RowKey"]
                rows.append(("upsert", row))
            current[decision.key] = {
                "row": row_key, "digest": decision.digest, "id": decision.decision_id,
                "waitingSince": stamp(waiting[decision.key]) if decision.key in waiting else None,
                "message": decision.verdict.connection.message,
                "seenAt": stamp((known and known.seen_at) or now),
            }  # fmt: skip
        seen = listed_at or before.listed_at
        review: Row = {"PartitionKey": partition(target), "RowKey": REVIEW, "listedAt": stamp(seen) if seen else ""}
        self._table.write_all([*rows, ("upsert", review | pack("current", current))])

    def record(self, target: ResourceId, decision: Decision, now: datetime) -> None:
        """Write one decision at once, before the review that made it is complete."""
        self._table.put(_row(target, decision, now))

    def note(self, target: ResourceId, row: str, shown: dict[str, Any], now: datetime) -> None:
        """Write a row beside the decisions: a firewall that was put back (`restore`)."""
        self._table.put(_columns(target, row, shown, now))

    def forget(self, target: ResourceId) -> None:
        """Drop the record of a target that is gone; its decisions stay for their retention."""
        self._table.delete(partition(target), REVIEW)

    def amend(self, target: ResourceId, row_key: str, shown: dict[str, Any]) -> None:
        """Replace the JSON of a decision that is in the ledger already (what became of its firewall)."""
        self._table.merge({"PartitionKey": partition(target), "RowKey": row_key} | pack("decision", shown))


def row_key(decision: Decision) -> str:
    """The row of a decision: newest first."""
    return row_of(decision.decided_at, decision.decision_id)


def row_of(decided_at: datetime, decision_id: str) -> str:
    """As `row_key`, from its parts."""
    milliseconds = int(decided_at.astimezone(UTC).timestamp() * 1000)
    return f"{_END_OF_TIME - milliseconds:013d}|{decision_id}"


def _row(target: ResourceId, decision: Decision, now: datetime) -> Row:
    return _columns(target, row_key(decision), decision.to_json(), now)


def _columns(target: ResourceId, row_key: str, shown: dict[str, Any], now: datetime) -> Row:
    row: Row = {
        "PartitionKey": partition(target),
        "RowKey": row_key,
        "outcome": shown["outcome"],
        "rule": shown["rule"] or "",
        "connectionId": shown["connectionId"] or "",
        "privateEndpointId": shown["privateEndpointId"] or "",
        "policy": shown["policy"],
        "firstSeenAt": stamp(now),
        "lastSeenAt": stamp(now),
    }
    return row | pack("decision", shown)


def _firewall(decision: Decision) -> Row:
    """What may change in a decision without making it another one: whether it is applied, and its firewall."""
    acted = decision.firewall is not None or decision.applied is not False
    return pack("decision", decision.to_json()) if acted else {}
