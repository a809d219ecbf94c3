"""Why a request is decided as it is: the verdict, every rule with its first failed check, the evidence. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from shared.commands.terminal import plain, table
from shared.evidence.kinds import kind_of
from shared.evidence.match import Proof, guessable, prove
from shared.model.connection import Connection
from shared.model.decision import Reason
from shared.model.firewall import FirewallWish
from shared.model.requester import ManagedEndpoint, ServiceRequester
from shared.model.situation import Situation
from shared.policy.decide import decide
from shared.policy.rules import Policy, Rule
from shared.policy.verdict import MAX_REASONS, Verdict


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict on a connection and what led to it: why each rule did not apply (None: it does), and the evidence."""

    verdict: Verdict
    rules: tuple[tuple[Rule, Reason | None], ...]
    evidence: tuple[tuple[str, tuple[str, ...]], ...]

    def as_json(self) -> dict[str, Any]:
        """The explanation with the names of a Decision (INTERFACE section 6)."""
        return {
            **verdict_json(self.verdict),
            "rules": [
                {"rule": rule.name, "line": rule.line, "effect": rule.effect, "mode": rule.mode, "owner": rule.owner,
                 "applies": reason is None, "reason": reason_json(reason) if reason else None}
                for rule, reason in self.rules
            ],
            "evidence": [{"requester": name, "lines": list(lines)} for name, lines in self.evidence],
        }  # fmt: skip

    def as_text(self) -> str:
        """The explanation for people."""
        lines = [f"outcome    {self.verdict.outcome}", f"rule       {self.verdict.rule or 'none'}"]
        lines += [f"{key:<10} {plain(value)}" for key, value in self._known()]
        lines += ["", table(("RULE", "EFFECT", "FIRST CHECK THAT FAILED"), [_rule_row(*rule) for rule in self.rules])]
        for name, evidence in self.evidence:
            lines += ["", f"evidence of {name}:", *(f"  {plain(line)}" for line in evidence)]
        return "\n".join(lines)

    def _known(self) -> Iterator[tuple[str, object]]:
        verdict = self.verdict
        yield "requester", verdict.requester.name if verdict.requester else "any" if verdict.rule else "none matched"
        yield "tenant", verdict.tenant_id or "unknown"
        yield "asks for", verdict.sub_resource or "an unknown sub-resource"
        if verdict.firewall:
            yield "firewall", firewall_text(verdict.firewall)
        yield "mode", verdict.mode
        for warning in verdict.warnings:
            yield "warning", warning


def explain(situation: Situation, connection: Connection, policy: Policy, today: date) -> Explanation:
    """Explain the decision on one of the situation's connections."""
    verdict = _verdict(situation, connection, policy, today)
    rules = tuple(rule_by_rule(situation, connection, policy, today))
    return Explanation(verdict, rules, tuple(_evidence(situation, connection, policy)))


def rule_by_rule(
    situation: Situation, connection: Connection, policy: Policy, today: date
) -> Iterator[tuple[Rule, Reason | None]]:
    """Every rule and why it does not apply to a Pending connection; None: it applies.

    A verdict holds the reasons of `MAX_REASONS` rules, so that many are decided on at a time.
    """
    for start in range(0, len(policy.rules), MAX_REASONS):
        rules = policy.rules[start : start + MAX_REASONS]
        verdict = _verdict(situation, connection, replace(policy, rules=rules), today)
        reasons = {reason.rule: reason for reason in verdict.reasons}
        yield from ((rule, reasons.get(rule.name)) for rule in rules)


