"""Table `evidence`: which managed endpoint an approval was spent on. Written create-if-absent, before the PUT.

Partition: the requester's resource. Row: SHA-256 of the endpoint's id. Columns: `endpointId`, `privateEndpointId` (both
folded), `targetId`, `connectionId`, `decisionId`, `boundAt`, `absentSince` (when the endpoint was seen gone), `resource`,
`subResource`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from shared.ledger.tables import Row, Table, moment, partition, stamp
from shared.model.requester import Binding, RequesterSide
from shared.resource_id import ResourceId, fold, parse


@dataclass(frozen=True, slots=True)
class BoundEndpoint:
    """A binding as the table holds it, with the resource and the target that it belongs to."""

    resource: ResourceId
    target: ResourceId
    connection_id: str
    binding: Binding
    row: Row = field(default_factory=dict, compare=False, repr=False)


class Bindings:
    """The table `evidence`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of(self, resource: ResourceId) -> list[BoundEndpoint]:
        """Every binding of a requester's resource."""
        return [_bound(row) for row in self._table.query("PartitionKey eq @resource", resource=partition(resource))]

    def all(self) -> list[BoundEndpoint]:
        """Every binding of the estate."""
        return [_bound(row) for row in self._table.query("RowKey ne ''")]

    def bind(self, bound: BoundEndpoint, decision_id: str) -> str:
        """Spend an endpoint on a private endpoint.

        Returns:
            The private endpoint (folded) that the endpoint belongs to now: the one that was asked for, or the one that
            was there first.
        """
        binding = bound.binding
        row: Row = {
            "PartitionKey": partition(bound.resource),
            "RowKey": _row_key(binding.endpoint_id),
            "resource": str(bound.resource),
            "endpointId": binding.endpoint_id,
            "privateEndpointId": binding.private_endpoint_id,
            "targetId": str(bound.target),
            "connectionId": bound.connection_id,
            "decisionId": decision_id,
            "boundAt": stamp(binding.bound_at),
            "absentSince": "",
            "subResource": binding.sub_resource,
        }
        if self._table.insert(row):
            return binding.private_endpoint_id
        there = self._table.get(row["PartitionKey"], row["RowKey"])
        return str(there["privateEndpointId"]) if there else ""

    def note_absent(self, rows: Iterable[BoundEndpoint], side: RequesterSide, now: datetime) -> None:
        """Note which bound endpoints their requester no longer shows; an answer that is none says nothing."""
        present = {endpoint.id for endpoint in side.endpoints}
        for bound in rows if side.problem is None else ():
            if bound.binding.endpoint_id not in present and bound.binding.absent_since is None:
                key = {"PartitionKey": partition(bound.resource), "RowKey": _row_key(bound.binding.endpoint_id)}
                self._table.merge(key | {"absentSince": stamp(now)})

    def free(self, bound: BoundEndpoint) -> None:
        """Forget a binding that was read, unless it changed since; `evidence.spent` says when that is right."""
        self._table.delete_unchanged(bound.row)


def _row_key(endpoint_id: str) -> str:
    return hashlib.sha256(fold(endpoint_id).encode()).hexdigest()


def _bound(row: Row) -> BoundEndpoint:
    bound_at = moment(row["boundAt"])
    if bound_at is None:
        raise ValueError(f"binding {row['RowKey']}: no boundAt")
    absent, sub_resource = moment(row.get("absentSince")), row.get("subResource", "")
    connection_id = fold(row["connectionId"])
    binding = Binding(row["endpointId"], row["privateEndpointId"], bound_at, absent, sub_resource, connection_id)
    return BoundEndpoint(parse(row["resource"]), parse(row["targetId"]), row["connectionId"], binding, row)
