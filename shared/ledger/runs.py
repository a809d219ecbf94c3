"""Table `runs`: what a wide re-evaluation queued, and what came of it; kept for 7 days.

Partition: the run id. Rows: `run` (`queued`, `createdAt`, `head`), `target|<key>` (`state`: done or failed) and
`decision|<target key>|<request key>` (`decision`: JSON of INTERFACE section 6); all with `createdAt`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from shared.ledger.tables import Row, Table, pack, stamp, unpack
from shared.model.decision import Decision
from shared.resource_id import ResourceId


class Runs:
    """The table `runs`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def start(self, run_id: str, *, queued: int, head: dict[str, Any], now: datetime) -> None:
        """Open a run. `head` (dryRun, mode, policy) is repeated in its status."""
        row: Row = {"PartitionKey": run_id, "RowKey": "run", "queued": queued, "createdAt": stamp(now)}
        self._table.put(row | pack("head", head))

    def record(
        self, run_id: str, target: ResourceId, decisions: Iterable[Decision], *, failed: bool, now: datetime
    ) -> None:
        """Note that a target of the run is done, with its decisions, or failed."""
        key = hashlib.sha256(target.key.encode()).hexdigest()[:32]
        at = {"PartitionKey": run_id, "createdAt": stamp(now)}
        rows: list[tuple[str, Row]] = [
            ("upsert", at | {"RowKey": f"decision|{key}|{d.key}"} | pack("decision", d.to_json())) for d in decisions
        ]
        state = at | {"RowKey": f"target|{key}", "state": "failed" if failed else "done"}
        self._table.write_all([*rows, ("upsert", state)])

    def status(self, run_id: str) -> dict[str, Any] | None:
        """The run as `GET /api/runs/{runId}` answers it; None for an unknown run."""
        rows = self._table.query("PartitionKey eq @run", run=run_id)
        head = next((row for row in rows if row["RowKey"] == "run"), None)
        if head is None:
            return None
        states = [row["state"] for row in rows if row["RowKey"].startswith("target|")]
        results = [unpack(row, "decision") for row in rows if row["RowKey"].startswith("decision|")]
        counts = {"queued": head["queued"], "done": states.count("done"), "failed": states.count("failed")}
        return {"runId": run_id} | (unpack(head, "head") or {}) | counts | {"results": results}
