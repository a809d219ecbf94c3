"""What a review needs of a target type, whatever its form on the wire. The adapters below this package implement it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from shared.evidence.model import Connection
from shared.firewall import Firewall
from shared.resource_id import ResourceId


@dataclass(frozen=True, slots=True)
class Operation:
    """A long-running operation of ARM. `url` is used verbatim and never logged; `retry_after` in seconds."""

    url: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class FirewallReading:
    """A target's firewall as read: `firewall` for decisions, `body` whatever the adapter needs to write it back."""

    firewall: Firewall
    body: Mapping[str, Any]


class TargetAdapter(Protocol):
    """One form of target. Every method raises the errors of `shared.errors`, never an SDK's."""

    def connections(self, target: ResourceId) -> tuple[Connection, ...]:
        """All private endpoint connections of the target (one list, all pages)."""
        ...

    def connection(self, target: ResourceId, listed: Connection) -> Connection | None:
        """One connection, read again; None when it is gone."""
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

    def tighten(self, target: ResourceId, reading: FirewallReading, wanted: Firewall) -> Operation | None:
        """Write the difference between the reading and what is wanted; the operation that runs on, if one does."""
        ...
