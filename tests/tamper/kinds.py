"""Every kind of row that the ledger has, how to find it, and what somebody would write into it to gain by it.

What is written is what an attacker would wish for: a stranger's subscription becomes ours, an endpoint of ours is free
again, a firewall is put back with more in it than a firewall, an operation lies on a host of theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from shared.ledger.codec import decode, encode
from shared.ledger.record import FirewallSnapshot, RequestRecord, RestoreIntent
from shared.ledger.rows import HEAD, HISTORY, history_of
from shared.ledger.tables import pack, timestamp, unpack
from shared.ledger.work import BOUND, PARKED, RETRY, UNFINISHED
from shared.model.decision import FirewallOutcome, FirewallResult, Outcome
from tests.functional.estate import Json
from tests.tamper.stage import Place, Stage

EVIL = "https://evil.example"
OPEN = {
    "publicNetworkAccess": "Enabled",
    "networkAcls": {"defaultAction": "Allow", "bypass": "AzureServices", "ipRules": [], "virtualNetworkRules": []},
    "allowSharedKeyAccess": True,
    "allowBlobPublicAccess": True,
    "minimumTlsVersion": "TLS1_0",
}
"""A firewall as somebody wishes it, with three properties that are no firewall's."""

Selects = Callable[[Stage, Place, Json], bool]
Wishes = Callable[[Stage, Any], Any]


@dataclass(frozen=True)
class Kind:
    """One kind of row. `column` holds what `wish` changes (JSON in several columns; "": the row itself).

    `restoring`: somebody waits for the firewall to be put back.
    """

    name: str
    table: str
    selects: Selects
    wish: Wishes
    column: str = "value"
    restoring: bool = False

    def __str__(self) -> str:
        return f"{self.table}: {self.name}"

    @property
    def of_record(self) -> bool:
        """Whether a record is made of such rows: nothing is decided on a target where one is not authentic."""
        return self.table == "targets" and self.name != "history"

    def place(self, stage: Stage) -> Place:
        """Where the row of this kind lies that is tampered with."""
        rows = sorted(stage.rows().items())
        return next(place for place, row in rows if place[0] == self.table and self.selects(stage, place, row))

    def wished(self, stage: Stage, row: Json) -> Json:
        """The row with the content that somebody would wish for."""
        if not self.column:
            return {**row, **self.wish(stage, dict(row))}
        content = self.wish(stage, deepcopy(unpack(row, self.column)))
        others = {name: value for name, value in row.items() if not name.startswith(self.column)}
        return others | pack(self.column, content)


def _of_target(prefix: str) -> Selects:
    def selects(stage: Stage, place: Place, row: Json) -> bool:
        del row
        return place in stage.of(stage.target, {place: {}}) and place[2].startswith(prefix)

    return selects


def _request(row: Json) -> RequestRecord | None:
    is_one = str(row["RowKey"]).startswith("request|")
    return decode(RequestRecord, unpack(row, "value")) if is_one else None


def _is_waiting(stage: Stage, place: Place, row: Json) -> bool:
    """The copy's request."""
    found = _request(row) if place in stage.of(stage.target, {place: {}}) else None
    return found is not None and found.connection_id == stage.copy_connection


def _is_begun(stage: Stage, place: Place, row: Json) -> bool:
    """The request of our cluster, whose firewall is still to come."""
    found = _request(row) if place in stage.of(stage.target, {place: {}}) else None
    return found is not None and found.intent is not None


def _in(partition: str) -> Selects:
    return lambda stage, place, row: place[1] == partition


def _begins(partition: str = "", row_key: str = "") -> Selects:
    return lambda stage, place, row: place[1].startswith(partition) and place[2].startswith(row_key)


def _open_run(row_key: str) -> Selects:
    """Rows of the run whose messages are owed."""

    def selects(stage: Stage, place: Place, row: Json) -> bool:
        runs = {p[1] for p, r in stage.rows().items() if p[0] == "runs" and r.get("state") == "queued"}
        return place[1] in runs and place[2].startswith(row_key)

    return selects


# --- wishes


def _restoring(stage: Stage, value: Json) -> Json:
    """A person's wish to put the firewall back, which nobody had."""
    snapshot = _snapshot(stage)
    history = next(row for place, row in stage.of(stage.target).items() if place[2].startswith(HISTORY))
    decision = replace(
        history_of(history).decision, connection_id=None, private_endpoint_id=None, outcome=Outcome.UNCHANGED,
        applied=None, restores=snapshot.decisions, firewall=FirewallOutcome(FirewallResult.RESTORED, {}),
    )  # fmt: skip
    seen = dict(snapshot.after or {})
    return {**value, "restore": encode(RestoreIntent(decision, stage.world.time.now(), seen))}


def _snapshot(stage: Stage) -> FirewallSnapshot:
    row = next(row for place, row in stage.of(stage.target).items() if place[2].startswith("firewall|"))
    return decode(FirewallSnapshot, unpack(row, "value"))


