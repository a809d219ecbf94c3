"""Table `alerts`: which conditions hold, and the outbox of alerts that the topic has not taken yet.

Partitions and rows:

- a target (`tables.partition`), `policy` or another subject; row = SHA-256 of the condition's key: `type`, `subject`,
  `episode`, `active`, `sent` ("single", or "digest": another alert stands for it), `firstSeenAt`, `clearedAt`. What was
  never sent singly is forgotten when it clears, so that a flood leaves nothing behind.
  Row `~digest`: the digest of a target, with `fullAt`, when the flood was last seen.
- `outbox`; row = alert id: `event` (CloudEvents JSON). Gone once delivered.
- `delivered`; row = alert id: `event`, `deliveredAt`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from shared.alerts.conditions import FLOODING, AlertType, Condition, digest
from shared.ledger.tables import Row, Table, moment, pack, partition, stamp, unpack

OPEN_MOST = 10
FLOOD_HOLDS = timedelta(minutes=10)
"""An alert counts as open, and a digest stays open, so long after the last request of a flood: who keeps deleting and
re-creating requests causes no new alerts."""

_DIGEST = "~digest"
_OUTBOX = "outbox"


class AlertBook:
    """The table `alerts`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def settle(
        self, subject: str, conditions: Iterable[Condition], now: datetime, *, complete: bool = True
    ) -> list[str]:
        """Bring the book up to what holds now, and put what is new into the outbox.

        Args:
            subject: the target's id, or `policy`: conditions are remembered apart for each.
            conditions: what is wrong now.
            now: the time of the alerts.
            complete: the conditions are all there are; what is in the book beyond them has cleared.

        Returns:
            The ids of the alerts that went into the outbox.
        """
        key = partition(subject.lower())
        found = self._table.query(
            "PartitionKey eq @subject and (RowKey eq @digest or clearedAt gt @since or active eq true)",
            subject=key, since=stamp(now - FLOOD_HOLDS), digest=_DIGEST,
        )  # fmt: skip
        rows = {row["RowKey"]: row for row in found}
        return _Settling(self._table, key, subject, rows, now).run(list(conditions), complete=complete)

    def waiting(self, ids: Iterable[str] | None = None) -> list[dict[str, Any]]:
        """The events in the outbox: those of the ids, or all."""
        if ids is None:
            rows = self._table.query("PartitionKey eq @outbox", outbox=_OUTBOX)
        else:
            rows = [row for i in ids if (row := self._table.get(_OUTBOX, i)) is not None]
        return [unpack(row, "event") for row in rows]

    def delivered(self, event: dict[str, Any], now: datetime) -> None:
        """Move an event out of the outbox."""
        row: Row = {"PartitionKey": "delivered", "RowKey": event["id"], "deliveredAt": stamp(now)}
        self._table.put(row | pack("event", event))
        self._table.delete(_OUTBOX, event["id"])


