"""The policy's scope: which subscriptions lie below its management groups. Nothing outside is read or written."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Protocol

from shared.arm import Arm
from shared.errors import OutsideScopeError
from shared.policy.model import Scope
from shared.resource_id import ResourceId, fold

KEEP_SECONDS = 300.0
"""How long the members of management groups are remembered."""

GRAPH = "/providers/Microsoft.ResourceGraph/resources"
GRAPH_VERSION = "2022-10-01"

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


def query_graph(arm: Arm, query: str, over: dict[str, list[str]]) -> list[dict[str, str]]:
    """All rows of a Resource Graph query (facts/event-grid.md, section 5: 1,000 rows a page, `$skipToken`).

    Args:
        arm: where to ask.
        query: the KQL text; it must end with an order where more than a page is expected.
        over: `subscriptions` or `managementGroups` to ask about.
    """
    rows: list[dict[str, str]] = []
    options: dict[str, object] = {"resultFormat": "objectArray", "$top": 1000}
    while True:
        answer = arm.post(GRAPH, GRAPH_VERSION, {"query": query, "options": options, **over})
        rows += answer.get("data") or []
        token = answer.get("$skipToken")
        if not token:
            return rows
        options = {**options, "$skipToken": token}
