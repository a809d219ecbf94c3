"""Which conditions are worth an alert, and what an alert says. Pure; `book` remembers them, `outbox` delivers them."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.evidence.looks_like import looks_like
from shared.model.check import Check
from shared.model.decision import Decision, Outcome
from shared.model.requester import MICROSOFT_TENANTS
from shared.resource_id import ResourceId, fold, try_parse

SOURCE = "/private-endpoint-approver"
_NAMESPACE = uuid.UUID("8f0d9b9e-6a5c-4f6e-9d0c-2f5b7f2f8f11")
_MISSING_PERMISSION = re.compile(r"perform action '([\w./]{1,200})'", re.ASCII)
_UNSAFE = str.maketrans(dict.fromkeys("<>[]{}`*|\\", " "))

LONGEST_TOLD = 2048
"""Characters of what a requester wrote: as many as an ARM id may have."""


class AlertType(StrEnum):
    """The types of alerts, without their prefix."""

    REQUESTER_UNKNOWN = "RequesterUnknown"
    EVIDENCE_MISSING = "EvidenceMissing"
    REQUEST_DENIED = "RequestDenied"
    REQUEST_REJECTED = "RequestRejected"
    APPROVAL_FAILED = "ApprovalFailed"
    FIREWALL_FAILED = "FirewallFailed"
    REVIEW_FAILED = "ReviewFailed"
    POLICY_INVALID = "PolicyInvalid"
    FIREWALL_LOOSENED = "FirewallLoosened"


FLOODING = (
    AlertType.EVIDENCE_MISSING,
    AlertType.REQUESTER_UNKNOWN,
    AlertType.REQUEST_DENIED,
    AlertType.REQUEST_REJECTED,
)
"""What a stranger can cause at will, the gravest first: after ten for one target a digest stands for the others."""

COLLISIONS = (Check.AMBIGUOUS, Check.SPENT)
"""Checks that fail only where a request fits an endpoint of ours."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is wrong now. The same condition is one alert, however often it is seen.

    `subject` is the connection's id, the target's id, or the policy's hash; `private_endpoint_id` tells a request from a
    later one under the same connection. `decision` is its JSON, None where there is none. `collides`: the request fits an
    endpoint of ours, so that no digest may absorb it.
    """

    type: AlertType
    subject: str
    title: str
    action: str
    severity: str = "medium"
    private_endpoint_id: str | None = None
    decision: dict[str, Any] | None = None
    collides: bool = False

    @property
    def key(self) -> str:
        """What makes two sightings the same condition."""
        return fold(f"{self.type}\n{self.subject}\n{self.private_endpoint_id or ''}")

    @property
    def row(self) -> str:
        """The key as a short text, fit for a table."""
        return hashlib.sha256(self.key.encode("utf-8", "surrogatepass")).hexdigest()

    def event(self, first_seen: datetime, now: datetime) -> dict[str, Any]:
        """The CloudEvents 1.0 event. Its id is the same for every repetition in one episode, which `first_seen` begins."""
        return {
            "specversion": "1.0",
            "id": str(uuid.uuid5(_NAMESPACE, f"{self.row}\n{_time(first_seen)}")),
            "source": SOURCE,
            "type": f"PrivateEndpointApprover.{self.type}",
            "subject": self.subject,
            "time": _time(now),
            "datacontenttype": "application/json",
            "data": {
                "severity": self.severity,
                "title": self.title,
                "recommendedAction": self.action,
                "decision": self.decision,
                "firstSeenAt": _time(first_seen),
            },
        }


def condition_of(decision: Decision, home_tenant: str | None) -> Condition | None:
    """The condition that a decision is, None where nothing is wrong. Waiting for evidence is not wrong yet."""
    name, rule = decision.target.name, decision.rule
    who = _who(decision, home_tenant)
    reason = next((r for r in decision.reasons if r.rule == rule), None)
    seen: dict[str, Any] = {
        "subject": decision.connection_id,
        "private_endpoint_id": decision.private_endpoint_id,
        "decision": decision.to_json(),
        "collides": reason is not None and reason.check in COLLISIONS,
    }
    match decision.outcome:
        case Outcome.HELD if rule is None:
            title = f"{name}: {who} asks for a connection and no rule matches"
            action = (
                "Leave it pending, or reject it at the target; if it is yours, add a rule and re-evaluate the target"
            )
            return _condition(AlertType.REQUESTER_UNKNOWN, title, action, "medium", **seen)
        case Outcome.HELD:
            missing = f"{reason.check}: {reason.found or 'unknown'}" if reason else "its evidence"
            title = f"{name}: {who} matches rule {rule} but not its evidence: {missing}"
            action = _granting(missing) or _remedy(reason.check if reason else None)
            return _condition(AlertType.EVIDENCE_MISSING, title, action, "high", **seen)
        case Outcome.DENIED:
            action = f"Nothing, or reject it at the target; rule {rule} keeps it pending"
            return _condition(
                AlertType.REQUEST_DENIED, f"{name}: {who} is denied by rule {rule}", action, "low", **seen
            )
        case Outcome.REJECTED if decision.problem is None:
            title, action = f"{name}: {who} is rejected by rule {rule}", "Nothing; a rejection is final in Azure"
            return _condition(AlertType.REQUEST_REJECTED, title, action, "low", **seen)
        case Outcome.FAILED | Outcome.APPROVED | Outcome.REJECTED if decision.problem is not None:
            title = f"{name}: rule {rule} decided, but Azure has not carried it out: {decision.problem}"
            action = _granting(decision.problem) or "Remove the lock or policy that refuses; the sweep tries again"
            return _condition(AlertType.APPROVAL_FAILED, title, action, "high", **seen)
    return None


def firewall_failed(target: ResourceId, problem: str, decision: dict[str, Any]) -> Condition:
    """The firewall of a target with an approved connection could not be tightened."""
    title = f"{target.name}: the connection is approved, but the firewall could not be tightened: {problem}"
    action = "Change the firewall by hand or the rule's firewall section; the app tries again every hour"
    return _condition(AlertType.FIREWALL_FAILED, title, action, "high", subject=str(target), decision=decision)


def firewall_restored(target: ResourceId, decision: dict[str, Any]) -> Condition:
    """Somebody had the app put a firewall back: it is more open than the rules asked, because a person asked for it."""
    title = f"{target.name}: its firewall was put back to what it was before the app tightened it"
    action = "Nothing if this was meant; else re-create the private endpoint, or close the firewall by hand"
    return _condition(AlertType.FIREWALL_LOOSENED, title, action, "low", subject=str(target), decision=decision)


def approval_failed(target: ResourceId, problem: str) -> Condition:
    """The target itself could not be reviewed: Azure refuses to show it."""
    title = f"{target.name} could not be reviewed: {problem}"
    action = _granting(problem) or "Give the app's identity read access to the target's private endpoint connections"
    return _condition(AlertType.APPROVAL_FAILED, title, action, "high", subject=str(target))


def review_failed(target: str, problem: str = "") -> Condition:
    """A review failed again and again: its message went to the poison queue, or its target cannot be read."""
    title = f"The review of {target.rpartition('/')[2]} failed repeatedly" + (f": {problem}" if problem else "")
    action = "Look at the app's log for the target, mend the cause, and re-evaluate the target"
    return _condition(AlertType.REVIEW_FAILED, title, action, "high", subject=target)


def not_ours(subject: str, problem: str) -> Condition:
    """Messages that this app did not write are in its queues: one alert for all of them."""
    title = f"The queue reviews gets messages that are no review messages: {problem}"
    action = "Find out who may send to the queues of the app's storage account; look at the app's log for the messages"
    return _condition(AlertType.REVIEW_FAILED, title, action, "high", subject=subject)


def record_forged(target: str, rows: Iterable[str]) -> Condition:
    """Rows of a target's record are not authentic: nothing is decided there until somebody has looked."""
    named = ", ".join(list(rows)[:5])
    title = f"{target.rpartition('/')[2]}: the ledger's rows of it are not authentic, nothing is decided: {named}"
    action = "Find out who can write the app's tables, look with python -m shared.ledger verify, then use its forget"
    return _condition(AlertType.REVIEW_FAILED, title, action, "high", subject=target)


