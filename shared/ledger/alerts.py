"""Table `alerts`: which conditions hold, and the outbox of alerts that the topic has not taken yet.

Partitions and rows:

- a target (`tables.partition`), `policy` or another subject; row = SHA-256 of the condition's key: `type`, `subject`,
  `episode`, `active`, `sent` ("single", or "digest": another alert stands for it), `firstSeenAt`.
  Row `~digest`: the digest of a target, with `fullAt`, when ten were last open.
- `outbox`; row = alert id: `event` (CloudEvents JSON). Gone once delivered.
- `delivered`; row = alert id: `event`, `deliveredAt`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from shared.alerts import FLOODING, AlertType, Condition, digest
from shared.ledger.tables import Row, Table, moment, pack, partition, stamp, unpack

OPEN_MOST = 10
DIGEST_HOLDS = timedelta(minutes=10)
"""A digest stays open so long after the flood: who keeps deleting and re-creating requests causes no new alerts."""

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
        rows = {row["RowKey"]: row for row in self._table.query("PartitionKey eq @subject", subject=key)}
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
    """One comparison of the book with what holds now."""

    def __init__(self, table: Table, key: str, subject: str, rows: dict[str, Row], now: datetime) -> None:
        self.table = table
        self.key = key
        self.subject = subject
        self.digest = rows.pop(_DIGEST, {})
        self.rows = rows
        self.now = now
        self.sent: list[str] = []

    def run(self, conditions: list[Condition], *, complete: bool) -> list[str]:
        holding = {_row_key(c): c for c in conditions}
        if complete:
            for row_key, row in self.rows.items():
                if row["active"] and row_key not in holding:
                    self._write(row | {"active": False})
        flooding = {k: c for k, c in holding.items() if c.type in FLOODING}
        for row_key, condition in holding.items():
            if row_key not in flooding:
                self._see(row_key, condition, single=True)
        if complete:
            self._see_flood(flooding)
        return self.sent

    def _see_flood(self, flooding: dict[str, Condition]) -> None:
        """At most `OPEN_MOST` singly; while a digest is open, it stands for every new one."""
        full = len(flooding) >= OPEN_MOST
        full_at = self.now if full else moment(self.digest.get("fullAt"))
        digest_open = bool(self.digest.get("active")) and full_at is not None and self.now - full_at < DIGEST_HOLDS
        single = sum(1 for k in flooding if self._open(k) and self.rows[k]["sent"] == "single")
        absorbed: list[AlertType] = []
        for row_key, condition in flooding.items():
            alone = self._open(row_key) and self.rows[row_key]["sent"] == "single"
            if not alone and (digest_open or single >= OPEN_MOST):
                absorbed.append(condition.type)
                self._see(row_key, condition, single=False)
            else:
                single += 0 if alone else 1
                self._see(row_key, condition, single=True)
        self._see_digest(absorbed, full_at, still=digest_open)

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
            self.table.put(row)

    def _open(self, row_key: str) -> bool:
        return bool(self.rows.get(row_key, {}).get("active"))

    def _see(self, row_key: str, condition: Condition, *, single: bool) -> None:
        """Note a condition; it is sent when it is new, or when nothing stands for it any more."""
        row = self.rows.get(row_key)
        fresh = row is None or not row["active"]
        episode = (row["episode"] if row else 0) + (1 if fresh else 0)
        first_seen = self.now if fresh or row is None else moment(row["firstSeenAt"]) or self.now
        if single and (fresh or (row is not None and row["sent"] != "single")):
            self._send(condition, episode, first_seen)
        self._write({
            "PartitionKey": self.key, "RowKey": row_key, "type": condition.type.value, "subject": condition.subject,
            "episode": episode, "active": True, "sent": "single" if single else "digest",
            "firstSeenAt": stamp(first_seen),
        })  # fmt: skip

    def _send(self, condition: Condition, episode: int, first_seen: datetime) -> None:
        """Into the outbox first: a crash before the condition's row is written repeats the same alert id."""
        event = condition.event(episode, first_seen, self.now)
        self.table.insert({"PartitionKey": _OUTBOX, "RowKey": event["id"]} | pack("event", event))
        self.sent.append(event["id"])

    def _write(self, row: Row) -> None:
        if row != self.rows.get(row["RowKey"]):
            self.table.put(row)


def _row_key(condition: Condition) -> str:
    return hashlib.sha256(condition.key.encode()).hexdigest()
