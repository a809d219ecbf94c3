"""Azure on paper: what a review reads, as values that a test writes down, and the decision that follows.

Gathering and deciding are the product's own; only the readers behind `shared.gather`'s protocols answer from here.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from shared.ledger.bindings import BoundEndpoint
from shared.model.connection import Connection
from shared.model.requester import (
    Binding,
    ManagedEndpoint,
    PrivateEndpointRequester,
    PrivateEndpointView,
    Requester,
    RequesterSide,
    Service,
    ServiceRequester,
)
from shared.policy.decide import decide
from shared.policy.rules import Effect, Mode, Policy, Rule, Scope
from shared.policy.verdict import Verdict
from shared.resource_id import ResourceId, parse
from shared.review.observe import Gatherer

TODAY = date(2026, 11, 21)
HOME, PARTNER, STRANGER, AME = (
    "6a1c0de0-1f00-4a5e-9c1d-0a2b3c4d5e6f",
    "bbbbbbbb-0000-4000-8000-00000000000b",
    "cccccccc-0000-4000-8000-00000000000c",
    "33e01921-4d64-4f8c-a055-5bdaffd5e33d",  # a tenant in which Microsoft keeps its customers' managed endpoints
)
OURS, PARTNERS, THEIRS, MICROSOFTS, NOBODYS = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "12345")
TENANTS = {OURS: HOME, PARTNERS: PARTNER, THEIRS: STRANGER, MICROSOFTS: AME}
GROUP = f"/subscriptions/{OURS}/resourceGroups/rg"
STORAGE = parse(f"{GROUP}/providers/Microsoft.Storage/storageAccounts/landing")
EVENT_HUBS = parse(f"{GROUP}/providers/Microsoft.EventHub/namespaces/hub")
RESOURCES = {
    Service.KUSTO: parse(f"{GROUP}/providers/Microsoft.Kusto/clusters/adxprod"),
    Service.SYNAPSE: parse(f"{GROUP}/providers/Microsoft.Synapse/workspaces/wsprod"),
    Service.DATA_FACTORY: parse(f"{GROUP}/providers/Microsoft.DataFactory/factories/adfprod"),
}
MANAGED_GROUP = f"vnet-{MICROSOFTS[:8]}-westeurope-10-rg"


def private_endpoint_id(name: str, subscription: str = MICROSOFTS, group: str = MANAGED_GROUP) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/privateEndpoints/{name}"


def sub_resource(target: ResourceId) -> str:
    """What everybody asks for at a target."""
    return "blob" if target is STORAGE else "namespace"


def connection(target: ResourceId, endpoint_id: str | None, message: str = "", status: str = "Pending") -> Connection:
    """As the target shows it: a storage account tells no sub-resource, an Event Hubs namespace does."""
    shown = None if target is STORAGE else "namespace"
    name = f"{target}/privateEndpointConnections/{uuid.uuid4()}"
    return Connection(name, endpoint_id, status, message, shown)


@dataclass
class Paper:
    """One target, what its lists show one after the other, and what everybody else answers."""

    target: ResourceId
    lists: list[tuple[Connection, ...]]
    endpoints: tuple[ManagedEndpoint, ...] = ()
    tenants: Mapping[str, str] = field(default_factory=lambda: TENANTS)
    bindings: tuple[Binding, ...] = ()
    endpoint_view: PrivateEndpointView = field(default_factory=lambda: PrivateEndpointView(readable=False))
    reads: list[str] = field(default_factory=list)

    def connections(self, target: ResourceId) -> tuple[Connection, ...]:
        assert target is self.target
        self.reads.append("list")
        return self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]

    def read(self, requester: ServiceRequester) -> RequesterSide:
        self.reads.append(requester.name)
        return RequesterSide(tuple(e for e in self.endpoints if e.id.startswith(requester.resource.key)))

    def view(self, endpoint: ResourceId, target: ResourceId) -> PrivateEndpointView:
        assert target is self.target
        self.reads.append(str(endpoint))
        return self.endpoint_view

    def decide(self, policy: Policy) -> dict[str, Verdict]:
        """Gather and decide; the verdicts by the connections' ids."""
        readers: Any = self
        gatherer = Gatherer(_Tenants(self.tenants), readers, readers, _Bindings(self))
        gathered = gatherer.gather(policy, self.target, readers, TODAY)
        return {verdict.connection.id: verdict for verdict in decide(gathered.situation, policy, TODAY)}