def sweep_failed(policy: str, problem: str) -> Condition:
    """The estate could not be asked for Pending connections: only events wake the app until it can."""
    title = f"The sweep could not ask for pending connections: {problem}"
    action = "Give the app's identity the role Reader on what the policy's scope names"
    return _condition(AlertType.REVIEW_FAILED, title, action, "high", subject=policy)


def policy_changed(before: str, after: str, now: datetime) -> dict[str, Any]:
    """The notice that another policy is in force: a CloudEvents event of severity `info`, with both hashes."""
    title = f"Another policy is in force: {after[:12]} instead of {before[:12]}"
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid5(_NAMESPACE, f"PolicyChanged\n{before}\n{after}\n{_time(now)}")),
        "source": SOURCE,
        "type": "PrivateEndpointApprover.PolicyChanged",
        "subject": after,
        "time": _time(now),
        "datacontenttype": "application/json",
        "data": {
            "severity": "info",
            "title": title,
            "recommendedAction": "Nothing if this was meant; the text of each is in the ledger, by its hash",
            "decision": None,
            "firstSeenAt": _time(now),
            "before": before,
            "after": after,
        },
    }


def policy_invalid(subject: str, problem: str) -> Condition:
    """The policy cannot be used: nothing is approved until it can."""
    title = f"The policy is not usable, nothing is approved: {problem}"
    action = "Run python -m shared.policy check on it and deploy a valid one"
    return _condition(AlertType.POLICY_INVALID, title, action, "high", subject=subject)


