"""A decision: what the rules said about one connection and what came of it. Pure values and their JSON.

The one record of a decision: the ledger's row, the alert's data, the HTTP answer and the commands all show
`Decision.to_json`, and `Decision.from_json` reads it back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.model.check import Check, FailedCheck
from shared.resource_id import ResourceId, fold, parse


class Outcome(StrEnum):
    """What becomes of a connection. `failed` is the review's to say, never the policy's."""

    APPROVED = "approved"
    HELD = "held"
    DENIED = "denied"
    REJECTED = "rejected"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one rule (None: all of them) did not apply: the first of its checks that failed."""

    rule: str | None
    failed: FailedCheck

    @property
    def check(self) -> Check:
        """The check that failed."""
        return self.failed.check

    @property
    def expected(self) -> str | None:
        """What the rule wanted."""
        return self.failed.expected

    @property
    def found(self) -> str | None:
        """What there was; None: unknown."""
        return self.failed.found


class FirewallResult(StrEnum):
    """What became of a target's firewall. `restored`: a person had the app put it back."""

    TIGHTENED = "tightened"
    UNCHANGED = "unchanged"
    DEFERRED = "deferred"
    FAILED = "failed"
    NOT_ASKED = "notAsked"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class FirewallOutcome:
    """What became of the firewall.

    `before` and `after` are as `Firewall.shown` says; `problem` is why it could not be done, and `preflight` says in
    sentences what tightening means, or meant.
    """

    outcome: FirewallResult
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    problem: str | None = None
    preflight: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """`outcome`, `before`, `after`; `preflight` and `problem` only where there are any."""
        shown: dict[str, Any] = {"outcome": self.outcome.value, "before": self.before, "after": self.after}
        shown |= {"preflight": list(self.preflight)} if self.preflight else {}
        return shown | ({"problem": self.problem} if self.problem else {})

    @classmethod
    def from_json(cls, shown: Mapping[str, Any]) -> FirewallOutcome:
        """What `to_json` gave. Raises ValueError, KeyError or TypeError for anything else."""
        return cls(
            FirewallResult(shown["outcome"]),
            shown["before"],
            shown["after"],
            shown.get("problem"),
            tuple(shown.get("preflight", ())),
        )


