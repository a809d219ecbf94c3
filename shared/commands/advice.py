"""What would have to change for an allow rule to let a held request in: the nearest rule, and its failed checks. Pure.

Says what would prove a request, never how to get round that: no tenant in which services keep every customer's private
endpoints is ever proposed for people, and nothing of a rule that is about other targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.evidence.kinds import kind_of
from shared.model.check import Check, FailedCheck
from shared.model.decision import Outcome
from shared.model.requester import Requester, ServiceRequester
from shared.policy.rule_match import RuleMatch
from shared.policy.rules import Effect, Policy
from shared.policy.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Advice:
    """The nearest allow rule about the target (None: there is none), and what would have to change."""

    rule: str | None
    changes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The advice for other programs."""
        return {"rule": self.rule, "changes": list(self.changes)}


def advise(verdict: Verdict, matches: Sequence[RuleMatch], policy: Policy) -> Advice | None:
    """The smallest change; None where nothing is held."""
    if verdict.outcome is not Outcome.HELD:
        return None
    if verdict.reasons and verdict.reasons[0].check is Check.SCOPE:
        return Advice(None, ("the target lies outside scope: name its subscription or its group there",))
    rejects = [m for m in matches if m.rule.effect is Effect.REJECT and m.rule.name == verdict.rule]
    if rejects:
        return Advice(
            verdict.rule, (f"what is not known decides on the reject rule {verdict.rule}: it must be known first",)
        )
    allows = [m for m in matches if m.rule.effect is Effect.ALLOW and m.target_matched and m.failures]
    if not allows:
        return Advice(None, ("no allow rule is about this target: add one, if the request should be approved",))
    managed = verdict.tenant_id if verdict.tenant_id in policy.managed_tenants else None

    def far(match: RuleMatch) -> tuple[bool, bool, bool, int, int]:
        people = managed is not None and not isinstance(match.requester, ServiceRequester)
        return (match.rule.name != verdict.rule, not match.requester_matched, people, len(match.failures), match.index)

    nearest = min(allows, key=far)
    if managed and not isinstance(nearest.requester, ServiceRequester):
        return Advice(nearest.rule.name, (_nobody_s_own(managed),))
    return Advice(nearest.rule.name, tuple(_change(f, nearest) for f in nearest.failures))


def _change(failed: FailedCheck, match: RuleMatch) -> str:
    """What would make one check hold."""
    requester, found = match.requester, failed.found or "unknown"
    name = requester.name if requester else ""
    if failed.check is Check.TENANT:
        return _tenant(failed, requester)
    if isinstance(requester, ServiceRequester) and failed.check in _OF_SERVICES:
        return _OF_SERVICES[failed.check].format(
            resource=requester.resource.name, what=kind_of(requester).what, found=found
        )
    changes = {
        Check.SUBSCRIPTION: f"subscriptions of requester {name} would have to hold {found}",
        Check.RESOURCE_GROUP: f"resourceGroups of requester {name} would have to hold {found}",
        Check.SUB_RESOURCE: f"subResources would have to hold {found}"
        if failed.found
        else "what it asks for must be known: read access to the private endpoint, or a rule without subResources",
        Check.EXPIRES: "a later day in expires",
        Check.MAX_CONNECTIONS: "a higher maxConnections, or a connection less",
        Check.NOT_FOUND: f"the private endpoint itself would have to show this request ({found})",
        Check.NOT_READY: f"nothing to change: it is looked at again ({found})",
        Check.UNREADABLE: f"what could not be read must be read: {found}",
    }
    if failed.check is Check.PRIVATE_ENDPOINT:
        if failed.unknown:
            return f"a private endpoint with a whole id; found {found}"
        return f"privateEndpoints of requester {name} would have to hold {found}"
    return changes.get(failed.check, str(failed))


_OF_SERVICES = {
    Check.REQUESTER: "the private endpoint is not named after {resource}: it is another resource's ({what} is meant)",
    Check.NOT_FOUND: "a managed private endpoint of {resource} to this target that waits for approval; found {found}",
    Check.NOT_READY: "nothing to change: the endpoint is not ready, and is looked at again ({found})",
    Check.AMBIGUOUS: "one connection for each endpoint; found {found}. Make the managed private endpoint again under a "
    "random name or with a random message, or delete the other connection at the target",
    Check.NAME: "a managed private endpoint of {resource} of that name to this target; found {found}",
    Check.MESSAGE: "the managed private endpoint of {resource} and the request carry one random message "
    "(python -m shared.policy message); found {found}",
    Check.SPENT: "its endpoint belongs to another connection: make the managed private endpoint again under another name",
    Check.UNREADABLE: "the managed private endpoints of {resource} must be read: {found}",
    Check.PRIVATE_ENDPOINT: "a private endpoint with a whole id; found {found}",
}


def _tenant(failed: FailedCheck, requester: Requester | None) -> str:
    """Tenants are where social engineering begins: what is proposed is only what would prove something."""
    if requester is None or failed.found is None:
        return "the tenant of its subscription must be known: Azure does not tell it"
    if isinstance(requester, ServiceRequester):
        tie = "message" if kind_of(requester).tie.by_message else "name"
        return (
            f"it lies in tenant {failed.found}, where {requester.name} does not keep its private endpoints. It would be "
            f"proven by a managed private endpoint of {requester.resource.name} with its {tie}, and endpointTenants that "
            "hold this tenant: only if the service itself says that it keeps them there"
        )
    return (
        f"tenants of requester {requester.name} would have to hold {failed.found}: ask the owner of that tenant first"
    )


def _nobody_s_own(tenant: str) -> str:
    return (
        f"tenant {tenant} holds the private endpoints that services make for every customer: people are not known by it. "
        "Name the resource that it was made for as a requester with its service"
    )
