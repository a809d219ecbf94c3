"""The sweep: what guarantees that nothing is missed. Finds the targets that need a review and queues them.

Order matters: first the outbox is sent, also while the policy is invalid; then the estate is asked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from shared.alerts.conditions import sweep_failed
from shared.alerts.topic import Outbox
from shared.azure.arm import Arm
from shared.azure.graph import query_graph
from shared.errors import ApproverError, PermanentError
from shared.ledger.alerts import AlertBook
from shared.ledger.bindings import Bindings
from shared.ledger.intents import Intents
from shared.ledger.retention import Retention
from shared.model.requester import ServiceRequester
from shared.model.target_types import TARGET_TYPES, is_target, type_of
from shared.policy.current import PolicySource
from shared.policy.language.findings import PolicyError
from shared.policy.rules import Policy, Scope
from shared.resource_id import ResourceId, try_parse
from shared.review.observe import SideReader
from shared.review.scope import ScopeGuard
from shared.targets.adapter import TargetAdapter
from shared.triggers.message_handler import Worker
from shared.triggers.messages import Messages, ReviewMessage

PENDING = (
    "resources | where type in~ ({types}) "
    "| extend connections = properties.privateEndpointConnections "
    "| where isnull(connections) or tostring(connections) contains 'Pending' "
    "| project id, unknown = isnull(connections) | order by id asc"
)
"""Targets that have, or may have, a Pending connection.

`contains` looks at the whole list on purpose: a message that says "Pending" costs one list of a target, while mv-expand
would stop at its row limit. Where Resource Graph shows null, the target is listed directly.
"""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Estate:
    """Finds targets with Pending connections."""

    arm: Arm
    scope: ScopeGuard
    adapters: Mapping[str, TargetAdapter]
    threads: int = 8

    def pending(self, scope: Scope, within: ResourceId | None = None) -> list[ResourceId]:
        """The targets of the scope (or of a part of it) with a Pending connection.

        Raises:
            ApproverError: Resource Graph could not be asked. A target that could not be listed counts as pending: its
                review says what is wrong.
        """
        rows = [row for over in self._overs(scope, within) for row in query_graph(self.arm, self._query(within), over)]
        seen = {target.key: (target, row) for row in rows if (target := try_parse(row["id"])) and is_target(target)}
        known = [target for target, row in seen.values() if not row["unknown"]]
        unknown = [target for target, row in seen.values() if row["unknown"]]
        with ThreadPoolExecutor(self.threads) as pool:
            asked = [
                target for target, pending in zip(unknown, pool.map(self._has_pending, unknown), strict=True) if pending
            ]
        members = self.scope.members(scope)
        return [target for target in known + asked if scope.covers(target, members)]

    def _query(self, within: ResourceId | None) -> str:
        query = PENDING.format(types=", ".join(f"'{name}'" for name in TARGET_TYPES))
        if within is None or not within.resource_group:
            return query
        return query.replace("| extend", f"| where resourceGroup =~ '{within.resource_group}' | extend", 1)

    def _overs(self, scope: Scope, within: ResourceId | None) -> Iterator[dict[str, list[str]]]:
        """What Resource Graph is asked over: subscriptions together, management groups together."""
        if within is not None:
            yield {"subscriptions": [within.subscription_id]}
            return
        groups = {parsed.subscription_id for text in scope.resource_groups if (parsed := try_parse(text))}
        if subscriptions := sorted(scope.subscriptions | groups):
            yield {"subscriptions": subscriptions}
        if scope.management_groups:
            yield {"managementGroups": sorted(scope.management_groups)}

    def _has_pending(self, target: ResourceId) -> bool:
        try:
            return any(c.pending for c in self.adapters[type_of(target).name].connections(target))
        except ApproverError as error:
            log.warning("not listed, so it is reviewed: %s", error)
            return True


@dataclass(frozen=True, slots=True)
class Sweep:
    """The timer's use case."""

    policy: PolicySource
    estate: Estate
    sides: SideReader
    intents: Intents
    bindings: Bindings
    retention: Retention
    alerts: AlertBook
    outbox: Outbox
    messages: Messages
    worker: Worker
    now: Callable[[], datetime]

    def run(self) -> int:
        """Sweep once; answers how many targets were queued."""
        self.outbox.deliver()
        try:
            policy = self.policy.current()
        except PolicyError as error:
            self.worker.policy_unusable(error)
            return 0
        self.alerts.settle("policy", [], self.now())
        self._watch_bindings(policy)
        members = self.estate.scope.members(policy.scope)
        unfinished = [t for t in self.intents.targets() if policy.scope.covers(t, members)]
        for target in unfinished:  # first: what was begun is not kept waiting by what cannot be found
            self.messages.send(ReviewMessage(target, "sweep"))
        queued = {target.key for target in unfinished}
        pending = [target for target in self._pending(policy) if target.key not in queued]
        for target in pending:
            self.messages.send(ReviewMessage(target, "sweep"))
        self.retention.purge_daily(self.now())
        queued_now = len(pending) + len(unfinished)
        log.info("sweep queued %d targets, %d of them with unfinished intents", queued_now, len(unfinished))
        return queued_now

    def _pending(self, policy: Policy) -> list[ResourceId]:
        """The targets with Pending connections; where Azure refuses to tell, an alert and the error: never "none"."""
        try:
            found = self.targets(self.estate.pending(policy.scope))
        except PermanentError as error:
            condition = sweep_failed(policy.hash, str(error))
            self.outbox.deliver(self.alerts.settle("sweep", [condition], self.now()))
            raise
        self.alerts.settle("sweep", [], self.now())
        return found

    @staticmethod
    def targets(*lists: Iterable[ResourceId]) -> list[ResourceId]:
        """Each target once."""
        return list({target.key: target for targets in lists for target in targets}.values())

    def _watch_bindings(self, policy: Policy) -> None:
        """Note which spent endpoints are gone at their requester: only so can their names be used again."""
        requesters = {r.resource.key: r for r in policy.requesters.values() if isinstance(r, ServiceRequester)}
        watched = [b for b in self.bindings.all() if b.binding.absent_since is None and b.resource.key in requesters]
        for key in dict.fromkeys(b.resource.key for b in watched):
            rows = [b for b in watched if b.resource.key == key]
            self.bindings.note_absent(rows, self.sides.read(requesters[key]), self.now())
