"""What a policy would do with many connections, or where two policies differ. Pure but for the reading of lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from shared.commands.explain import firewall_text, reason_text, verdict_json
from shared.commands.requests import Request, read_request
from shared.commands.terminal import table
from shared.model.situation import Situation
from shared.policy.decide import decide
from shared.policy.language.findings import Report
from shared.policy.language.json_nodes import parse_json
from shared.policy.rules import Policy
from shared.policy.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Simulated:
    """What the policy says about one connection of a target, and what another policy says; None: it was not asked."""

    target_id: str
    verdict: Verdict
    other: Verdict | None = None

    @property
    def differs(self) -> bool:
        """Whether the two policies differ in outcome, rule, firewall or mode."""
        keys = ("outcome", "rule", "firewall", "mode")
        return self.other is not None and any(getattr(self.verdict, k) != getattr(self.other, k) for k in keys)

    @property
    def why(self) -> str:
        """What changes at the firewall, or the reason of the named or nearest rule; "" where a rule simply decided."""
        if self.other and self.other.firewall != self.verdict.firewall:
            return f"firewall: {_firewall(self.other)} -> {_firewall(self.verdict)}"
        reasons = self.verdict.reasons
        own = [r for r in reasons if r.rule == self.verdict.rule] or (reasons if self.verdict.rule is None else ())
        return reason_text(own[0]) if own else ""

    def as_json(self) -> dict[str, Any]:
        """The verdict with the names of a Decision, and the other policy's as `against`."""
        shown = {"targetId": self.target_id, **verdict_json(self.verdict)}
        return shown | ({"against": verdict_json(self.other)} if self.other else {})


def read_requests(lines: Iterable[str], policies: Sequence[Policy], report: Report) -> Iterator[Request]:
    """The requests of JSON lines; what is wrong with a line goes to the report."""
    names = {name for policy in policies for name in policy.requesters}
    for number, line in enumerate(lines, 1):
        node = parse_json(line, report, number) if line.strip() else None
        request = read_request(node, report, names) if node else None
        if request:
            yield request


def simulate_request(request: Request, policy: Policy, against: Policy | None, today: date) -> Simulated:
    """Decide one request as a file describes it."""
    day = request.day(today)
    verdict = decide(request.situation(policy), policy, day)[0]
    other = decide(request.situation(against), against, day)[0] if against else None
    return Simulated(str(request.target), verdict, other)


def simulate_target(situation: Situation, policy: Policy, today: date) -> Iterator[Simulated]:
    """Decide the Pending connections of a target as it was read live."""
    for verdict in decide(situation, policy, today):
        if verdict.connection.pending:
            yield Simulated(str(situation.target.id), verdict)


def compare(simulated: Iterable[Simulated], others: Iterable[Simulated]) -> Iterator[Simulated]:
    """What one policy says beside what another says, for the connections that both were asked about."""
    by_connection = {other.verdict.connection.key: other.verdict for other in others}
    for one in simulated:
        if one.verdict.connection.key in by_connection:
            yield replace(one, other=by_connection[one.verdict.connection.key])


def as_text(simulated: Sequence[Simulated]) -> str:
    """A table, and how many of each outcome."""
    head: tuple[str, ...] = ("TARGET", "PRIVATE ENDPOINT", "OUTCOME", "RULE", "WHY")
    rows: list[tuple[object, ...]] = [
        (_short(s.target_id), _short(s.verdict.connection.private_endpoint_id), _change(s), _rules(s), s.why)
        for s in simulated
    ]
    counts = Counter(_change(s) for s in simulated)
    summary = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())) or "nothing"
    return f"{table(head, rows)}\n\n{summary}"


def _change(s: Simulated) -> str:
    now = _outcome(s.verdict)
    return now if s.other is None or now == _outcome(s.other) else f"{_outcome(s.other)} -> {now}"


def _outcome(verdict: Verdict) -> str:
    return f"{verdict.outcome} ({verdict.mode})" if verdict.mode == "audit" else verdict.outcome


def _rules(s: Simulated) -> str:
    now = s.verdict.rule or "-"
    return now if s.other is None or s.other.rule == s.verdict.rule else f"{s.other.rule or '-'} -> {now}"


def _firewall(verdict: Verdict) -> str:
    return firewall_text(verdict.firewall) if verdict.firewall else "left alone"


def _short(resource_id: str | None) -> str:
    """The last two segments of an id: enough to recognise it in a table."""
    return "/".join((resource_id or "none").split("/")[-2:])
