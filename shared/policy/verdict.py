"""The pure decision on one connection, with its reasons. Pure values."""

from __future__ import annotations

from dataclasses import dataclass

from shared.model.connection import Connection
from shared.model.decision import Outcome, Reason
from shared.model.firewall import FirewallWish
from shared.model.requester import Requester
from shared.policy.rules import Mode

MAX_REASONS = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policy decides on one connection.

    Args:
        connection: the connection that was decided on.
        outcome: see `Outcome`.
        rule: the rule that applied, or the one whose evidence is missing; None where no rule matched.
        requester: the requester of that rule, None where none matched.
        reasons: at most `MAX_REASONS` rules that did not apply, nearest first; `reasons_omitted` counts the others.
        rules: every allow rule that applied, in the file's order; the first one is `rule`.
        firewall: what the matching allow rules ask together, None where none asks for anything.
        endpoint_id: the managed endpoint that an approval is spent on (folded), None for other requesters.
        sub_resource: as the target shows it, or as the requester's side tells; None: unknown.
        tenant_id: the tenant of the private endpoint's subscription; None: unknown.
        waiting: the missing evidence may still arrive (not ready, or a read that failed for now).
        mode: audit where the policy or every applied rule says so.
        warnings: sentences for an operator about an approval.
    """

    connection: Connection
    outcome: Outcome
    rule: str | None = None
    requester: Requester | None = None
    reasons: tuple[Reason, ...] = ()
    reasons_omitted: int = 0
    rules: tuple[str, ...] = ()
    firewall: FirewallWish | None = None
    endpoint_id: str | None = None
    sub_resource: str | None = None
    tenant_id: str | None = None
    waiting: bool = False
    mode: Mode = Mode.ENFORCE
    warnings: tuple[str, ...] = ()
