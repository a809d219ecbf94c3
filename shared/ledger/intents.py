"""Table `intents`: what is about to be done, written before the first write to ARM; open rows only.

Partition: the target. Row: the request key (`decision.request_key`). Columns: `targetId`, `connectionId`,
`privateEndpointId`, `status` (wanted), `rule`, `decisionId`, `decisionRow`, `decision` (JSON as it will be shown),
`firewall` (JSON of the wish, or null), `phase` ("deciding" until the connection is read back, then "tightening";
"restoring" of the one in row `~restore`, which stands for a person's wish to put the firewall back),
`createdAt`, `dueAt` (when the firewall may be tightened), `problem` (why the last try to tighten it failed, or ""),
`requester` (its name in the policy), `endpointId` and `subResource` (of a managed endpoint, or ""), `operation` (URL of
ARM's operation that decides the connection, or ""; it may be signed and is never logged).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from shared.ledger.tables import Row, Table, moment, pack, partition, stamp, unpack
from shared.model.firewall import FirewallWish
from shared.resource_id import ResourceId, fold, parse

DECIDING = "deciding"
TIGHTENING = "tightening"
RESTORING = "restoring"


@dataclass(frozen=True, slots=True)
class Intent:
    """One open intent. `shown` is the decision's JSON, so that whoever finishes it records the same decision."""

    key: str
    target: ResourceId
    connection_id: str
    private_endpoint_id: str | None
    status: str
    rule: str
    decision_id: str
    decision_row: str
    shown: dict[str, Any]
    created_at: datetime
    firewall: FirewallWish | None = None
    phase: str = DECIDING
    due_at: datetime | None = None
    problem: str = ""
    requester: str = ""
    endpoint_id: str = ""
    sub_resource: str = ""
    operation: str = field(default="", repr=False)

    def is_about(self, connection_id: str, private_endpoint_id: str | None) -> bool:
        """Whether a listed connection is the one that was meant, and not another under its name."""
        return fold(self.connection_id) == fold(connection_id) and fold(self.private_endpoint_id or "") == fold(
            private_endpoint_id or ""
        )

    def tightening(self, due_at: datetime) -> Intent:
        """The intent once its connection is decided and only the firewall is left."""
        return replace(self, phase=TIGHTENING, due_at=due_at, operation="")


class Intents:
    """The table `intents`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of(self, target: ResourceId) -> list[Intent]:
        """The open intents of a target."""
        return [_intent(row) for row in self._table.query("PartitionKey eq @target", target=partition(target))]

    def targets(self) -> list[ResourceId]:
        """Every target with an open intent."""
        rows = self._table.query("RowKey ne ''")
        return [parse(text) for text in dict.fromkeys(row["targetId"] for row in rows)]

    def open(self, intent: Intent) -> bool:
        """Write an intent if none is open for the same request; False where one is."""
        return self._table.insert(_row(intent))

    def update(self, intent: Intent) -> None:
        """Replace an open intent."""
        self._table.put(_row(intent))

    def close(self, intent: Intent) -> None:
        """Delete an intent: nothing is left to do."""
        self._table.delete(partition(intent.target), intent.key)


def _row(intent: Intent) -> Row:
    wish = intent.firewall
    row: Row = {
        "PartitionKey": partition(intent.target),
        "RowKey": intent.key,
        "targetId": str(intent.target),
        "connectionId": intent.connection_id,
        "privateEndpointId": intent.private_endpoint_id or "",
        "status": intent.status,
        "rule": intent.rule,
        "decisionId": intent.decision_id,
        "decisionRow": intent.decision_row,
        "phase": intent.phase,
        "createdAt": stamp(intent.created_at),
        "dueAt": stamp(intent.due_at) if intent.due_at else "",
        "problem": intent.problem,
        "requester": intent.requester,
        "endpointId": intent.endpoint_id,
        "subResource": intent.sub_resource,
        "operation": intent.operation,
    }
    access = [wish.public_network_access, wish.trusted_services, wish.settle_seconds] if wish else None
    return row | pack("decision", intent.shown) | pack("firewall", access)


def _intent(row: Row) -> Intent:
    wish = unpack(row, "firewall")
    created = moment(row["createdAt"])
    if created is None:
        raise ValueError(f"intent {row['RowKey']}: no createdAt")
    return Intent(
        key=row["RowKey"],
        target=parse(row["targetId"]),
        connection_id=row["connectionId"],
        private_endpoint_id=row["privateEndpointId"] or None,
        status=row["status"],
        rule=row["rule"],
        decision_id=row["decisionId"],
        decision_row=row["decisionRow"],
        shown=unpack(row, "decision") or {},
        created_at=created,
        firewall=FirewallWish(*wish) if wish else None,
        phase=row["phase"],
        due_at=moment(row.get("dueAt")),
        problem=row.get("problem", ""),
        requester=row.get("requester", ""),
        endpoint_id=row.get("endpointId", ""),
        sub_resource=row.get("subResource", ""),
        operation=row.get("operation", ""),
    )
