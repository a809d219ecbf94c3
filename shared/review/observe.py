"""Gathering what a decision needs: connections, tenants, requesters' sides, bindings, as one `Situation`.

Reads only, and only what the policy's rules for this target can use. Where a requester's side was read, the target is
listed again after it, so that a connection is never decided on beside an endpoint that is newer than the list. A request
that turns up in a later list may need another requester's side: each is read once, and always before the last list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol

from shared.evidence.match import passes_for
from shared.ledger.bindings import BoundEndpoint
from shared.model.connection import Connection, Seen
from shared.model.decision import request_key
from shared.model.requester import PrivateEndpointRequester, PrivateEndpointView, RequesterSide, ServiceRequester
from shared.model.situation import Situation, Target
from shared.policy.checks import limit_checks, private_endpoint_checks, target_checks
from shared.policy.rules import Effect, Policy, Rule
from shared.resource_id import ResourceId, fold
from shared.targets.adapter import TargetAdapter


class TenantLookup(Protocol):
    """Tells the tenants of subscriptions."""

    def of(self, subscription_ids: Iterable[str]) -> dict[str, str | None]:
        """The tenant of each subscription, None where it is unknown."""
        ...


class SideReader(Protocol):
    """Reads requesters' own resources."""

    def read(self, requester: ServiceRequester) -> RequesterSide:
        """The managed private endpoints of a requester, or why they are not known."""
        ...


class ViewReader(Protocol):
    """Reads private endpoints."""

    def view(self, endpoint: ResourceId, target: ResourceId) -> PrivateEndpointView:
        """What a private endpoint shows of its connection to the target."""
        ...


class BindingReader(Protocol):
    """Reads which endpoints are spent."""

    def of(self, resource: ResourceId) -> list[BoundEndpoint]:
        """The bindings of a requester's resource."""
        ...


