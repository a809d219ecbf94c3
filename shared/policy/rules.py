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

from shared.model.firewall import FirewallWish
from shared.model.requester import MICROSOFT_TENANTS, Requester, ServiceRequester
from shared.policy.index import PolicyIndex
from shared.resource_id import ResourceId, parse


class Mode(StrEnum):
    """`audit` decides, records and alerts, and changes nothing; `enforce` acts."""

    AUDIT = "audit"
    ENFORCE = "enforce"


class Effect(StrEnum):
    """What a matching rule does. A matching reject beats deny, which beats allow."""

    ALLOW = "allow"
    DENY = "deny"
    REJECT = "reject"


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
class Targets:
    """Selectors, ANDed; values within one, ORed; an empty selector means "any" (the word `any` leaves all empty)."""

    types: frozenset[str] = frozenset()
    subscriptions: frozenset[str] = frozenset()
    resource_groups: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `requesters` is None for the word `any`; `line` is its line in the document, for messages."""

    name: str
    effect: Effect
    requesters: tuple[str, ...] | None
    targets: Targets = Targets()
    sub_resources: frozenset[str] = frozenset()
    firewall: FirewallWish | None = None
    owner: str | None = None
    expires: date | None = None
    max_connections: int | None = None
    mode: Mode = Mode.ENFORCE
    line: int = 0


@dataclass(frozen=True)
class Policy:
    """A valid policy.

    `hash` is the SHA-256 of its `text` (hexadecimal; "" where it was not made of one); `requesters` and `rules` keep the
    file's order.
    """

    hash: str
    mode: Mode
    scope: Scope
    requesters: Mapping[str, Requester]
    rules: tuple[Rule, ...]
    text: str = field(default="", compare=False, repr=False)

    @cached_property
    def index(self) -> PolicyIndex:
        """Which rules a connection can concern."""
        return PolicyIndex([rule.requesters for rule in self.rules], self.requesters.values())

    @cached_property
    def managed_tenants(self) -> frozenset[str]:
        """The tenants in which services keep their private endpoints, of every customer: nobody is known by one of them."""
        services = [r for r in self.requesters.values() if isinstance(r, ServiceRequester)]
        return MICROSOFT_TENANTS.union(*(r.endpoint_tenants for r in services))

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name and id in the policy, in Unicode's folded case: a request message that holds one is no secret."""
        found = {*self.requesters, *(rule.name for rule in self.rules)}
        found |= self.scope.subscriptions | self.scope.management_groups
        ids = set(self.scope.resource_groups)
        for requester in self.requesters.values():
            if isinstance(requester, ServiceRequester):
                ids.add(requester.resource.key)
                found |= requester.endpoint_tenants
            else:
                ids |= requester.resource_groups | requester.private_endpoints
                found |= requester.tenants | requester.subscriptions
        for rule in self.rules:
            ids |= rule.targets.resource_groups | rule.targets.resources
            found |= rule.targets.subscriptions
        for resource in map(parse, ids):
            found |= {resource.subscription_id, resource.resource_group, *resource.names}
        return frozenset(name.casefold() for name in found)

    def requester_of(self, name: str) -> Requester:
        """The requester of that name; a KeyError is a defect, since loading checks every name."""
        return self.requesters[name]
