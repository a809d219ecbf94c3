"""When an approval has settled, so that the target's firewall may be closed behind it.

Three waits: the rule's `settleSeconds`; for services that show a state (Synapse, Data Factory) until the requester's side
shows Approved, as step 6 of the Graph Data Connect guide says; and a lone `dfs` waits for its `blob`, without which Data
Explorer cannot use it. Each ends by itself, so that no requester can keep a firewall open.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

from shared.evidence.kinds import kind_of
from shared.ledger.record import Intent
from shared.model.decision import Outcome
from shared.model.requester import ServiceRequester
from shared.model.situation import Situation
from shared.model.target_types import sub_resource_key
from shared.policy.verdict import Verdict
from shared.resource_id import fold
from shared.review.context import Context
from shared.review.observation import Needs

WAITS_FOR_REQUESTER = timedelta(minutes=15)
WAITS_FOR_PAIR = timedelta(hours=1)
ASKS_AGAIN = 30.0
"""Seconds until a requester's side that does not show Approved yet is read again."""

LONE_DFS = "dfs without blob: the requester needs a managed private endpoint to blob too; the firewall waits for it"

log = logging.getLogger(__name__)


def requester_shows_it(intent: Intent, context: Context) -> float | None:
    """None where the requester's side shows Approved, or is no longer waited for; else seconds until it is asked again."""
    requester = context.policy.requesters.get(intent.requester)
    if not isinstance(requester, ServiceRequester) or not kind_of(requester).shows_state:
        return None
    if context.now - intent.created_at >= WAITS_FOR_REQUESTER:
        log.warning(
            "%s does not show Approved for %s; not waiting longer", requester.name, intent.decision.connection_id
        )
        return None
    side = context.seen.sides.get(requester.resource.key)
    if side is None:
        context.needs |= Needs(sides=frozenset({requester.name}))
        return 0.0
    endpoint = next((e for e in side.endpoints if e.id == intent.endpoint_id), None)
    return None if endpoint is not None and fold(endpoint.connection_status or "") == "approved" else ASKS_AGAIN


def has_its_pair(intent: Intent, context: Context) -> float | None:
    """None where a `dfs` endpoint has its `blob`, or is no longer waited for. The blob's own approval asks again."""
    requester = context.policy.requesters.get(intent.requester)
    if intent.sub_resource != "dfs" or not isinstance(requester, ServiceRequester):
        return None
    if context.now - intent.created_at >= WAITS_FOR_PAIR:
        return None
    approved = {c.private_endpoint_key for c in context.seen.current().values() if c.approved}
    paired = any(
        spent.sub_resource == "blob" and spent.private_endpoint_id in approved
        for spent in context.record.spent.values()
        if fold(spent.resource) == requester.resource.key
    )
    return None if paired else 0.0


def with_pair_warnings(verdicts: tuple[Verdict, ...], situation: Situation) -> tuple[Verdict, ...]:
    """The verdicts, with a warning on every approval of a `dfs` whose requester has no approved `blob` here. Pure."""
    approved = {c.private_endpoint_key for c in situation.connections if c.approved}
    have_blob = {
        name
        for name, bindings in situation.bindings.items()
        if any(b.sub_resource == "blob" and b.private_endpoint_id in approved for b in bindings)
    } | {v.requester.name for v in verdicts if v.requester and _approves(v, "blob")}

    def warned(verdict: Verdict) -> Verdict:
        requester = verdict.requester
        if not isinstance(requester, ServiceRequester) or not _approves(verdict, "dfs") or requester.name in have_blob:
            return verdict
        return replace(verdict, warnings=(*verdict.warnings, LONE_DFS))

    return tuple(warned(verdict) for verdict in verdicts)


def _approves(verdict: Verdict, sub_resource: str) -> bool:
    return verdict.outcome is Outcome.APPROVED and sub_resource_key(verdict.sub_resource or "") == sub_resource
