"""How one rule stands to one connection: all of its checks that fail, in the order in which decisions show them. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date

from shared.evidence.match import prove
from shared.evidence.proof import Proof
from shared.model.check import Certainty, Check, FailedCheck
from shared.model.connection import Connection
from shared.model.requester import PrivateEndpointRequester, Requester, ServiceRequester
from shared.model.situation import Situation
from shared.model.target_types import sub_resource_key
from shared.policy.approval_text import stamped_rule
from shared.policy.checks import limit_checks, private_endpoint_checks, sub_resource_check, target_checks
from shared.policy.rules import Effect, Policy, Rule

_ABOUT_THE_LIST = (Check.AMBIGUOUS, Check.NOT_READY, Check.SPENT)
"""What a list that is not whole may be the reason of."""


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """How one rule stands to one connection.

    Args:
        failures: the checks that fail, the one that decisions show first; none: the rule applies.
        requester: the requester that it was matched with, the nearest of the rule's; None: any.
        named: all but its evidence is there, so that it is named where the connection is held.
    """

    rule: Rule
    index: int
    failures: tuple[FailedCheck, ...] = ()
    requester: Requester | None = None
    requester_matched: bool = False
    target_matched: bool = False
    named: bool = False
    proof: Proof | None = None

    @property
    def failure(self) -> FailedCheck | None:
        """The first check that fails; None: the rule applies."""
        return self.failures[0] if self.failures else None

    @property
    def nearness(self) -> tuple[bool, bool, int]:
        """Sorts the nearest first: requester matched, then target matched, then the file's order."""
        return (not self.requester_matched, not self.target_matched, self.index)


class RuleMatches:
    """The rules of a policy in one situation; proofs are made once for each requester, approvals are counted."""

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
        self.not_whole = _not_whole(situation)

    def approve(self, connection: Connection, rule: str) -> None:
        """Count an approval of this pass; one that was begun already is counted once."""
        if begun := self.resting.get(connection.key):
            self.approved[begun] -= 1
        self.approved[rule] += 1

    def claiming(self, connection: Connection) -> list[str]:
        """The requesters that were read and whose the connection may be, wherever it lives."""
        return [r.name for r in self.read if self._proof(r, connection).claimed]

    def fails_at_target(self, index: int) -> bool:
        """Whether the rule certainly does not concern the target; unread tags leave that open."""
        failure = self.target_failure(index)
        return failure is not None and not failure.unknown

    def target_failure(self, index: int) -> FailedCheck | None:
        """The target selector of a rule that fails."""
        if index not in self.target_failures:
            self.target_failures[index] = target_checks(self.policy.rules[index], self.situation.target)
        return self.target_failures[index]

    def match(self, index: int, connection: Connection) -> RuleMatch:
        """How a rule, by its place in the file, stands to a Pending connection."""
        rule = self.policy.rules[index]
        if rule.requesters is None:
            return self._finish(RuleMatch(rule, index, requester_matched=True), None, connection)
        tried = [self._match_requester(rule, index, name, connection) for name in rule.requesters]
        return min(tried, key=lambda m: (m.failure is not None, not m.named, m.nearness))

    def _match_requester(self, rule: Rule, index: int, name: str, connection: Connection) -> RuleMatch:
        requester = self.policy.requester_of(name)
        match = RuleMatch(rule, index, requester=requester)
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

    def _finish(self, match: RuleMatch, failure: FailedCheck | None, connection: Connection) -> RuleMatch:
        """Add the checks of target, sub-resource, limits and evidence.

        The target comes first: a rule about others has nothing to say of the requester.
        """
        target = self.target_failure(match.index)
        others = self._approved_others(match.rule, connection) if match.rule.max_connections else 0
        limits = limit_checks(match.rule, self.today, others)
        sub_resources = self._sub_resources(match, failure, connection)
        if sub_resources is not None and sub_resources.check.is_evidence:
            failure, sub_resources = sub_resources, None
        match = replace(match, target_matched=target is None)
        if match.rule.effect is not Effect.ALLOW:
            whole = None if match.rule.effect is Effect.DENY else self.not_whole
            return _without_evidence(match, [target, failure, sub_resources, limits, whole])
        if failure is None or failure.check in _ABOUT_THE_LIST:
            failure = self.not_whole or failure
        evidence = failure if failure is not None and failure.check.is_evidence else None
        requester = None if evidence else failure
        named = match.requester_matched and failure is not None and not any((target, sub_resources, limits))
        ordered = (target, requester, sub_resources, limits, evidence)
        return replace(match, failures=tuple(f for f in ordered if f is not None), named=named)

    def _approved_others(self, rule: Rule, connection: Connection) -> int:
        """How many other connections rest on the rule, those that are being approved included."""
        return self.approved[rule.name] - (self.resting.get(connection.key) == rule.name)

    def _sub_resources(
        self, match: RuleMatch, failure: FailedCheck | None, connection: Connection
    ) -> FailedCheck | None:
        """The sub-resource check; a group of endpoints of which only some are allowed is ambiguous, not forbidden."""
        shown = self.shown(connection)
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

    def shown(self, connection: Connection) -> str | None:
        """The sub-resource as the target shows it, or as the private endpoint does where it was read."""
        view = self.situation.private_endpoints.get(connection.private_endpoint_key or "")
        return connection.sub_resource or (view.sub_resource if view else None)


def _not_whole(situation: Situation) -> FailedCheck | None:
    """What nothing can be proven beside: a list that may lack a connection, or shows one that is gone."""
    if situation.whole:
        return None
    expected, found = "a list of the target's connections that does not change", "pages that did not agree"
    return FailedCheck(Check.NOT_READY, expected, found, Certainty.WAITING)


def _without_evidence(match: RuleMatch, failures: list[FailedCheck | None]) -> RuleMatch:
    """A deny or reject rule: an unknown value satisfies a deny and leaves a reject unsure, which is `named` here."""
    failed = [f for f in failures if f is not None]
    certain = [f for f in failed if not f.unknown]
    if certain:
        return replace(match, failures=tuple(certain))
    if match.rule.effect is Effect.DENY or not failed:
        return match
    return replace(match, failures=tuple(failed), named=True)
