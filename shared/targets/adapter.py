"""What a review needs of a target type, whatever its form on the wire. The adapters in this package implement it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.azure.operations import Operation
from shared.model.connection import Connection
from shared.model.firewall import Firewall
from shared.resource_id import ResourceId
from shared.targets.firewalls.form import FirewallState, Request


@dataclass(frozen=True, slots=True)
class FirewallReading:
    """A target's firewall as read.

    `firewall` is for decisions; `state` is what is kept, compared and put back (`targets.firewalls`); `parts` is what ARM
    answered; `obstacle` says why this resource must not be written at all, None where it may.
    """

    firewall: Firewall
    state: FirewallState
    parts: Mapping[str, Any] = field(repr=False)
    obstacle: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectionList:
    """The private endpoint connections of a target.

    `pages` is how many pages the list had. Between two of them a connection can go from the one that is not read yet to the
    one that is, and never be listed; so a list of several pages is read again until two in a row are the same. `agreed` is
    False where they never were: then the list proves nothing of what is not in it.
    """

    connections: tuple[Connection, ...]
    pages: int = 1
    agreed: bool = True


class TargetAdapter(Protocol):
    """One form of target. Every method raises the errors of `shared.errors`, never an SDK's."""

    def exists(self, target: ResourceId) -> bool:
        """Whether the target is there: False only where ARM answers its GET with 404."""
        ...

    def list_connections(self, target: ResourceId) -> ConnectionList:
        """All private endpoint connections of the target, and how far the list can be relied on."""
        ...

    def connections(self, target: ResourceId) -> tuple[Connection, ...]:
        """The same for who needs only the connections."""
        ...

    def connection(self, target: ResourceId, listed: Connection) -> Connection | None:
        """One connection, read again; None only where ARM answers 404 (a key vault: 204)."""
        ...

    def decide(self, target: ResourceId, listed: Connection, status: str, description: str) -> Operation | None:
        """PUT the whole connection with a new status and description; the operation that runs on, if one does."""
        ...

    def tags(self, target: ResourceId) -> Mapping[str, str]:
        """The target's tags."""
        ...

    def firewall(self, target: ResourceId) -> FirewallReading:
        """The target's firewall."""
        ...

    def to_firewall(self, state: FirewallState) -> Firewall:
        """A state that was kept, in words."""
        ...

    def tightened(self, reading: FirewallReading, wanted: Firewall) -> FirewallState:
        """The state that was read, as strict as the words want it. Sends nothing."""
        ...

    def step(self, reading: FirewallReading, wanted: FirewallState) -> Request | None:
        """The next request on the way from the reading to a state; None when it is reached. Sends nothing."""
        ...

    def send(self, target: ResourceId, request: Request) -> Operation | None:
        """Send such a request; the operation that runs on, if one does. Read again before the next step."""
        ...
