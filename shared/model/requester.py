"""Who asks for a connection, as the policy names it, and what the requester's own side shows. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.model.check import FailedCheck
from shared.model.target_types import sub_resource_key
from shared.resource_id import ResourceId, fold, try_parse

HOME = "home"
"""The word that stands for the app's own tenant in a requester's `tenants`."""


MICROSOFT_TENANTS = frozenset({"33e01921-4d64-4f8c-a055-5bdaffd5e33d", "f8cdef31-a31e-4b4a-93e4-5f571e91255a"})
"""Tenants in which Microsoft's services keep managed private endpoints, of every customer: AME and Microsoft Services.

Source: public code that resolves the tenants of private endpoints. Which of them holds
which service's endpoints is not published: `endpointTenants` of a requester replaces the list for that requester.
"""


PRIVATE_ENDPOINT = "privateEndpoint"
"""The word in a policy for private endpoints that people make. Those for services are in `evidence.kinds`."""


@dataclass(frozen=True, slots=True)
class ServiceRequester:
    """An Azure service that makes private endpoints on behalf of a resource of ours.

    `service` is one of `evidence.kinds`. `tenants_named`: the policy itself says which tenants the service keeps its private
    endpoints in, so a connection from another one certainly is not this requester's.
    """

    name: str
    service: str
    resource: ResourceId
    require_message: bool = False
    endpoint_tenants: frozenset[str] = MICROSOFT_TENANTS
    tenants_named: bool = False


@dataclass(frozen=True, slots=True)
class PrivateEndpointRequester:
    """Private endpoints that people make. An empty selector means "any"; `tenants` may hold the word `home`."""

    name: str
    tenants: frozenset[str] = frozenset()
    subscriptions: frozenset[str] = frozenset()
    resource_groups: frozenset[str] = frozenset()
    private_endpoints: frozenset[str] = frozenset()
    service: str = PRIVATE_ENDPOINT


Requester = ServiceRequester | PrivateEndpointRequester


@dataclass(frozen=True, slots=True)
class ManagedEndpoint:
    """A managed private endpoint as the requester's own resource shows it.

    `id` is unique within the requester and stable (folded); `connection_status` is None where the service shows no state
    at all (Data Explorer) and "" while it is empty (Synapse and Data Factory, while provisioning). `private_endpoint_id`
    is the private endpoint that was made for it, "" where the service does not tell it. `stable`: two reads of the
    requester's side, one before and one after the list of connections, agreed on it (id, creation, state).
    """

    id: str
    name: str
    target_id: str
    sub_resource: str
    request_message: str = ""
    provisioning_state: str = "Succeeded"
    connection_status: str | None = None
    created_at: datetime | None = None
    private_endpoint_id: str = ""
    stable: bool = True

    def points_at(self, target: ResourceId) -> bool:
        """Whether it was made for that target."""
        parsed = try_parse(self.target_id)
        return parsed is not None and parsed.same(target)

    @property
    def ready(self) -> bool:
        """Provisioned and, where the service shows a state, waiting for the target's owner; so in both reads."""
        waits = self.connection_status is None or fold(self.connection_status) == "pending"
        return self.stable and fold(self.provisioning_state) == "succeeded" and waits

    @property
    def in_the_making(self) -> bool:
        """Still being provisioned or changing, so that its connection may not be at the target yet, or not any more."""
        if not self.stable:
            return True
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

    Where `problem` is set, `endpoints` is empty; what it found tells an operator what is missing. A problem that may pass
    (throttling, 5xx, timeouts) is `waiting`.
    """

    endpoints: tuple[ManagedEndpoint, ...] = ()
    problem: FailedCheck | None = None


@dataclass(frozen=True, slots=True)
class PrivateEndpointView:
    """A private endpoint read at its own subscription, as far as it concerns one target.

    `problem` is None where it agrees, or where it may not be read (`readable` False: subscription and tenant decide).
    """

    readable: bool
    sub_resource: str | None = None
    problem: FailedCheck | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """An endpoint that an approval of ours was spent on. Ids, tenant and sub-resource folded; times in UTC.

    `connection_id` is the connection that was approved under `private_endpoint_id`; `intent_open`: that approval was begun
    and has not been seen to end. `tenant_id` is the private endpoint's tenant as it was then, None: not known.
    """

    endpoint_id: str
    private_endpoint_id: str
    bound_at: datetime
    absent_since: datetime | None = None
    sub_resource: str = ""
    connection_id: str = ""
    intent_open: bool = False
    tenant_id: str | None = None
