"""Why a request is decided as it is: the verdict, every rule with its first failed check, the evidence. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.commands.advice import Advice, advise
from shared.commands.terminal import plain, table
from shared.evidence.kinds import kind_of
from shared.evidence.match import guessable, prove
from shared.evidence.proof import Proof
from shared.model.check import FailedCheck
from shared.model.connection import Connection
from shared.model.decision import Reason
from shared.model.firewall import FirewallWish
from shared.model.requester import ManagedEndpoint, ServiceRequester
from shared.model.situation import Situation
from shared.policy.decide import standings
from shared.policy.rule_match import RuleMatch
from shared.policy.rules import Policy, Rule
from shared.policy.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict on a connection and what led to it: why each rule did not apply (None: it does), and the evidence.

    `nearest`: what would have to change for an allow rule to apply; None where one does.
    """

    verdict: Verdict
    rules: tuple[tuple[Rule, FailedCheck | None], ...]
    evidence: tuple[tuple[str, tuple[str, ...]], ...]
    nearest: Advice | None = None

    def as_json(self) -> dict[str, Any]:
        """The explanation with the names of `Decision.to_json`."""
        return {
            **verdict_json(self.verdict),
            "rules": [
                {"rule": rule.name, "line": rule.line, "effect": rule.effect, "mode": rule.mode, "owner": rule.owner,
                 "applies": failed is None, "reason": reason_json(Reason(rule.name, failed)) if failed else None}
                for rule, failed in self.rules
            ],
            "evidence": [{"requester": name, "lines": list(lines)} for name, lines in self.evidence],
            "nearest": self.nearest.as_json() if self.nearest else None,
        }  # fmt: skip

    def as_text(self) -> str:
        """The explanation for people."""
        lines = [f"outcome    {self.verdict.outcome}", f"rule       {self.verdict.rule or 'none'}"]
        lines += [f"{key:<10} {plain(value)}" for key, value in self._known()]
        lines += ["", table(("RULE", "EFFECT", "FIRST CHECK THAT FAILED"), [_rule_row(*rule) for rule in self.rules])]
        for name, evidence in self.evidence:
            lines += ["", f"evidence of {name}:", *(f"  {plain(line)}" for line in evidence)]
        if self.nearest:
            head = f"for rule {self.nearest.rule} to apply:" if self.nearest.rule else "to be approved:"
            lines += ["", head, *(f"  {plain(change)}" for change in self.nearest.changes)]
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
    verdict, matches = standings(situation, policy, today, connection)
    advice = advise(verdict, matches, policy)
    evidence = _evidence(situation, connection, policy, _who_matters(verdict, matches, advice))
    return Explanation(verdict, tuple((m.rule, m.failure) for m in matches), tuple(evidence), advice)


def _who_matters(verdict: Verdict, matches: Iterable[RuleMatch], advice: Advice | None) -> set[str]:
    """The requesters whose evidence leads somewhere: those of the rules that apply, are named, or are nearest."""
    near = {verdict.rule, advice.rule if advice else None}
    of_rules = [m for m in matches if not m.failures or m.rule.name in near]
    return {m.requester.name for m in of_rules if m.requester}


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict with the names of `Decision.to_json`."""
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


def _rule_row(rule: Rule, failed: FailedCheck | None) -> tuple[str, str, str]:
    mode = "" if rule.mode == "enforce" else f" ({rule.mode})"
    return rule.name, f"{rule.effect}{mode}", str(failed) if failed else "none: it applies"


def _evidence(
    situation: Situation, connection: Connection, policy: Policy, names: Collection[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What the requester's side shows, for the service requesters of those names."""
    for requester in policy.requesters.values():
        if requester.name in names and isinstance(requester, ServiceRequester):
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