@dataclass(frozen=True, slots=True)
class WhoAsked:
    """The requester as far as it is known: its name and service in the policy, where its private endpoint lives."""

    name: str | None = None
    service: str | None = None
    subscription_id: str | None = None
    tenant_id: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who asks the app for something. An app that asks has no name."""

    name: str | None
    object_id: str

    def to_json(self) -> dict[str, Any]:
        """`name` and `objectId`."""
        return {"name": self.name, "objectId": self.object_id}

    @classmethod
    def from_json(cls, shown: Mapping[str, Any]) -> Person:
        """What `to_json` gave. Raises KeyError or TypeError for anything else."""
        return cls(shown["name"], shown["objectId"])


@dataclass(frozen=True, slots=True)
class Decision:
    """One connection, decided. Unknown values are None.

    Args:
        decision_id: its id, the same as long as outcome, rule and reasons stay the same.
        target: the resource that is connected to.
        outcome: what becomes of the connection.
        decided_at: when it was first decided so, UTC in whole milliseconds.
        policy: hash of the policy that it rests on.
        connection_id: the connection; None where the decision is about the target itself (a firewall put back).
        private_endpoint_id: the private endpoint as the target shows it.
        requester: who asked.
        sub_resource: as the target shows it, or as the requester's side tells.
        request_message: what it asked with; None where the connection was decided already.
        previous_status: the connection's status before.
        rule: the rule that applied, or whose evidence is missing; None where none matched.
        reasons: why other rules did not apply, nearest first; `reasons_omitted` counts those that are not shown.
        run_id: the re-evaluation that asked for it.
        applied: True when read back from ARM, None while ARM's operation runs, else False.
        firewall: what became of the target's firewall.
        warnings: sentences for an operator about an approval.
        problem: what ARM said where the outcome is `failed`.
        restores: the decisions whose tightening was undone (of a firewall put back).
        asked_by: who asked for it (a re-evaluation, a firewall put back), None where nobody did or nobody is known.
    """

    decision_id: str
    target: ResourceId
    outcome: Outcome
    decided_at: datetime
    policy: str
    connection_id: str | None = None
    private_endpoint_id: str | None = None
    requester: WhoAsked = WhoAsked()
    sub_resource: str | None = None
    request_message: str | None = None
    previous_status: str | None = None
    rule: str | None = None
    reasons: tuple[Reason, ...] = ()
    reasons_omitted: int = 0
    run_id: str | None = None
    applied: bool | None = False
    firewall: FirewallOutcome | None = None
    warnings: tuple[str, ...] = ()
    problem: str | None = None
    restores: tuple[str, ...] = ()
    asked_by: Person | None = None

    @property
    def key(self) -> str:
        """What identifies the request: the connection and its private endpoint (a re-created one is another)."""
        return request_key(self.connection_id or "", self.private_endpoint_id)

    @property
    def digest(self) -> str:
        """Changes when outcome, rule, reasons or policy change: then it is another decision."""
        shown = self.to_json()
        text = json.dumps([shown[name] for name in ("outcome", "rule", "reasons", "reasonsOmitted", "policy")])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """The Decision as everybody sees it; `warnings`, `problem`, `restores` and `askedBy` only where there are any."""
        who = self.requester
        shown: dict[str, Any] = {
            "decisionId": self.decision_id,
            "runId": self.run_id,
            "connectionId": self.connection_id,
            "targetId": str(self.target),
            "targetType": self.target.type,
            "privateEndpointId": self.private_endpoint_id,
            "requester": {
                "name": who.name,
                "service": who.service,
                "subscriptionId": who.subscription_id,
                "tenantId": who.tenant_id,
            },
            "subResource": self.sub_resource,
            "requestMessage": self.request_message,
            "previousStatus": self.previous_status,
            "outcome": self.outcome.value,
            "applied": self.applied,
            "rule": self.rule,
            "reasons": [_reason(reason) for reason in self.reasons],
            "reasonsOmitted": self.reasons_omitted,
            "firewall": self.firewall.to_json() if self.firewall else None,
            "decidedAt": self.decided_at.isoformat().replace("+00:00", "Z"),
            "policy": self.policy,
        }
        shown |= {"warnings": list(self.warnings)} if self.warnings else {}
        shown |= {"problem": self.problem} if self.problem else {}
        shown |= {"restores": list(self.restores)} if self.restores else {}
        return shown | asked_by_json(self.asked_by)

    @classmethod
    def from_json(cls, shown: Mapping[str, Any]) -> Decision:
        """What `to_json` gave. Raises ValueError, KeyError or TypeError for anything else."""
        who = shown["requester"]
        return cls(
            decision_id=shown["decisionId"],
            target=parse(shown["targetId"]),
            outcome=Outcome(shown["outcome"]),
            decided_at=datetime.fromisoformat(shown["decidedAt"]),
            policy=shown["policy"],
            connection_id=shown["connectionId"],
            private_endpoint_id=shown["privateEndpointId"],
            requester=WhoAsked(who["name"], who["service"], who["subscriptionId"], who["tenantId"]),
            sub_resource=shown["subResource"],
            request_message=shown["requestMessage"],
            previous_status=shown["previousStatus"],
            rule=shown["rule"],
            reasons=tuple(
                Reason(r["rule"], FailedCheck(Check(r["check"]), r["expected"], r["found"])) for r in shown["reasons"]
            ),
            reasons_omitted=shown["reasonsOmitted"],
            run_id=shown["runId"],
            applied=shown["applied"],
            firewall=FirewallOutcome.from_json(shown["firewall"]) if shown["firewall"] else None,
            warnings=tuple(shown.get("warnings", ())),
            problem=shown.get("problem"),
            restores=tuple(shown.get("restores", ())),
            asked_by=asked_by_of(shown),
        )


def asked_by_json(person: Person | None) -> dict[str, Any]:
    """`askedBy` as decisions and runs show it; nothing where nobody is known."""
    return {"askedBy": person.to_json()} if person else {}


def asked_by_of(shown: Mapping[str, Any]) -> Person | None:
    """Who asked, of what `asked_by_json` is a part of. Raises KeyError or TypeError where it is malformed."""
    return Person.from_json(shown["askedBy"]) if shown.get("askedBy") else None


def request_key(connection_id: str, private_endpoint_id: str | None) -> str:
    """A short key of a request, fit for a table row: 32 hexadecimal digits of SHA-256."""
    text = fold(f"{connection_id}\n{private_endpoint_id or ''}")
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _reason(reason: Reason) -> dict[str, Any]:
    return {"rule": reason.rule, "check": reason.check.value, "expected": reason.expected, "found": reason.found}


def _read_reason(shown: Mapping[str, Any]) -> Reason:
    """What `_reason` gave; how certain the failure was is known only while it is decided."""
    return Reason(shown["rule"], FailedCheck(Check(shown["check"]), shown["expected"], shown["found"]))
