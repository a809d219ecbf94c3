"""What is known about a target, its connections and its requesters when a decision is made. Pure values.

The review fills a `Situation` from live reads; `python -m shared.policy explain` fills one from a file. A value of None
means unknown, and unknown never approves anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.model.connection import Connection
from shared.model.requester import Binding, PrivateEndpointView, RequesterSide
from shared.resource_id import ResourceId


@dataclass(frozen=True, slots=True)
class Target:
    """The resource that is connected to. `tags` is None where they were not read."""

    id: ResourceId
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a decision may look at.

    Args:
        target: the resource that is connected to.
        connections: all its connections, as listed after the requesters' sides were read.
        tenants: subscription (folded) of each private endpoint -> its tenant as ARM tells it (folded), None: unknown.
        sides: name of a service requester in the policy -> what its resource answered. Absent: not read.
        private_endpoints: private endpoint id (folded) -> what it shows about this target. Absent: not read.
        bindings: name of a service requester -> its endpoints that are spent, at this target or at others too.
        shown_tenants: name of a service requester -> tenants in which approvals of it were spent, at any target.
        home_tenant: the app's own tenant, None: unknown.
        approving: connection (its key) -> rule of an approval of ours that was begun and is not yet seen Approved.
        complete: the list of connections is known to be whole; False where it came in pages that did not agree.
        unread_tenants: subscriptions whose tenant could not be read for now; asking again may tell it.
    """

    target: Target
    connections: tuple[Connection, ...]
    tenants: Mapping[str, str | None] = field(default_factory=dict)
    sides: Mapping[str, RequesterSide] = field(default_factory=dict)
    private_endpoints: Mapping[str, PrivateEndpointView] = field(default_factory=dict)
    bindings: Mapping[str, tuple[Binding, ...]] = field(default_factory=dict)
    shown_tenants: Mapping[str, frozenset[str]] = field(default_factory=dict)
    home_tenant: str | None = None
    approving: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True
    unread_tenants: frozenset[str] = frozenset()

    def tenant_of(self, connection: Connection) -> str | None:
        """The tenant of the connection's private endpoint, None where it is unknown."""
        endpoint = connection.private_endpoint
        return self.tenants.get(endpoint.subscription_id) if endpoint else None

    @property
    def whole(self) -> bool:
        """Whether the list shows every connection, once: one that shows an id twice was changed while it was read."""
        return self.complete and len({c.key for c in self.connections}) == len(self.connections)

    def may_tell_later(self, connection: Connection) -> bool:
        """Whether the tenant is unknown only because it could not be read for now."""
        endpoint = connection.private_endpoint
        return endpoint is not None and endpoint.subscription_id in self.unread_tenants
