"""The pure decision: a policy and a situation in, verdicts out. No clock, no network and no environment.

Every rule is looked at. A matching reject beats deny, which beats allow; without a match the connection is held. An
unknown value satisfies a deny rule, never an allow rule, and makes a connection held where a reject hinges on it. The
order of rules decides only which rule is named.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from itertools import islice

from shared.model.check import Check, FailedCheck
from shared.model.connection import Connection
from shared.model.decision import Outcome, Reason
from shared.model.firewall import FirewallWish
from shared.model.situation import Situation
from shared.policy.rule_match import RuleMatch, RuleMatches
from shared.policy.rules import Effect, Mode, Policy, Rule
from shared.policy.verdict import MAX_REASONS, Verdict
from shared.resource_id import ResourceId


def decide(situation: Situation, policy: Policy, today: date) -> tuple[Verdict, ...]:
    """Decide every connection of a target, in the order in which they were listed."""
    decision = _Decision(situation, policy, today)
    return tuple(decision.verdict(connection) for connection in situation.connections)


def standings(
    situation: Situation, policy: Policy, today: date, connection: Connection
) -> tuple[Verdict, tuple[RuleMatch, ...]]:
    """The verdict on one Pending connection, and how every rule stood to it when it was made."""
    decision = _Decision(situation, policy, today)
    for other in situation.connections[: situation.connections.index(connection)]:
        decision.verdict(other)
    matches = tuple(decision.rules.match(i, connection) for i in range(len(policy.rules)))
    return decision.verdict(connection), matches


def out_of_scope(policy: Policy, target: ResourceId) -> FailedCheck | None:
    """The failed check of a target that the policy's scope leaves out for certain: management groups only Azure can tell."""
    scope = policy.scope
    if scope.management_groups or scope.covers(target):
        return None
    expected = ", ".join([*sorted(scope.subscriptions), *sorted(scope.resource_groups)])
    return FailedCheck(Check.SCOPE, f"a target in {expected}", str(target))


class _Decision:
    """One pass over a target's connections; limits count as it goes on."""

    def __init__(self, situation: Situation, policy: Policy, today: date) -> None:
        self.situation = situation
        self.policy = policy
        self.rules = RuleMatches(situation, policy, today)
        self.outside = out_of_scope(policy, situation.target.id)

    def verdict(self, connection: Connection) -> Verdict:
        """The verdict on one connection. Rules in audit mode count only where the enforced ones leave it held."""
        tenant = self.situation.tenant_of(connection)
        bare = Verdict(connection, Outcome.UNCHANGED, sub_resource=self.rules.shown(connection), tenant_id=tenant)
        if not connection.pending:
            return bare
        if self.outside:
            return replace(bare, outcome=Outcome.HELD, reasons=(Reason(None, self.outside),))
        candidates = self.policy.index.candidates(connection.private_endpoint, tenant, self.rules.claiming(connection))
        matches = [self.rules.match(i, connection) for i in candidates if not self.rules.fails_at_target(i)]
        enforced = [m for m in matches if m.rule.mode is Mode.ENFORCE]
        verdict = self._judge(bare, enforced)
        if len(enforced) < len(matches):
            watched = replace(self._judge(bare, matches), mode=Mode.AUDIT)
            if verdict.outcome is Outcome.HELD and watched.outcome is not Outcome.HELD:
                verdict = watched
            elif watched.outcome is not verdict.outcome:
                verdict = replace(verdict, warnings=(f"rule {watched.rule}, in audit mode, says: {watched.outcome}",))
        if self.policy.mode is Mode.AUDIT:
            verdict = replace(verdict, mode=Mode.AUDIT)
        if verdict.outcome is Outcome.APPROVED and verdict.rule:
            self.rules.approve(connection, verdict.rule)
        return self._with_reasons(verdict, matches, candidates)

    def _judge(self, bare: Verdict, matches: list[RuleMatch]) -> Verdict:
        def of(effect: Effect) -> list[RuleMatch]:
            return [m for m in matches if m.rule.effect is effect]

        rejects, denies, allows = of(Effect.REJECT), of(Effect.DENY), of(Effect.ALLOW)
        if rejecting := [m for m in rejects if m.failure is None]:
            return _by(bare, Outcome.REJECTED, rejecting[0])
        if unsure := [m for m in rejects if m.named]:
            return _held(bare, unsure)
        if denying := [m for m in denies if m.failure is None]:
            return _by(bare, Outcome.DENIED, denying[0])
        if allowing := [m for m in allows if m.failure is None]:
            applied = [m.rule for m in allowing]
            approved = _by(bare, Outcome.APPROVED, allowing[0])
            return replace(approved, rules=tuple(r.name for r in applied), firewall=_combined(applied))
        if named := [m for m in allows if m.named]:
            return _held(bare, named)
        return replace(bare, outcome=Outcome.HELD)

    def _with_reasons(self, verdict: Verdict, matches: list[RuleMatch], candidates: list[int]) -> Verdict:
        """Add why the other rules did not apply. Those that cannot concern the connection are looked at last and least."""
        failed = sorted((m for m in matches if m.failure is not None), key=lambda m: m.nearness)
        others = self._others(candidates, verdict.connection)
        nearest = islice(heapq.merge(failed, others, key=lambda m: m.nearness), MAX_REASONS)
        reasons = tuple(Reason(m.rule.name, m.failure) for m in nearest if m.failure)
        applied = sum(1 for m in matches if m.failure is None)
        return replace(verdict, reasons=reasons, reasons_omitted=len(self.policy.rules) - applied - len(reasons))

    def _others(self, candidates: list[int], connection: Connection) -> Iterator[RuleMatch]:
        """The rules that cannot apply (their target fails for certain, or the index left them out), nearest first."""
        far = []
        for i in (i for i in candidates if self.rules.fails_at_target(i)):
            match = self.rules.match(i, connection)
            if match.requester_matched:
                yield match
            else:
                far.append(i)
        left_out = sorted(set(range(len(self.policy.rules))).difference(candidates))
        yield from (self.rules.match(i, connection) for i in left_out if self.rules.target_failure(i) is None)
        far = sorted([*far, *(i for i in left_out if self.rules.target_failure(i) is not None)])
        yield from (self.rules.match(i, connection) for i in far)


def _held(bare: Verdict, matches: list[RuleMatch]) -> Verdict:
    """Held for what the rules lack; one whose evidence may still come is named first."""
    waiting = [m for m in matches if m.failure and m.failure.waiting]
    return replace(_by(bare, Outcome.HELD, (waiting or matches)[0]), waiting=bool(waiting))


def _by(bare: Verdict, outcome: Outcome, match: RuleMatch) -> Verdict:
    proof = match.proof
    endpoint = proof.endpoint if proof else None
    known = bare.sub_resource
    if known is None and endpoint is not None and proof is not None and len(proof.sub_resources) == 1:
        known = endpoint.sub_resource
    return replace(
        bare,
        outcome=outcome,
        rule=match.rule.name,
        requester=match.requester,
        endpoint_id=endpoint.id if endpoint else None,
        sub_resource=known,
    )


def _combined(rules: Iterable[Rule]) -> FirewallWish | None:
    combined: FirewallWish | None = None
    for wish in (rule.firewall for rule in rules):
        if wish is not None:
            combined = wish if combined is None else combined.combine(wish)
    return combined
