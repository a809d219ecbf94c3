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

from shared.model.firewall import FirewallWish
from shared.model.requester import Requester
from shared.resource_id import ResourceId

if TYPE_CHECKING:
    from shared.policy.index import PolicyIndex


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