@dataclass(frozen=True)
class _Tenants:
    known: Mapping[str, str]

    def of(self, subscription_ids: Iterable[str]) -> dict[str, str | None]:
        return {one: self.known.get(one) for one in subscription_ids}


@dataclass(frozen=True)
class _Bindings:
    paper: Paper

    def of(self, resource: ResourceId) -> list[BoundEndpoint]:
        found = [b for b in self.paper.bindings if b.endpoint_id.startswith(resource.key)]
        return [BoundEndpoint(resource, self.paper.target, "", binding) for binding in found]


@dataclass(frozen=True)
class Genuine:
    """One managed endpoint of ours to a target, and the connection that is truly its own."""

    service: Service
    target: ResourceId
    name: str = "mpe-landing"
    message: str = "q3Jm0wV8zKf2Lr7YtXc1aB"

    @property
    def resource(self) -> ResourceId:
        return RESOURCES[self.service]

    @property
    def endpoint_name(self) -> str:
        """The name of its private endpoint."""
        suffix = "2d2eb87d-45c9-440f-9438-c9cd94befe1d"
        return f"{self.name}.{suffix}" if self.service is Service.KUSTO else f"{self.resource.name}.{self.name}"

    @property
    def description(self) -> str:
        """What the target shows as its message."""
        return self.message if self.service is Service.KUSTO else ""

    def endpoint(
        self, *, ready: bool = True, status: str = "Pending", target: ResourceId | None = None
    ) -> ManagedEndpoint:
        """As the requester's own resource shows it."""
        shows_state = self.service is not Service.KUSTO
        return ManagedEndpoint(
            id=f"{self.resource.key}/managedprivateendpoints/{self.name}",
            name=self.name,
            target_id=str(target or self.target),
            sub_resource=sub_resource(target or self.target),
            request_message=self.message if self.service is Service.KUSTO else "",
            provisioning_state="Succeeded" if ready else "Creating",
            connection_status=(status if ready else "") if shows_state else None,
            created_at=datetime(2026, 11, 20, tzinfo=UTC),
        )

    def connection(self, status: str = "Pending", description: str | None = None) -> Connection:
        shown = self.description if description is None else description
        return connection(self.target, private_endpoint_id(self.endpoint_name), shown, status)

    def binding(self) -> Binding:
        """As the ledger holds it once the connection was approved."""
        return Binding(
            self.endpoint().id, private_endpoint_id(self.endpoint_name).lower(), datetime(2026, 11, 21, tzinfo=UTC)
        )


def policy(*requesters: Requester, **of_rule: Any) -> Policy:
    """One allow rule for the requesters, for any target."""
    rule = Rule("allowed", Effect.ALLOW, tuple(r.name for r in requesters), **of_rule)
    return Policy("0" * 64, Mode.ENFORCE, Scope(frozenset({OURS})), {r.name: r for r in requesters}, (rule,))


def service_requester(service: Service, **more: Any) -> ServiceRequester:
    return replace(ServiceRequester("ours", service, RESOURCES[service]), **more)


def people(**selectors: Any) -> PrivateEndpointRequester:
    """A partner's private endpoints, by tenant and subscription."""
    known: dict[str, Any] = {"tenants": frozenset({PARTNER}), "subscriptions": frozenset({PARTNERS})}
    return PrivateEndpointRequester("partner", **{**known, **selectors})
