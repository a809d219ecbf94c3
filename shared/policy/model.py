"""The policy as the decision sees it: frozen, complete and already validated. Pure.

Every id, GUID and type in it is folded (`resource_id.fold`) where it is kept as text, so equal texts name one thing.
`document.load` makes it from YAML; nothing else does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from shared.resource_id import ResourceId

if TYPE_CHECKING:
    from shared.policy.index import PolicyIndex

HOME = "home"
"""The word that stands for the app's own tenant in a requester's `tenants`."""

MICROSOFT_TENANTS = frozenset({"33e01921-4d64-4f8c-a055-5bdaffd5e33d", "f8cdef31-a31e-4b4a-93e4-5f571e91255a"})
"""Tenants in which Microsoft's services keep managed private endpoints, of every customer: AME and Microsoft Services.

Source: public code that resolves the tenants of private endpoints (facts/requesters.md, section 2). Which of them holds
which service's endpoints is not published: `endpointTenants` of a requester replaces the list for that requester.
"""


class Mode(StrEnum):
    """`audit` decides, records and alerts, and changes nothing; `enforce` acts."""

    AUDIT = "audit"
    ENFORCE = "enforce"


class Effect(StrEnum):
    """What a matching rule does. A matching reject beats deny, which beats allow."""

    ALLOW = "allow"
    DENY = "deny"
    REJECT = "reject"


class Service(StrEnum):
    """Who makes the private endpoint: a service on behalf of a resource of ours, or people in their subscriptions."""

    KUSTO = "kusto"
    SYNAPSE = "synapse"
    DATA_FACTORY = "dataFactory"
    PRIVATE_ENDPOINT = "privateEndpoint"


@dataclass(frozen=True, slots=True)
class Scope:
    """Nothing outside this union is read or written. Subscriptions and group ids folded, management groups by name."""

    subscriptions: frozenset[str] = frozenset()
    resource_groups: frozenset[str] = frozenset()
    management_groups: frozenset[str] = frozenset()

    def covers(self, resource: ResourceId, in_management_groups: frozenset[str] = frozenset()) -> bool:
        """Whether the resource lies inside.

        Args:
            resource: the resource (or group, or subscription) that is asked about.
            in_management_groups: the subscriptions (folded) found below `management_groups`.
        """
        return (
            resource.subscription_id in self.subscriptions
            or resource.subscription_id in in_management_groups
            or (bool(resource.resource_group) and resource.group.key in self.resource_groups)
        )


@dataclass(frozen=True, slots=True)
class ServiceRequester:
    """An Azure service that makes private endpoints on behalf of a resource of ours."""

    name: str
    service: Service
    resource: ResourceId
    require_message: bool = False
    endpoint_tenants: frozenset[str] = MICROSOFT_TENANTS


@dataclass(frozen=True, slots=True)
class PrivateEndpointRequester:
    """Private endpoints that people make. An empty selector means "any"; `tenants` may hold the word `home`."""

    name: str
    tenants: frozenset[str] = frozenset()
    subscriptions: frozenset[str] = frozenset()
    resource_groups: frozenset[str] = frozenset()
    private_endpoints: frozenset[str] = frozenset()
    service: Service = Service.PRIVATE_ENDPOINT


Requester = ServiceRequester | PrivateEndpointRequester


@dataclass(frozen=True, slots=True)
class Targets:
    """Selectors, ANDed; values within one, ORed; an empty selector means "any" (the word `any` leaves all empty)."""

    types: frozenset[str] = frozenset()
    subscriptions: frozenset[str] = frozenset()
    resource_groups: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FirewallRule:
    """What a rule asks of the target's firewall once its connection is approved and settled."""

    public_network_access: str | None = None  # "selectedNetworks", "disabled", or None: as it is
    trusted_services: str = "keep"  # "keep" or "deny"
    settle_seconds: int = 120

    def combine(self, other: FirewallRule) -> FirewallRule:
        """The stricter of both in every part: disabled over selectedNetworks over None, deny over keep, longer wait."""
        order = (None, "selectedNetworks", "disabled")
        return FirewallRule(
            max(self.public_network_access, other.public_network_access, key=order.index),
            "deny" if "deny" in (self.trusted_services, other.trusted_services) else "keep",
            max(self.settle_seconds, other.settle_seconds),
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `requesters` is None for the word `any`; `line` is its line in the document, for messages."""

    name: str
    effect: Effect
    requesters: tuple[str, ...] | None
    targets: Targets = Targets()
    sub_resources: frozenset[str] = frozenset()
    firewall: FirewallRule | None = None
    owner: str | None = None
    expires: date | None = None
    max_connections: int | None = None
    mode: Mode = Mode.ENFORCE
    line: int = 0


@dataclass(frozen=True)
class Policy:
    """A valid policy. `hash` is the SHA-256 of its text (hexadecimal); `requesters` and `rules` keep the file's order."""

    hash: str
    mode: Mode
    scope: Scope
    requesters: Mapping[str, Requester]
    rules: tuple[Rule, ...]

    @cached_property
    def index(self) -> PolicyIndex:
        """Which rules a connection can concern."""
        from shared.policy.index import PolicyIndex

        return PolicyIndex(self.rules, self.requesters.values())

    def requester_of(self, name: str) -> Requester:
        """The requester of that name; a KeyError is a defect, since loading checks every name."""
        return self.requesters[name]
