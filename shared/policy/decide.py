"""The pure decision: a policy and a situation in, a verdict for each connection out. No clock, network or environment."""

from __future__ import annotations

from datetime import date

from shared.evidence.model import Situation
from shared.policy.model import Policy
from shared.policy.verdict import Verdict


def decide(situation: Situation, policy: Policy, today: date) -> tuple[Verdict, ...]:
    """Decide every connection of a target, in the order in which they were listed."""
    raise NotImplementedError
