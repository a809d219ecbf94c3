"""The pure decision: a policy and a situation in, verdicts out. No clock, no network and no environment.

Every rule is looked at. A matching reject beats deny, which beats allow; without a match the connection is held. An
unknown value satisfies a deny rule, never an allow rule, and makes a connection held where a reject hinges on it. The
order of rules decides only which rule is named.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

from shared.evidence.match import Proof, prove
from shared.model.check import Certainty, Check, FailedCheck
from shared.model.connection import Connection
from shared.model.decision import Outcome, Reason
from shared.model.firewall import FirewallWish
from shared.model.requester import PrivateEndpointRequester, Requester, ServiceRequester
from shared.model.situation import Situation
from shared.model.target_types import sub_resource_key
from shared.policy.approval_text import stamped_rule
from shared.policy.checks import limit_checks, private_endpoint_checks, sub_resource_check, target_checks
from shared.policy.rules import Effect, Mode, Policy, Rule
from shared.policy.verdict import MAX_REASONS, Verdict


def decide(situation: Situation, policy: Policy, today: date) -> tuple[Verdict, ...]:
    """Decide every connection of a target, in the order in which they were listed."""
    decision = _Decision(situation, policy, today)
    return tuple(decision.verdict(connection) for connection in situation.connections)


_ABOUT_THE_LIST = (Check.AMBIGUOUS, Check.NOT_READY, Check.SPENT)
"""What a list that is not whole may be the reason of."""


@dataclass(frozen=True, slots=True)
class _Match:
    """How one rule stands to one connection: `failure` None: it applies; `named`: all but its evidence is there."""

    rule: Rule
    index: int
    failure: FailedCheck | None = None
    requester: Requester | None = None
    requester_matched: bool = False
    target_matched: bool = False
    named: bool = False
    proof: Proof | None = None

    @property
    def nearness(self) -> tuple[bool, bool, int]:
        return (not self.requester_matched, not self.target_matched, self.index)


class _Decision:
    """One pass over a target's connections; proofs are made once for each requester, limits count as it goes on."""

    def __init__(self, situation: Situation, policy: Policy, today: date) -> None:
        self.situation = situation
        self.policy = policy
        self.today = today
        self.target_failures: dict[int, FailedCheck | None] = {}
        self.proofs: dict[str, dict[str, Proof]] = {}
        self.read = [
            r for n, r in policy.requesters.items() if n in situation.sides and isinstance(r, ServiceRequester)
        ]
        self.resting = dict(situation.approving)  # connection -> the rule that its approval rests on, or will
        stamped = {c.key: stamped_rule(c.description) for c in situation.connections if c.approved}
        self.resting |= {key: rule for key, rule in stamped.items() if rule}
        self.approved = Counter(self.resting.values())

    def verdict(self, connection: Connection) -> Verdict:
        """The verdict on one connection. Enforced rules speak first; a rule in audit mode only where they are silent."""
        tenant = self.situation.tenant_of(connection)
        bare = Verdict(connection, Outcome.UNCHANGED, sub_resource=self._shown(connection), tenant_id=tenant)
        if not connection.pending:
            return bare
        claiming = [r.name for r in self.read if self._proof(r, connection).claimed]
        candidates = self.policy.index.candidates(connection.private_endpoint, tenant, claiming)
        matches = [self._match(i, connection) for i in candidates if not self._fails_at_target(i)]
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
            self.approved.subtract([r for r in [self.resting.get(connection.key)] if r])
            self.resting[connection.key] = verdict.rule
            self.approved[verdict.rule] += 1
        return self._with_reasons(verdict, matches, candidates)

    def _judge(self, bare: Verdict, matches: list[_Match]) -> Verdict:
        def of(effect: Effect) -> list[_Match]:
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

    def _with_reasons(self, verdict: Verdict, matches: list[_Match], candidates: list[int]) -> Verdict:
        """Add why the other rules did not apply. Those that cannot concern the connection are looked at last and least."""
        failed = sorted((m for m in matches if m.failure is not None), key=lambda m: m.nearness)
        others = self._others(candidates, verdict.connection)
        nearest = islice(heapq.merge(failed, others, key=lambda m: m.nearness), MAX_REASONS)
        reasons = tuple(Reason(m.rule.name, m.failure) for m in nearest if m.failure)
        applied = sum(1 for m in matches if m.failure is None)
        return replace(verdict, reasons=reasons, reasons_omitted=len(self.policy.rules) - applied - len(reasons))

    def _others(self, candidates: list[int], connection: Connection) -> Iterator[_Match]:
        """The rules that cannot apply (their target fails for certain, or the index left them out), nearest first."""
        far = []
        for i in (i for i in candidates if self._fails_at_target(i)):
            match = self._match(i, connection)
            if match.requester_matched:
                yield match
            else:
                far.append(i)
        left_out = sorted(set(range(len(self.policy.rules))).difference(candidates))
        yield from (self._match(i, connection) for i in left_out if self._target_failure(i) is None)
        far = sorted([*far, *(i for i in left_out if self._target_failure(i) is not None)])
        yield from (self._match(i, connection) for i in far)

    def _fails_at_target(self, index: int) -> bool:
        """Whether the rule certainly does not concern the target; unread tags leave that open."""
        failure = self._target_failure(index)
        return failure is not None and not failure.unknown

    def _target_failure(self, index: int) -> FailedCheck | None:
        if index not in self.target_failures:
            self.target_failures[index] = target_checks(self.policy.rules[index], self.situation.target)
        return self.target_failures[index]

    def _match(self, index: int, connection: Connection) -> _Match:
        rule = self.policy.rules[index]
        if rule.requesters is None:
            return self._finish(_Match(rule, index, requester_matched=True), None, connection)
        tried = [self._match_requester(rule, index, name, connection) for name in rule.requesters]
        return min(tried, key=lambda m: (m.failure is not None, not m.named, m.nearness))

    def _match_requester(self, rule: Rule, index: int, name: str, connection: Connection) -> _Match:
        requester = self.policy.requester_of(name)
        match = _Match(rule, index, requester=requester)
        if isinstance(requester, PrivateEndpointRequester):
            allow = rule.effect is Effect.ALLOW
            failed, evidence = private_endpoint_checks(
                requester, connection, self.situation, allow=allow, managed=self.policy.managed_tenants
            )
            if failed is None and evidence is None and allow:
                evidence = self._own_view(connection)
            return self._finish(replace(match, requester_matched=failed is None), failed or evidence, connection)
        proof = self._proof(requester, connection)
        return self._finish(replace(match, requester_matched=proof.claimed, proof=proof), proof.failed, connection)

    def _finish(self, match: _Match, failure: FailedCheck | None, connection: Connection) -> _Match:
        """Add the checks of target, sub-resource and limits; keep the first failure in the order of INTERFACE."""
        target = self._target_failure(match.index)
        limits = limit_checks(match.rule, self.today, self._approved_others(match.rule, connection))
        sub_resources = self._sub_resources(match, failure, connection)
        if sub_resources is not None and sub_resources.check.is_evidence:
            failure, sub_resources = sub_resources, None
        rest = [target, sub_resources, limits]
        match = replace(match, target_matched=target is None)
        if match.rule.effect is not Effect.ALLOW:
            whole = None if match.rule.effect is Effect.DENY else self._whole()
            return _without_evidence(match, [failure, *rest, whole])
        if failure is None or failure.check in _ABOUT_THE_LIST:
            failure = self._whole() or failure
        selectors = [f for f in rest if f is not None]
        first_is_evidence = failure is not None and failure.check.is_evidence
        ordered = [*selectors, failure] if first_is_evidence else [failure, *selectors]
        named = match.requester_matched and failure is not None and not selectors
        return replace(match, failure=next((f for f in ordered if f is not None), None), named=named)

    def _approved_others(self, rule: Rule, connection: Connection) -> int:
        """How many other connections rest on the rule, those that are being approved included."""
        return self.approved[rule.name] - (self.resting.get(connection.key) == rule.name)

    def _whole(self) -> FailedCheck | None:
        """What nothing can be proven beside: a list that may lack a connection, or shows one that is gone."""
        if self.situation.whole:
            return None
        expected, found = "a list of the target's connections that does not change", "pages that did not agree"
        return FailedCheck(Check.NOT_READY, expected, found, Certainty.WAITING)

    def _sub_resources(self, match: _Match, failure: FailedCheck | None, connection: Connection) -> FailedCheck | None:
        """The sub-resource check; a group of endpoints of which only some are allowed is ambiguous, not forbidden."""
        shown = self._shown(connection)
        known = frozenset({sub_resource_key(shown)}) if shown else None
        if match.proof is None:
            return sub_resource_check(match.rule, known)
        if match.proof.endpoint is None:
            return sub_resource_check(match.rule, known) if known and failure is not None else None
        failed = sub_resource_check(match.rule, match.proof.sub_resources)
        allowed = frozenset(map(sub_resource_key, match.rule.sub_resources))
        if failed and match.proof.sub_resources & allowed:
            return replace(failed, check=Check.AMBIGUOUS)
        return failed

    def _proof(self, requester: ServiceRequester, connection: Connection) -> Proof:
        if requester.name not in self.proofs:
            self.proofs[requester.name] = prove(requester, self.situation, self.policy.names)
        return self.proofs[requester.name][connection.key]

    def _own_view(self, connection: Connection) -> FailedCheck | None:
        """What the private endpoint itself says, where the app may read it."""
        view = self.situation.private_endpoints.get(connection.private_endpoint_key or "")
        if view is None:
            return None
        shown = connection.sub_resource
        if shown and view.sub_resource and sub_resource_key(shown) != sub_resource_key(view.sub_resource):
            return FailedCheck(Check.NOT_FOUND, f"a private endpoint for {shown}", f"one for {view.sub_resource}")
        return view.problem

    def _shown(self, connection: Connection) -> str | None:
        """The sub-resource as the target shows it, or as the private endpoint does where it was read."""
        view = self.situation.private_endpoints.get(connection.private_endpoint_key or "")
        return connection.sub_resource or (view.sub_resource if view else None)


def _without_evidence(match: _Match, failures: list[FailedCheck | None]) -> _Match:
    """A deny or reject rule: an unknown value satisfies a deny and leaves a reject unsure, which is `named` here."""
    failed = [f for f in failures if f is not None]
    certain = [f for f in failed if not f.unknown]
    if certain:
        return replace(match, failure=certain[0])
    if match.rule.effect is Effect.DENY or not failed:
        return match
    return replace(match, failure=failed[0], named=True)


def _held(bare: Verdict, matches: list[_Match]) -> Verdict:
    """Held for what the rules lack; one whose evidence may still come is named first."""
    waiting = [m for m in matches if m.failure and m.failure.waiting]
    return replace(_by(bare, Outcome.HELD, (waiting or matches)[0]), waiting=bool(waiting))


def _by(bare: Verdict, outcome: Outcome, match: _Match) -> Verdict:
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