def digest(target: str, absorbed: Iterable[AlertType]) -> Condition:
    """One alert that stands for those of a target beyond the tenth; as grave as the gravest of them."""
    alert_type = min(absorbed, key=FLOODING.index)
    title = f"{target.rpartition('/')[2]}: more than ten open requests wait; further ones are not alerted singly"
    action = "Look at the target's pending private endpoint connections; somebody may be flooding it"
    return _condition(alert_type, title, action, "high", subject=target)


def _condition(
    alert_type: AlertType,
    title: str,
    action: str,
    severity: str,
    *,
    decision: dict[str, Any] | None = None,
    **more: Any,
) -> Condition:
    told = _told(decision) if decision else None
    return Condition(
        alert_type, title=one_line(title), action=one_line(action), severity=severity, decision=told, **more
    )


def _told(decision: dict[str, Any]) -> dict[str, Any]:
    """A decision as subscribers are told it: what its requester wrote, and what quotes that, is one line of plain text."""
    told = dict(decision)
    for name in ("requestMessage", "privateEndpointId"):
        told[name] = told[name] and one_line(told[name], LONGEST_TOLD)
    told["reasons"] = [r | {"found": r["found"] and one_line(r["found"], LONGEST_TOLD)} for r in told["reasons"]]
    return told


def one_line(text: str, most: int = 300) -> str:
    """One line of plain text: no markup and no control characters, whoever chose the words."""
    printable = "".join(c if c.isprintable() else " " for c in text.translate(_UNSAFE))
    line = " ".join(printable.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _who(decision: Decision, home: str | None) -> str:
    """What is known about a requester: its subscription, its tenant, and which service the id looks like."""
    endpoint, tenant = try_parse(decision.private_endpoint_id), decision.requester.tenant_id
    if endpoint is None or decision.requester.subscription_id is None:
        return "a private endpoint whose id is missing or malformed"
    kind = "own" if tenant == home else "Microsoft's" if tenant in MICROSOFT_TENANTS else "other"
    where = f"tenant {tenant}, {kind}" if tenant else "tenant unknown"
    service = looks_like(endpoint)
    hint = f"; its id looks like {service}" if service else ""
    return f"a private endpoint in subscription {endpoint.subscription_id} ({where}{hint})"


def _granting(problem: str) -> str | None:
    """The remedy for ARM's 403 AuthorizationFailed, whose sentence names the permission; None for another problem."""
    missing = _MISSING_PERMISSION.search(problem)
    return f"Give the app's identity the permission {missing[1]}; the sweep tries again" if missing else None


def _remedy(check: Check | None) -> str:
    remedies = {
        Check.UNREADABLE: "Give the app's identity read access to the requester's managed private endpoints",
        Check.TENANT: "If this tenant is one in which the service keeps its endpoints, add it to endpointTenants",
        Check.AMBIGUOUS: "Delete the managed private endpoint and make it again with a random request message or name",
        Check.SPENT: "Make the managed private endpoint again under another name, or decide by hand at the target",
        Check.MESSAGE: "Give the managed private endpoint the request message of python -m shared.policy message",
    }
    compare = "Compare the request with the requester's managed private endpoints before deciding by hand"
    return remedies.get(check, compare) if check else compare


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