class Approving(Protocol):
    """An approval of ours that was begun and is not seen to have ended."""

    @property
    def connection_id(self) -> str: ...  # noqa: D102 - described by the class

    @property
    def private_endpoint_id(self) -> str | None: ...  # noqa: D102

    @property
    def rule(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Gathered:
    """A situation, the ledger's rows behind its bindings (requester name -> rows), and the sides by resource (its key)."""

    situation: Situation
    bound: dict[str, list[BoundEndpoint]] = field(default_factory=dict)
    sides: dict[str, RequesterSide] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gatherer:
    """The readers that a situation is made with."""

    tenants: TenantLookup
    sides: SideReader
    views: ViewReader
    bindings: BindingReader

    def gather(
        self,
        policy: Policy,
        target: ResourceId,
        adapter: TargetAdapter,
        today: date,
        earlier: Mapping[str, Seen] | None = None,
        approving: Iterable[Approving] = (),
    ) -> Gathered:
        """List the target's connections and read what the policy needs to decide on those that are Pending.

        `earlier`: what earlier reviews saw of each request, by its key. `approving`: the approvals that were begun.
        """
        seen = dict(earlier or {})

        def listed() -> tuple[Connection, ...]:
            return _listed(adapter, target, seen)

        begun = {(fold(a.connection_id), fold(a.private_endpoint_id or "")): a.rule for a in approving}
        approvals = {connection: rule for (connection, _), rule in begun.items()}
        situation = Situation(Target(target), listed(), approving=approvals)
        if not any(c.pending for c in situation.connections):
            return Gathered(situation)
        situation, rules = self._with_rules(situation, policy, adapter, today)
        gathered = self._with_sides(situation, policy, rules, listed)
        bindings = {
            name: tuple(replace(b, intent_open=(b.connection_id, b.private_endpoint_id) in begun) for b in known)
            for name, known in gathered.situation.bindings.items()
        }
        gathered = replace(gathered, situation=replace(gathered.situation, bindings=bindings))
        views = self._views(policy, rules, gathered.situation)
        return replace(gathered, situation=replace(gathered.situation, private_endpoints=views))

    def _with_sides(
        self, situation: Situation, policy: Policy, rules: list[Rule], listed: Callable[[], tuple[Connection, ...]]
    ) -> Gathered:
        """What the requesters' own resources answer, what is spent of it, and the connections as listed afterwards."""
        service = any(isinstance(policy.requester_of(n), ServiceRequester) for r in rules for n in r.requesters or ())
        situation = self._with_tenants(situation, decided=service)
        bound: dict[str, list[BoundEndpoint]] = {}
        asked: dict[str, RequesterSide] = {}
        while services := [s for s in _services(policy, rules, situation) if s.name not in situation.sides]:
            bound |= {s.name: self.bindings.of(s.resource) for s in services}
            asked |= {s.resource.key: self.sides.read(s) for s in _once(services) if s.resource.key not in asked}
            sides = {**situation.sides, **{s.name: asked[s.resource.key] for s in services}}
            situation = self._with_tenants(replace(situation, sides=sides, connections=listed()), decided=True)
        target = situation.target.id
        here = {name: tuple(b.binding for b in rows if b.target.same(target)) for name, rows in bound.items()}
        return Gathered(replace(situation, bindings=here), bound, asked)

    def _with_rules(
        self, situation: Situation, policy: Policy, adapter: TargetAdapter, today: date
    ) -> tuple[Situation, list[Rule]]:
        """The rules that can match this target today. Its tags are read only where one of them asks for some."""
        rules = [r for r in policy.rules if limit_checks(r, today, 0) is None]
        near = [r for r in rules if _all_but_tags(r, situation.target)]
        if any(r.targets.tags for r in near):
            situation = replace(situation, target=Target(situation.target.id, adapter.tags(situation.target.id)))
        return situation, [r for r in near if target_checks(r, situation.target) is None]

    def _with_tenants(self, situation: Situation, *, decided: bool) -> Situation:
        """The tenants of the connections' subscriptions, and the app's own (that of the target's subscription).

        Those of connections that do not wait matter beside a service's endpoints, whose connections they may be.
        """
        endpoints = [c.private_endpoint for c in situation.connections if c.pending or decided]
        subscriptions = {e.subscription_id for e in endpoints if e} - set(situation.tenants)
        own = situation.target.id.subscription_id
        found = self.tenants.of(sorted(subscriptions | {own} - set(situation.tenants)))
        tenants = {**situation.tenants, **found}
        return replace(situation, tenants=tenants, home_tenant=tenants.get(own))

    def _views(self, policy: Policy, rules: list[Rule], situation: Situation) -> dict[str, PrivateEndpointView]:
        """The private endpoints of connections that an allow rule would approve, as far as they can be read."""
        people = {
            name: requester
            for rule in rules
            if rule.effect is Effect.ALLOW
            for name in rule.requesters or ()
            if isinstance(requester := policy.requester_of(name), PrivateEndpointRequester)
        }
        views = {}
        for connection in situation.connections:
            endpoint = connection.private_endpoint
            if endpoint and connection.pending and _selected(people.values(), connection, situation):
                views[endpoint.key] = self.views.view(endpoint, situation.target.id)
        return views


def _listed(adapter: TargetAdapter, target: ResourceId, seen: dict[str, Seen]) -> tuple[Connection, ...]:
    """The target's connections with what was seen of them before; what the Pending ones say now is added to `seen`."""
    found = {request_key(c.id, c.private_endpoint_id): c for c in adapter.connections(target)}
    before = dict(seen)
    seen |= {key: replace(seen.get(key, Seen()), message=c.description) for key, c in found.items() if c.pending}
    return tuple(replace(c, seen=before.get(key)) for key, c in found.items())


def _once(services: Iterable[ServiceRequester]) -> Iterable[ServiceRequester]:
    """One requester for each resource: two names for the same one are read once."""
    return {s.resource.key: s for s in services}.values()


def _services(policy: Policy, rules: list[Rule], situation: Situation) -> list[ServiceRequester]:
    """The service requesters whose own resource must be asked: some Pending connection could be theirs."""
    pending = [c for c in situation.connections if c.pending]
    found: dict[str, ServiceRequester] = {}
    for name in dict.fromkeys(name for rule in rules for name in rule.requesters or ()):
        requester = policy.requester_of(name)
        if isinstance(requester, ServiceRequester) and any(
            passes_for(requester, c, situation.tenant_of(c)) for c in pending
        ):
            found[name] = requester
    return list(found.values())


def _selected(people: Iterable[PrivateEndpointRequester], connection: Connection, situation: Situation) -> bool:
    return any(private_endpoint_checks(p, connection, situation, allow=True) == (None, None) for p in people)


def _all_but_tags(rule: Rule, target: Target) -> bool:
    return target_checks(replace(rule, targets=replace(rule.targets, tags={})), target) is None
