"""A private endpoint connection as its target shows it. Pure values; None means unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.resource_id import ResourceId, fold, try_parse


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a request before: the message that it asked with (None: it was decided already), and since when.

    Whoever decides on a request overwrites its message, and no target tells since when it has a connection.
    """

    message: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """A private endpoint connection as the target shows it.

    `description` is the requester's message while `status` is Pending. `seen` is what an earlier list showed, None: none
    did. `sub_resource` is None where none is shown.
    `provisioned` is False only while an operation on the connection still runs (each adapter knows its type's words);
    `failed` says that its last one did not succeed.
    `body` is the whole connection as ARM gave it, to be sent back whole; no decision looks at it.
    """

    id: str
    private_endpoint_id: str | None
    status: str
    description: str = ""
    sub_resource: str | None = None
    provisioned: bool = True
    failed: bool = False
    seen: Seen | None = None
    body: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def key(self) -> str:
        """The connection's id, folded."""
        return fold(self.id)

    @property
    def name(self) -> str:
        """The connection's own name: the last segment of its id."""
        return self.id.rpartition("/")[2]

    @property
    def private_endpoint(self) -> ResourceId | None:
        """The private endpoint's id, parsed; None where it is missing or is not the id of a private endpoint."""
        parsed = try_parse(self.private_endpoint_id)
        return parsed if parsed and parsed.is_type("Microsoft.Network/privateEndpoints") else None

    @property
    def private_endpoint_key(self) -> str | None:
        """The private endpoint's id, folded; None where there is none that parses."""
        endpoint = self.private_endpoint
        return endpoint.key if endpoint else None

    @property
    def message(self) -> str | None:
        """The message that it asked with; None where nobody saw it Pending."""
        if self.pending:
            return self.description
        return self.seen.message if self.seen else None

    def has_status(self, status: str) -> bool:
        """Whether the connection is in that state, without regard to case."""
        return fold(self.status) == fold(status)

    @property
    def pending(self) -> bool:
        """Whether somebody has still to decide on it."""
        return self.has_status("Pending")

    @property
    def approved(self) -> bool:
        """Whether it carries traffic, or is about to."""
        return self.has_status("Approved")

    @property
    def decided(self) -> bool:
        """Whether somebody has approved or rejected it, so that its endpoint has had its answer."""
        return self.approved or self.has_status("Rejected")