def _approving(stage: Stage, value: Json) -> Json:
    """The copy was first seen with another message long ago, and its approval was begun."""
    decision = {**value["decision"], "outcome": "approved", "rule": "allow-adx"}
    now = timestamp(stage.world.time.now())
    intent = {"decision": decision, "status": "Approved", "created_at": now, "rules": ["allow-adx"],
              "requester": "adx", "operation": f"{EVIL}{stage.target.id}/operations/1"}  # fmt: skip
    return {**value, "message": "another", "seen_at": timestamp(stage.world.time.now() - timedelta(days=9)),
            "intent": intent}  # fmt: skip


def _elsewhere(stage: Stage, value: Json) -> Json:
    """ARM's operation lies on a host of theirs."""
    value["intent"] |= {"phase": "deciding", "operation": f"{EVIL}{stage.target.id}/operations/1"}
    return dict(value)


def _opened(stage: Stage, value: Json) -> Json:
    """The firewall was open, and more than a firewall; its tightening seems to be going on."""
    return {**value, "before": OPEN, "after": None, "operation": f"{EVIL}{stage.target.id}/operations/2"}


def _free(stage: Stage, value: Json) -> Json:
    """The approval was spent on another endpoint, and that one is gone."""
    return {**value, "endpoint_id": value["endpoint_id"] + "x", "absent_since": value["bound_at"]}


def _put(**columns: Any) -> Wishes:
    return lambda stage, value: {**value, **columns}


def _told(stage: Stage, value: Json) -> Json:
    return {**value, "body": {**value["body"], "data": {**value["body"]["data"], "title": "all is well"}}}


def _tenant_is_ours(stage: Stage, row: Json) -> Json:
    return {"tenantId": stage.world.hub.tenant, "expiresAt": timestamp(stage.world.time.now() + timedelta(hours=23))}


def _out_of_scope(stage: Stage) -> str:
    group = f"/subscriptions/{stage.world.partner.subscription}/resourceGroups/rg"
    return f"{group}/providers/Microsoft.Storage/storageAccounts/x"


def _decided(stage: Stage, value: Json) -> Json:
    return {**value, "decision": {**value["decision"], "outcome": "approved", "applied": True}}


def _about_elsewhere(stage: Stage, row: Json) -> Json:
    return {"subject": _out_of_scope(stage)}


def _target_elsewhere(stage: Stage, row: Json) -> Json:
    return {"targetId": _out_of_scope(stage), "sentAt": "2020-01-01T00:00:00.000000Z"}


KINDS = (
    Kind("head", "targets", _of_target(HEAD), _restoring),
    Kind("restore in head", "targets", _of_target(HEAD), lambda s, v: {**v, "restore": {**v["restore"], "seen": OPEN}},
         restoring=True),
    Kind("request", "targets", _is_waiting, _approving),
    Kind("request with intent", "targets", _is_begun, _elsewhere),
    Kind("spent", "targets", _of_target("spent|"), _free),
    Kind("firewall", "targets", _of_target("firewall|"), _opened),
    Kind("alert", "targets", _of_target("alert|"), _put(single=False, cleared_at="2020-01-01T00:00:00.000000Z")),
    Kind("outbox", "targets", _of_target("outbox|"), _told),
    Kind("history", "targets", _of_target(HISTORY), _decided),
    Kind("policy's head", "targets", _in("policy"), _put(policy="0" * 64)),
    Kind("unfinished", "work", _in(UNFINISHED), _about_elsewhere, ""),
    Kind("retry", "work", _in(RETRY), _put(dueAt="2027-12-31T00:00:00.000000Z"), ""),
    Kind("bound", "work", _in(BOUND), lambda s, v: [], "endpoints"),
    Kind("parked", "work", _in(PARKED), _put(subject="nothing"), "event"),
    Kind("decision", "feed", _begins("decision|"), _put(outcome="approved", applied=True), "item"),
    Kind("alert", "feed", _begins("alert|"), _put(subject="nothing"), "item"),
    Kind("tips", "feed", _begins("tips|"), _put(root="0" * 64, targets=0), "item"),
    Kind("run", "runs", _open_run("run"), _put(dryRun=True), "head"),
    Kind("target", "runs", _open_run("target|"), _target_elsewhere, ""),
    Kind("decision", "runs", _begins(row_key="decision|"), _put(outcome="approved", applied=True), "decision"),
    Kind("~open", "runs", _in("~open"), _put(createdAt="2027-12-31T00:00:00.000000Z"), ""),
    Kind("~maintenance", "runs", _in("~maintenance"), _put(at="2027-12-31T00:00:00.000000Z"), ""),
    Kind("tenant", "tenants", lambda s, place, row: row["tenantId"] not in ("", s.world.hub.tenant), _tenant_is_ours, ""),
    Kind("policy", "policies", _in("policy"), lambda s, v: v.replace("people", "anybody"), "text"),
)  # fmt: skip