class _Settling:
    """One comparison of the book with what holds now. `rows`: those that are active, or were lately."""

    def __init__(self, table: Table, key: str, subject: str, rows: dict[str, Row], now: datetime) -> None:
        self.table = table
        self.key = key
        self.subject = subject
        self.digest = rows.pop(_DIGEST, {})
        self.rows = rows
        self.now = now
        self.sent: list[str] = []
        self.writes: list[tuple[str, Row]] = []

    def run(self, conditions: list[Condition], *, complete: bool) -> list[str]:
        holding = {_row_key(c): c for c in conditions}
        if complete:
            for row in [row for k, row in self.rows.items() if row["active"] and k not in holding]:
                self._clear(row)
        flooding = {k: c for k, c in holding.items() if c.type in FLOODING}
        for row_key, condition in holding.items():
            if row_key not in flooding:
                self._see(row_key, condition, single=True)
        if complete:
            self._see_flood(flooding)
        self.table.write_all(self.writes)
        return self.sent

    def _see_flood(self, flooding: dict[str, Condition]) -> None:
        """At most `OPEN_MOST` singly; while a digest is open, it stands for every new one."""
        alone = {k for k, row in self.rows.items() if row["type"] in FLOODING and row["sent"] == "single"}
        new = [k for k in flooding if not self._open(k)]
        full = len(alone | flooding.keys()) >= OPEN_MOST
        last = moment(self.digest.get("fullAt"))
        digest_open = bool(self.digest.get("active")) and (full or (last is not None and self.now - last < FLOOD_HOLDS))
        absorbed = []
        for row_key, condition in flooding.items():
            if (self._open(row_key) and row_key in alone) or not (digest_open or len(alone) >= OPEN_MOST):
                alone.add(row_key)
                self._see(row_key, condition, single=True)
            else:
                absorbed.append(row_key)
                self._see(row_key, condition, single=False)
        goes_on = full or any(k in new for k in absorbed)
        self._see_digest([flooding[k].type for k in absorbed], self.now if goes_on else last, still=digest_open)

    def _see_digest(self, absorbed: list[AlertType], full_at: datetime | None, *, still: bool) -> None:
        if not absorbed and not self.digest:
            return
        row = self.digest or {"PartitionKey": self.key, "RowKey": _DIGEST, "episode": 0, "active": False, "type": ""}
        row = row | {"fullAt": stamp(full_at) if full_at else "", "active": bool(absorbed) or still}
        if absorbed:
            condition = digest(self.subject, absorbed)
            worse = row["type"] == AlertType.REQUESTER_UNKNOWN and condition.type == AlertType.EVIDENCE_MISSING
            if not self.digest.get("active") or worse:
                row = row | {"episode": row["episode"] + 1, "type": condition.type.value}
                self._send(condition, row["episode"], self.now)
        if row != self.digest:
            self.writes.append(("upsert", row))

    def _open(self, row_key: str) -> bool:
        return bool(self.rows.get(row_key, {}).get("active"))

    def _see(self, row_key: str, condition: Condition, *, single: bool) -> None:
        """Note a condition; it is sent when it is new, or when nothing stands for it any more."""
        row = self.rows.get(row_key)
        fresh = row is None or not row["active"]
        if not fresh and (not single or (row is not None and row["sent"] == "single")):
            return
        first_seen = self.now if fresh or row is None else moment(row["firstSeenAt"]) or self.now
        changed: Row = {
            "PartitionKey": self.key, "RowKey": row_key, "type": condition.type.value, "subject": condition.subject,
            "active": True, "sent": "single" if single else "digest", "firstSeenAt": stamp(first_seen), "clearedAt": "",
        }  # fmt: skip
        if single:
            known = row or self.table.get(self.key, row_key) or {}
            changed["episode"] = known.get("episode", 0) + 1
            self._send(condition, changed["episode"], first_seen)
        self.writes.append(("merge", changed))

    def _clear(self, row: Row) -> None:
        """Note that a condition holds no longer. Its episode is kept, if it ever had one."""
        key: Row = {"PartitionKey": self.key, "RowKey": row["RowKey"]}
        if row.get("episode"):
            self.writes.append(("merge", key | {"active": False, "clearedAt": stamp(self.now)}))
            self.rows[row["RowKey"]] = row | {"active": False}
        else:
            self.writes.append(("delete", key))
            del self.rows[row["RowKey"]]

    def _send(self, condition: Condition, episode: int, first_seen: datetime) -> None:
        """Into the outbox first: a crash before the condition's row is written repeats the same alert id."""
        event = condition.event(episode, first_seen, self.now)
        self.table.insert({"PartitionKey": _OUTBOX, "RowKey": event["id"]} | pack("event", event))
        self.sent.append(event["id"])


def _row_key(condition: Condition) -> str:
    return hashlib.sha256(condition.key.encode()).hexdigest()
