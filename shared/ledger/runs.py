"""Table `runs`: what a wide re-evaluation queued, and what came of it; kept for 7 days.

Partition: the run id. Rows: `run` (`createdAt`, `head`), `target|<key>` (`state`: queued, done or failed; `targetId`,
`sentAt`) and `decision|<target key>|<request key>` (`decision`: its JSON); all with `createdAt`. The targets are written
before their messages are sent, so that whoever dies in between leaves a run that the sweep can finish: partition `~open` has
a row for each run that may still owe messages.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.ledger.tables import Row, Table, moment, pack, timestamp, unpack
from shared.model.decision import Decision, Person, asked_by_of
from shared.resource_id import ResourceId, parse

OPEN = "~open"

log = logging.getLogger(__name__)

OWED_AFTER = timedelta(minutes=15)
"""A target of a run that nobody has come to after so long is sent again: whoever queued the run may have died."""


@dataclass(frozen=True, slots=True)
class Owed:
    """A target whose message must be sent again for a run."""

    run_id: str
    target: ResourceId
    dry_run: bool


class Runs:
    """The table `runs`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def start(self, run_id: str, *, targets: Iterable[ResourceId], head: dict[str, Any], now: datetime) -> None:
        """Open a run with the targets that are about to be queued.

        Its status repeats `head`: dryRun, mode, policy, and askedBy where somebody is known.
        """
        at = {"PartitionKey": run_id, "createdAt": timestamp(now)}
        self._table.put({"PartitionKey": OPEN, "RowKey": run_id, "createdAt": timestamp(now)})
        queued = [at | _queued(target, now) for target in targets]
        self._table.put_all([at | {"RowKey": "run"} | pack("head", head), *queued])

    def owed(self, now: datetime) -> Iterator[Owed]:
        """The messages that open runs still owe; they count as sent now. A run without any is no longer open."""
        for row in self._table.query("PartitionKey eq @open", open=OPEN):
            run_id = str(row["RowKey"])
            rows = self._table.query("PartitionKey eq @run and (RowKey eq 'run' or state eq 'queued')", run=run_id)
            queued = [one for one in rows if one["RowKey"] != "run"]
            if not queued:
                self._table.delete(OPEN, run_id)
            head = next((unpack(one, "head") or {} for one in rows if one["RowKey"] == "run"), {})
            for one in queued:
                if now - (moment(one.get("sentAt")) or now) >= OWED_AFTER:
                    target = parse(one["targetId"])
                    etag = str(getattr(one, "metadata", {}).get("etag") or "")
                    at = {"PartitionKey": run_id, "createdAt": one["createdAt"]}
                    if self._table.replace(at | _queued(target, now), etag):
                        yield Owed(run_id, target, bool(head.get("dryRun")))

    def asked_by(self, run_id: str) -> Person | None:
        """Who asked for a run; None where nobody is known, or the run is not."""
        row = self._table.get(run_id, "run")
        try:
            return asked_by_of(unpack(row, "head") or {}) if row else None
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            log.warning("who asked for run %r cannot be read: %s", run_id[:80], type(error).__name__)
            return None

    def record(
        self, run_id: str, target: ResourceId, decisions: Iterable[Decision], *, failed: bool, now: datetime
    ) -> None:
        """Note that a target of the run is done, with its decisions, or failed."""
        key, at = _key(target), {"PartitionKey": run_id, "createdAt": timestamp(now)}
        rows: list[Row] = [
            at | {"RowKey": f"decision|{key}|{d.key}"} | pack("decision", d.to_json()) for d in decisions
        ]
        state = {"RowKey": f"target|{key}", "state": "failed" if failed else "done", "targetId": str(target)}
        self._table.put_all([*rows, at | state])

    def status(self, run_id: str) -> dict[str, Any] | None:
        """The run as `GET /api/runs/{runId}` answers it; None for an unknown run."""
        rows = self._table.query("PartitionKey eq @run", run=run_id)
        head = next((row for row in rows if row["RowKey"] == "run"), None)
        if head is None:
            return None
        states = [row["state"] for row in rows if row["RowKey"].startswith("target|")]
        results = [unpack(row, "decision") for row in rows if row["RowKey"].startswith("decision|")]
        counts = {"queued": len(states), "done": states.count("done"), "failed": states.count("failed")}
        return {"runId": run_id} | (unpack(head, "head") or {}) | counts | {"results": results}


def _queued(target: ResourceId, now: datetime) -> Row:
    key = {"RowKey": f"target|{_key(target)}", "state": "queued"}
    return key | {"targetId": str(target), "sentAt": timestamp(now)}


def _key(target: ResourceId) -> str:
    return hashlib.sha256(target.key.encode()).hexdigest()[:32]
