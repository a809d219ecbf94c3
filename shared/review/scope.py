"""The policy's scope: which subscriptions lie below its management groups. Nothing outside is read or written."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Protocol

from shared.azure.arm import Arm
from shared.azure.graph import query_graph
from shared.errors import OutsideScopeError
from shared.policy.rules import Scope
from shared.resource_id import ResourceId, fold

KEEP_SECONDS = 300.0
"""How long the members of management groups are remembered."""


_MEMBERS = "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' | project subscriptionId"


class ScopeGuard(Protocol):
    """Knows what a scope covers."""

    def require(self, scope: Scope, resource: ResourceId) -> None:
        """Raise `OutsideScopeError` unless the resource lies inside."""
        ...

    def members(self, scope: Scope) -> frozenset[str]:
        """The subscriptions (folded) below the scope's management groups."""
        ...


class ArmScope:
    """Asks Resource Graph for the members of management groups, and only where a scope names some."""

    def __init__(self, arm: Arm, clock: Callable[[], float]) -> None:
        self._arm = arm
        self._clock = clock
        self._known: dict[frozenset[str], tuple[float, frozenset[str]]] = {}
        self._lock = Lock()

    def require(self, scope: Scope, resource: ResourceId) -> None:
        """See `ScopeGuard`. Raises the errors of `shared.errors` where the members cannot be read."""
        if scope.covers(resource) or scope.covers(resource, self.members(scope)):
            return
        raise OutsideScopeError(f"{resource}: outside the policy's scope", code="OutsideScope")

    def members(self, scope: Scope) -> frozenset[str]:
        """See `ScopeGuard`."""
        groups = scope.management_groups
        if not groups:
            return frozenset()
        with self._lock:
            at, members = self._known.get(groups, (float("-inf"), frozenset()))
            if self._clock() - at >= KEEP_SECONDS:
                rows = query_graph(self._arm, _MEMBERS, {"managementGroups": sorted(groups)})
                members = frozenset(fold(row["subscriptionId"]) for row in rows)
                self._known[groups] = (self._clock(), members)
            return members
