"""What the parts of a plan share: what was seen, the policy, the time, and what must still be read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce

from shared.ledger.record import Intent, Record, RequestRecord
from shared.model.connection import Connection
from shared.model.decision import FirewallOutcome, FirewallResult, Outcome, Person
from shared.model.firewall import FirewallWish
from shared.model.target_types import TargetType, type_of
from shared.policy.checks import limit_checks, target_checks
from shared.policy.rules import Effect, Mode, Policy, Rule
from shared.policy.verdict import Verdict
from shared.review.observation import Needs, Observation, Unread, key_of
from shared.review.preflight import preflight
from shared.targets.adapter import FirewallReading
from shared.targets.firewall_steps import change_of


@dataclass(slots=True)
class Context:
    """One planning. `needs` grows while parts of the plan find out that something was not read."""

    seen: Observation
    policy: Policy
    now: datetime
    new_id: Callable[[], str]
    trace: Callable[[str], str]
    run_id: str | None = None
    asked_by: Person | None = None
    dry: bool = False
    needs: Needs = field(default_factory=Needs)

    @property
    def kind(self) -> TargetType:
        """The target's type."""
        return type_of(self.seen.target)

    @property
    def record(self) -> Record:
        """The record as it was read or last committed."""
        return self.seen.record

    def request(self, connection: Connection) -> RequestRecord | None:
        """What is remembered of a connection's request."""
        return self.record.requests.get(key_of(connection))

    def wish_of(self, intent: Intent) -> FirewallWish | None:
        """What the policy in force asks of the firewall for an approval: its rules as they are now, None for nothing."""
        rules = [rule for rule in self.policy.rules if rule.name in intent.rules]
        return combined(rule.firewall for rule in rules if rule.firewall and self._in_force(rule))

    def _in_force(self, rule: Rule) -> bool:
        if rule.effect is not Effect.ALLOW or rule.mode is not Mode.ENFORCE:
            return False
        target = self.seen.situation.target
        if rule.targets.tags and target.tags is None:
            self.needs |= Needs(tags=True)
            return True
        return limit_checks(rule, self.now.date(), 0) is None and target_checks(rule, target) is None

    def foretold(self, verdict: Verdict) -> FirewallOutcome | None:
        """What would become of the firewall behind a verdict that changes nothing."""
        if verdict.outcome is not Outcome.APPROVED:
            return None
        if verdict.firewall is None:
            return FirewallOutcome(FirewallResult.NOT_ASKED)
        return self.foretold_of(verdict.firewall)

    def foretold_of(self, wish: FirewallWish) -> FirewallOutcome:
        """What tightening will come to, from the firewall as it is."""
        firewall = self.seen.firewall
        if firewall is None:
            self.needs |= Needs(firewall=True)
            return FirewallOutcome(FirewallResult.DEFERRED)
        if isinstance(firewall, Unread):
            text = f"The firewall could not be read: {firewall.problem}"
            return FirewallOutcome(FirewallResult.FAILED, problem=firewall.problem, preflight=(text,))
        return foretold(self.kind, firewall, wish, self.seen.current().values())


def foretold(
    kind: TargetType, reading: FirewallReading, wish: FirewallWish, connections: Iterable[Connection]
) -> FirewallOutcome:
    """What tightening would come to, without writing anything (audit mode, dry runs, before the settling time)."""
    change = change_of(kind, reading, wish)
    before = reading.firewall.shown()
    sentences = preflight(reading.firewall, change, kind, connections)
    if change.problem is not None:
        return FirewallOutcome(FirewallResult.FAILED, before, None, change.problem, sentences)
    result = FirewallResult.TIGHTENED if change.after else FirewallResult.UNCHANGED
    return FirewallOutcome(result, before, (change.after or reading.firewall).shown(), preflight=sentences)


def combined(wishes: Iterable[FirewallWish | None]) -> FirewallWish | None:
    """The strictest of several wishes in every part; None where there is none."""
    found = [wish for wish in wishes if wish is not None]
    return reduce(FirewallWish.combine, found) if found else None
