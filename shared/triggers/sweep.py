"""The sweep: what guarantees that nothing is missed. Finds the targets that need a review and queues them.

Order matters: first the outboxes are sent, also while the policy is invalid; then the estate is asked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from shared.alerts.conditions import sweep_failed
from shared.alerts.outbox import Outbox
from shared.alerts.raising import Alerts
from shared.azure.arm import Arm
from shared.azure.graph import query_graph
from shared.errors import ApproverError, PermanentError
from shared.ledger.policies import Policies
from shared.ledger.record import Record
from shared.ledger.records import Records
from shared.ledger.retention import Retention
from shared.ledger.runs import Runs
from shared.ledger.tips import Tips
from shared.ledger.work import WorkIndex
from shared.model.requester import ServiceRequester
from shared.model.target_types import TARGET_TYPES, is_target, type_of
from shared.policy.current import PolicySource
from shared.policy.language.findings import PolicyError
from shared.policy.rules import Policy, Scope
from shared.resource_id import ResourceId, try_parse
from shared.review.observe import SideReader
from shared.review.scope import ScopeGuard
from shared.targets.adapter import TargetAdapter
from shared.triggers.message_handler import MessageHandler
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
    records: Records
    work: WorkIndex
    runs: Runs
    retention: Retention
    tips: Tips
    policies: Policies
    alerts: Alerts
    outbox: Outbox
    messages: Messages
    handler: MessageHandler
    now: Callable[[], datetime]

    def run(self) -> int:
        """Sweep once; answers how many targets were queued."""
        unfinished = [self.outbox.deliver(record) for record in self.records.unfinished()]
        try:
            policy = self.policy.current()
        except PolicyError as error:
            self.handler.policy_unusable(error)
            return 0
        self.policies.keep(policy)
        self.alerts.update("policy", [], policy=policy.hash)
        self.handler.forget_poison()
        members = self.estate.scope.members(policy.scope)
        began = [t for t in targets_of(unfinished) if policy.scope.covers(t, members)]
        began += [t for t in self._lost(policy) if policy.scope.covers(t, members)]
        queued = once(began)
        for target in queued.values():  # first: what was begun is not kept waiting by what cannot be found
            self.messages.send(ReviewMessage(target, "sweep"))
        for owed in self.runs.owed(self.now()):
            self.messages.send(ReviewMessage(owed.target, "manual", run_id=owed.run_id, dry_run=owed.dry_run))
        pending = [target for target in self._pending(policy) if target.key not in queued]
        for target in pending:
            self.messages.send(ReviewMessage(target, "sweep"))
        if self.retention.is_due(self.now()):
            self.tips.keep(self.now())
            self.retention.purge(self.now())
        queued_now = len(pending) + len(queued)
        log.info("sweep queued %d targets, %d of them with unfinished intents", queued_now, len(queued))
        return queued_now

    def _pending(self, policy: Policy) -> list[ResourceId]:
        """The targets with Pending connections; where Azure refuses to tell, an alert and the error: never "none"."""
        try:
            found = once(self.estate.pending(policy.scope))
        except PermanentError as error:
            self.alerts.update("sweep", [sweep_failed(policy.hash, str(error))])
            raise
        self.alerts.update("sweep", [])
        return list(found.values())

    def _lost(self, policy: Policy) -> Iterator[ResourceId]:
        """Targets with a spent endpoint that is gone at its requester: only so can its name be used again."""
        requesters = {r.resource.key: r for r in policy.requesters.values() if isinstance(r, ServiceRequester)}
        present: dict[str, set[str] | None] = {}
        for bound in self.work.bound():
            target = try_parse(bound.subject)
            for resource, endpoint in bound.endpoints:
                requester = requesters.get(resource_key(resource))
                if requester is None or target is None:
                    continue
                if resource not in present:
                    side = self.sides.read(requester)
                    present[resource] = None if side.problem else {e.id for e in side.endpoints}
                there = present[resource]
                if there is not None and endpoint not in there:
                    yield target
                    break


def targets_of(records: Iterable[Record]) -> list[ResourceId]:
    """The targets among the records that a review has something to finish about (a delivery alone is none).

    Of a record that is not authentic nobody knows: its review says so.
    """
    found = ((try_parse(r.subject), r) for r in records)
    return [t for t, r in found if t is not None and is_target(t) and _to_finish(r)]


def once(targets: Iterable[ResourceId]) -> dict[str, ResourceId]:
    """Each target once, by its key."""
    return {target.key: target for target in targets}


def resource_key(resource: str) -> str:
    """The key of a requester's resource as the ledger has it."""
    parsed = try_parse(resource)
    return parsed.key if parsed else ""


def _to_finish(record: Record) -> bool:
    absent = record.absent_since or any(request.absent_since for request in record.requests.values())
    return bool(record.forged or record.intents or record.restore or absent)
