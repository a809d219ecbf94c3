"""A decision as callers, the ledger and alerts see it (INTERFACE section 6). Pure values and their JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from shared.model.check import Check, FailedCheck
from shared.model.firewall import Firewall
from shared.resource_id import ResourceId, fold

if TYPE_CHECKING:
    from shared.policy.rules import Policy
    from shared.policy.verdict import Verdict


class Outcome(StrEnum):
    """What becomes of a connection (INTERFACE section 5). `failed` is the review's to say, never the policy's."""

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


@dataclass(frozen=True, slots=True)
class FirewallOutcome:
    """What became of the firewall: `outcome` is tightened, unchanged, deferred, failed or notAsked.

    `preflight` says in sentences what tightening means, or meant (`preflight.preflight`).
    """

    outcome: str
    before: Firewall | None = None
    after: Firewall | None = None
    problem: str | None = None
    preflight: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As INTERFACE shows it; `preflight` and `problem` only where there are any."""
        shown: dict[str, Any] = {
            "outcome": self.outcome,
            "before": self.before.shown() if self.before else None,
            "after": self.after.shown() if self.after else None,
        }
        shown |= {"preflight": list(self.preflight)} if self.preflight else {}
        return shown | ({"problem": self.problem} if self.problem else {})


@dataclass(frozen=True, slots=True)
class Decision:
    """One connection, decided. Unknown values are None; `applied` is True when read back, None while ARM still works.

    `made` is the JSON of a decision that an earlier review made and this one only finishes; `problem` is what ARM said
    where the outcome is `failed`, `transient` whether the next try may go better.
    """

    decision_id: str
    target: ResourceId
    verdict: Verdict
    outcome: Outcome
    policy: str
    decided_at: datetime
    run_id: str | None = None
    applied: bool | None = False
    firewall: FirewallOutcome | None = None
    problem: str | None = None
    transient: bool = False
    made: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        """What identifies the request: the connection and its private endpoint (a re-created one is another)."""
        connection = self.verdict.connection
        return request_key(connection.id, connection.private_endpoint_id)

    @property
    def digest(self) -> str:
        """Changes when outcome, rule, reasons or policy change: then the ledger gets a new row."""
        shown = self.to_json()
        text = json.dumps([shown[name] for name in ("outcome", "rule", "reasons", "reasonsOmitted", "policy")])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def with_firewall(self, firewall: FirewallOutcome | None) -> Decision:
        """The same decision with what became of the firewall."""
        return replace(self, firewall=firewall)

    def to_json(self) -> dict[str, Any]:
        """The Decision of INTERFACE section 6."""
        firewall = self.firewall.to_json() if self.firewall else None
        if self.made is not None:
            return {**self.made, "runId": self.run_id, "applied": self.applied, "firewall": firewall}
        verdict = self.verdict
        connection, requester = verdict.connection, verdict.requester
        endpoint = connection.private_endpoint
        shown: dict[str, Any] = {
            "decisionId": self.decision_id,
            "runId": self.run_id,
            "connectionId": connection.id,
            "targetId": str(self.target),
            "targetType": self.target.type,
            "privateEndpointId": connection.private_endpoint_id,
            "requester": {
                "name": requester.name if requester else None,
                "service": requester.service if requester else None,
                "subscriptionId": endpoint.subscription_id if endpoint else None,
                "tenantId": verdict.tenant_id,
            },
            "subResource": verdict.sub_resource,
            "requestMessage": connection.description if connection.pending else None,
            "previousStatus": connection.status,
            "outcome": self.outcome.value,
            "applied": self.applied,
            "rule": verdict.rule,
            "reasons": [_reason(reason) for reason in verdict.reasons],
            "reasonsOmitted": verdict.reasons_omitted,
            "firewall": firewall,
            "decidedAt": self.decided_at.isoformat().replace("+00:00", "Z"),
            "policy": self.policy,
        }
        if verdict.warnings:
            shown["warnings"] = list(verdict.warnings)
        if self.problem:
            shown["problem"] = self.problem
        return shown


def request_key(connection_id: str, private_endpoint_id: str | None) -> str:
    """A short key of a request, fit for a table row: 32 hexadecimal digits of SHA-256."""
    text = fold(f"{connection_id}\n{private_endpoint_id or ''}")
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def decided(verdict: Verdict, target: ResourceId, policy: Policy, **more: Any) -> Decision:
    """A decision from the policy's verdict."""
    return Decision(target=target, verdict=verdict, outcome=verdict.outcome, policy=policy.hash, **more)


def _reason(reason: Reason) -> dict[str, Any]:
    return {"rule": reason.rule, "check": reason.check.value, "expected": reason.expected, "found": reason.found}