def _verdict(situation: Situation, connection: Connection, policy: Policy, today: date) -> Verdict:
    return next(v for v in decide(situation, policy, today) if v.connection.key == connection.key)


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict with the names of a Decision (INTERFACE section 6)."""
    connection, requester = verdict.connection, verdict.requester
    endpoint = connection.private_endpoint
    return {
        "outcome": verdict.outcome,
        "rule": verdict.rule,
        "mode": verdict.mode,
        "privateEndpointId": connection.private_endpoint_id,
        "requester": {
            "name": requester.name if requester else None,
            "service": requester.service if requester else None,
            "subscriptionId": endpoint.subscription_id if endpoint else None,
            "tenantId": verdict.tenant_id,
        },
        "subResource": verdict.sub_resource,
        "requestMessage": connection.description,
        "firewall": _firewall_json(verdict.firewall) if verdict.firewall else None,
        "reasons": [reason_json(reason) for reason in verdict.reasons],
        "reasonsOmitted": verdict.reasons_omitted,
        "warnings": list(verdict.warnings),
    }


def _firewall_json(firewall: FirewallWish) -> dict[str, str | int | None]:
    return {
        "publicNetworkAccess": firewall.public_network_access,
        "trustedServices": firewall.trusted_services,
        "settleSeconds": firewall.settle_seconds,
    }


def firewall_text(firewall: FirewallWish) -> str:
    """What rules ask of the firewall, in the policy's words."""
    return ", ".join(f"{key} {value}" for key, value in _firewall_json(firewall).items() if value is not None)


def reason_json(reason: Reason) -> dict[str, Any]:
    """A reason as a Decision shows it."""
    return {"rule": reason.rule, "check": reason.check, "expected": reason.expected, "found": reason.found}


def reason_text(reason: Reason) -> str:
    """A reason in words."""
    return str(reason.failed)


def _rule_row(rule: Rule, reason: Reason | None) -> tuple[str, str, str]:
    mode = "" if rule.mode == "enforce" else f" ({rule.mode})"
    return rule.name, f"{rule.effect}{mode}", reason_text(reason) if reason else "none: it applies"


def _evidence(situation: Situation, connection: Connection, policy: Policy) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What the requester's side shows, for every service requester that a rule names."""
    named = {name for rule in policy.rules for name in rule.requesters or ()}
    for requester in policy.requesters.values():
        if requester.name in named and isinstance(requester, ServiceRequester):
            yield requester.name, tuple(_evidence_lines(requester, situation, connection, policy.names))


def _evidence_lines(
    requester: ServiceRequester, situation: Situation, connection: Connection, names: Collection[str]
) -> Iterator[str]:
    side = situation.sides.get(requester.name)
    tenant = situation.tenant_of(connection)
    known = "one of" if tenant in requester.endpoint_tenants else "none of"
    yield f"tenant {tenant or 'unknown'}: {known} the tenants in which {requester.service} keeps its private endpoints"
    if side is None:
        yield f"{requester.resource}: not read"
    elif side.problem:
        yield f"{requester.resource}: {side.problem.check}: {side.problem.found}"
    else:
        yield f"{requester.resource}: {len(side.endpoints)} managed private endpoints"
        for endpoint in side.endpoints:
            yield f"{endpoint.name}: {', '.join(_endpoint_words(requester, endpoint, situation, connection, names))}"
    proof = prove(requester, situation, names).get(connection.key)
    yield "nothing to prove: the connection is not Pending" if proof is None else _proof_words(proof)


def _endpoint_words(
    requester: ServiceRequester,
    endpoint: ManagedEndpoint,
    situation: Situation,
    connection: Connection,
    names: Collection[str],
) -> Iterator[str]:
    yield "points at this target" if endpoint.points_at(situation.target.id) else "points elsewhere"
    yield f"asks for {endpoint.sub_resource or 'an unknown sub-resource'}"
    yield f"provisioning {endpoint.provisioning_state or 'unknown'}"
    if endpoint.connection_status is not None:
        yield f"connection {endpoint.connection_status or 'without a state yet'}"
    if any(binding.endpoint_id == endpoint.id for binding in situation.bindings.get(requester.name, ())):
        yield "an approval was spent on it"
    if kind_of(requester).tie.by_message:
        same = endpoint.request_message == connection.description
        yield "the same message" if same else "another message"
        yield "not random" if guessable(endpoint.request_message, requester, situation, names) else "random"


def _proof_words(proof: Proof) -> str:
    if proof.failed is None:
        return f"proven by {proof.endpoint.name if proof.endpoint else 'its side'}"
    return f"not proven: {proof.failed}"
