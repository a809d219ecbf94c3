"""When an approval has settled, so that the target's firewall may be closed behind it.

Three waits: the rule's `settleSeconds`; for services that show a state (Synapse, Data Factory) until the requester's side
shows Approved, as step 6 of the Graph Data Connect guide says; and a lone `dfs` waits for its `blob`, without which Data
Explorer cannot use it. Each ends by itself, so that no requester can keep a firewall open.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.evidence.kinds import kind_of
from shared.ledger.intents import Intent
from shared.model.decision import Outcome
from shared.model.requester import ServiceRequester
from shared.model.situation import Situation
from shared.model.target_types import sub_resource_key
from shared.policy.rules import Policy
from shared.policy.verdict import Verdict
from shared.resource_id import fold
from shared.review.observe import BindingReader, SideReader
from shared.review.scene import Scene

WAITS_FOR_REQUESTER = timedelta(minutes=15)
WAITS_FOR_PAIR = timedelta(hours=1)
ASKS_AGAIN = 30.0
"""Seconds until a requester's side that does not show Approved yet is read again."""

LONE_DFS = "dfs without blob: the requester needs a managed private endpoint to blob too; the firewall waits for it"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settling:
    """Knows whether approvals have settled."""

    sides: SideReader
    bindings: BindingReader
    now: Callable[[], datetime]

    def settled(self, intents: Iterable[Intent], scene: Scene, policy: Policy) -> list[Intent]:
        """The intents whose approval has settled; what must be asked again goes into the scene's `retry_after`."""
        due = [i for i in intents if i.due_at is not None and i.due_at <= self.now()]
        return [i for i in due if self._requester_shows_it(i, scene, policy) and self._has_its_pair(i, scene, policy)]

    def _requester_shows_it(self, intent: Intent, scene: Scene, policy: Policy) -> bool:
        requester = policy.requesters.get(intent.requester)
        if not isinstance(requester, ServiceRequester) or not kind_of(requester).shows_state:
            return True
        if self.now() - intent.created_at >= WAITS_FOR_REQUESTER:
            log.warning("%s does not show Approved for %s; not waiting longer", intent.requester, intent.connection_id)
            return True
        key = requester.resource.key
        if key not in scene.sides:
            scene.sides[key] = self.sides.read(requester)
        side = scene.sides[key]
        endpoint = next((e for e in side.endpoints if e.id == intent.endpoint_id), None)
        if endpoint is not None and fold(endpoint.connection_status or "") == "approved":
            return True
        scene.retry_after.append(ASKS_AGAIN)
        return False

    def _has_its_pair(self, intent: Intent, scene: Scene, policy: Policy) -> bool:
        """Whether a `dfs` endpoint has its `blob`. The sweep asks again; the blob's own approval does so sooner."""
        requester = policy.requesters.get(intent.requester)
        if intent.sub_resource != "dfs" or not isinstance(requester, ServiceRequester):
            return True
        if self.now() - intent.created_at >= WAITS_FOR_PAIR:
            return True
        approved = {c.private_endpoint_key for c in scene.connections if c.approved}
        approved |= {fold(i.private_endpoint_id or "") for i in scene.new_settles}
        return any(
            b.binding.sub_resource == "blob" and b.binding.private_endpoint_id in approved
            for b in self.bindings.of(requester.resource)
            if b.target.same(scene.target)
        )


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
