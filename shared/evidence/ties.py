"""What ties a connection at a target to a managed endpoint of ours: its message, its name, its whole id. Pure.

A tie answers two questions about one pair. `carried`: does the connection carry it whole, so that it may be proven?
`may_be_carried`: could it be the endpoint's all the same, so that it stands in another's way? The second is the wider one on
purpose: whatever might be ours must not be overlooked beside what only looks like it. Neither looks at tenants or counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from shared.model.check import Check
from shared.model.connection import Connection
from shared.model.requester import ManagedEndpoint
from shared.resource_id import ResourceId, fold


class Tie(Protocol):
    """What a service gives the private endpoints that it makes for a managed one."""

    @property
    def check(self) -> Check:
        """The check that fails where a connection carries another's."""

    @property
    def by_message(self) -> bool:
        """Whether it is the request message, which the requester chooses."""

    def owner(self, resource: ResourceId) -> str | None:
        """What the first part of a private endpoint's name must be (folded); None: its name says nothing of the owner."""

    def carried(self, resource: ResourceId, connection: Connection, endpoint: ManagedEndpoint) -> bool:
        """Whether a Pending connection carries what the service gives the endpoint, whole."""

    def may_be_carried(self, resource: ResourceId, connection: Connection, endpoint: ManagedEndpoint) -> bool:
        """Whether a connection, in whatever state, could be the endpoint's."""


@dataclass(frozen=True, slots=True)
class MessageTie:
    """The request message of the managed endpoint is the description of the Pending connection.

    Whoever decides on a connection overwrites it. So the message that it was first seen with counts too, and where nobody
    saw it, that the private endpoint's name holds the managed one's.
    """

    check: Check = Check.MESSAGE
    by_message: bool = True

    def owner(self, resource: ResourceId) -> str | None:  # noqa: ARG002, D102 - see Tie, here and below
        return None

    def carried(self, resource: ResourceId, connection: Connection, endpoint: ManagedEndpoint) -> bool:  # noqa: ARG002, D102
        return connection.pending and connection.description == endpoint.request_message

    def may_be_carried(self, resource: ResourceId, connection: Connection, endpoint: ManagedEndpoint) -> bool:  # noqa: ARG002, D102
        first = connection.seen.message if connection.seen else None
        if endpoint.request_message in (connection.description, first):
            return True
        return not connection.pending and first is None and fold(endpoint.name) in fold(_name(connection))


@dataclass(frozen=True, slots=True)
class NameTie:
    """The private endpoint is named `<resource>.<endpoint>`.

    The part before the first dot is unique among the resources of one service only: another service's may have it too.
    """

    check: Check = Check.NAME
    by_message: bool = False

    def owner(self, resource: ResourceId) -> str | None:  # noqa: D102
        return fold(resource.name)

    def carried(self, resource: ResourceId, connection: Connection, endpoint: ManagedEndpoint) -> bool:  # noqa: D102
        return connection.private_endpoint is not None and self.may_be_carried(resource, connection, endpoint)

    def may_be_carried(self, resource: ResourceId, connection: Connection, endpoint: ManagedEndpoint) -> bool:  # noqa: D102
        name = fold(f"{resource.name}.{endpoint.name}")
        if connection.private_endpoint is None:
            return name in fold(connection.private_endpoint_id or "")
        return fold(connection.private_endpoint.name) == name


@dataclass(frozen=True, slots=True)
class IdTie:
    """The service tells the whole id of the private endpoint that it made."""

    check: Check = Check.PRIVATE_ENDPOINT
    by_message: bool = False

    def owner(self, resource: ResourceId) -> str | None:  # noqa: ARG002, D102
        return None

    def carried(self, resource: ResourceId, connection: Connection, endpoint: ManagedEndpoint) -> bool:  # noqa: D102
        return connection.private_endpoint is not None and self.may_be_carried(resource, connection, endpoint)

    def may_be_carried(self, resource: ResourceId, connection: Connection, endpoint: ManagedEndpoint) -> bool:  # noqa: ARG002, D102
        known = fold(endpoint.private_endpoint_id)
        return bool(known) and known == fold(connection.private_endpoint_id or "")


def named_after(connection: Connection, endpoint: ManagedEndpoint) -> bool:
    """Whether the private endpoint's name has the managed one's as a part between delimiters.

    A hint for pairing, never evidence: a service puts the managed endpoint's name into the private endpoint's.
    """
    part = re.compile(rf"(?<![a-z0-9]){re.escape(fold(endpoint.name))}(?![a-z0-9])")
    return part.search(fold(_name(connection))) is not None


def _name(connection: Connection) -> str:
    """The private endpoint's name; where its id does not parse, all that there is of it."""
    endpoint = connection.private_endpoint
    return endpoint.name if endpoint else connection.private_endpoint_id or ""
