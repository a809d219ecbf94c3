"""What is known about a target, its connections and its requesters when a decision is made. Pure values.

The review fills a `Situation` from live reads; `python -m shared.policy explain` fills one from a file. A value of None
means unknown, and unknown never approves anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.resource_id import ResourceId, fold, try_parse
from shared.targets.types import sub_resource_key


class Check(StrEnum):
    """The names of the checks, as decisions show them (INTERFACE section 6)."""

    REQUESTER = "requester"
    TENANT = "tenant"
    SUBSCRIPTION = "subscription"
    RESOURCE_GROUP = "resourceGroup"
    PRIVATE_ENDPOINT = "privateEndpoint"
    TARGET_TYPE = "targetType"
    TARGET_SUBSCRIPTION = "targetSubscription"
    TARGET_RESOURCE_GROUP = "targetResourceGroup"
    TARGET_RESOURCE = "targetResource"
    TARGET_TAG = "targetTag"
    SUB_RESOURCE = "subResource"
    EXPIRES = "expires"
    MAX_CONNECTIONS = "maxConnections"
    NOT_FOUND = "evidence.notFound"
    NOT_READY = "evidence.notReady"
    AMBIGUOUS = "evidence.ambiguous"
    NAME = "evidence.name"
    MESSAGE = "evidence.message"
    SPENT = "evidence.spent"
    UNREADABLE = "evidence.unreadable"

    @property
    def is_evidence(self) -> bool:
        """Whether it is one of the `evidence.*` checks."""
        return self.value.startswith("evidence.")


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


@dataclass(frozen=True, slots=True)
class ManagedEndpoint:
    """A managed private endpoint as the requester's own resource shows it.

    `id` is unique within the requester and stable (folded); `connection_status` is None where the service shows no state
    at all (Data Explorer) and "" while it is empty (Synapse and Data Factory, while provisioning).
    """

    id: str
    name: str
    target_id: str
    sub_resource: str
    request_message: str = ""
    provisioning_state: str = "Succeeded"
    connection_status: str | None = None
    created_at: datetime | None = None

    def points_at(self, target: ResourceId) -> bool:
        """Whether it was made for that target."""
        parsed = try_parse(self.target_id)
        return parsed is not None and parsed.same(target)

    @property
    def ready(self) -> bool:
        """Provisioned and, where the service shows a state, waiting for the target's owner."""
        return fold(self.provisioning_state) == "succeeded" and (
            self.connection_status is None or fold(self.connection_status) == "pending"
        )

    @property
    def in_the_making(self) -> bool:
        """Still being provisioned, so that its connection may not be at the target yet."""
        if fold(self.provisioning_state) in ("failed", "canceled", "deleting", "deleted"):
            return False
        return fold(self.provisioning_state) != "succeeded" or self.connection_status == ""

    @property
    def sub_resource_key(self) -> str:
        """The sub-resource as it is compared."""
        return sub_resource_key(self.sub_resource)


@dataclass(frozen=True, slots=True)
class RequesterSide:
    """The answer of a requester's own resource: its managed private endpoints, or why they are not known.

    Where `problem` is set, `endpoints` is empty. `transient` problems (throttling, 5xx, timeouts) are tried again;
    `detail` tells an operator what is missing.
    """

    endpoints: tuple[ManagedEndpoint, ...] = ()
    problem: Check | None = None
    transient: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PrivateEndpointView:
    """A private endpoint read at its own subscription, as far as it concerns one target.

    `problem` is None where it agrees, or where it may not be read (`readable` False: subscription and tenant decide).
    """

    readable: bool
    sub_resource: str | None = None
    problem: Check | None = None
    transient: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """An endpoint that an approval of ours was spent on. Ids and sub-resource folded; times in UTC."""

    endpoint_id: str
    private_endpoint_id: str
    bound_at: datetime
    absent_since: datetime | None = None
    sub_resource: str = ""


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
        bindings: name of a service requester -> its endpoints that are spent.
        home_tenant: the app's own tenant, None: unknown.
    """

    target: Target
    connections: tuple[Connection, ...]
    tenants: Mapping[str, str | None] = field(default_factory=dict)
    sides: Mapping[str, RequesterSide] = field(default_factory=dict)
    private_endpoints: Mapping[str, PrivateEndpointView] = field(default_factory=dict)
    bindings: Mapping[str, tuple[Binding, ...]] = field(default_factory=dict)
    home_tenant: str | None = None

    def tenant_of(self, connection: Connection) -> str | None:
        """The tenant of the connection's private endpoint, None where it is unknown."""
        endpoint = connection.private_endpoint
        return self.tenants.get(endpoint.subscription_id) if endpoint else None
