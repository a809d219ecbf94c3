"""Observing: everything that a decision rests on, read in an order that can be relied on, as one `Observation`.

Reads only, and only what the policy's rules for this target can use. Where a requester's side was read, the target is listed
again after it, and the side is read once more after that list: only endpoints that are the same in both reads count, so
that a connection is never decided on beside an endpoint that the list is too old, or too young, for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from shared.errors import ApproverError, TransientError
from shared.evidence.match import passes_for
from shared.ledger.record import Phase, Record
from shared.ledger.sealing import TRACE
from shared.model.connection import Connection, Seen
from shared.model.decision import Outcome
from shared.model.requester import (
    Binding,
    ManagedEndpoint,
    PrivateEndpointRequester,
    PrivateEndpointView,
    Requester,
    RequesterSide,
    ServiceRequester,
)
from shared.model.situation import Situation, Target
from shared.policy.checks import limit_checks, private_endpoint_checks, target_checks
from shared.policy.decide import decide
from shared.policy.rules import Effect, Policy, Rule
from shared.policy.verdict import Verdict
from shared.requesters.tenants import TenantAnswer
from shared.resource_id import ResourceId, fold
from shared.review.observation import Needs, Observation, Unread, key_of
from shared.review.waiting import with_pair_warnings
from shared.targets.adapter import FirewallReading, TargetAdapter


class TenantLookup(Protocol):
    """Tells the tenants of subscriptions."""

    def of(self, subscription_ids: Iterable[str], *, fresh: bool = False) -> dict[str, TenantAnswer]:
        """What is known of the tenant of each subscription; `fresh`: ask now, whatever is remembered."""
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


@dataclass(frozen=True, slots=True)
class Observer:
    """The readers that an observation is made with.

    `shown_tenants` tells in which tenants approvals of a requester's resource were spent; `is_trace_of` knows a random
    message again by its trace, which is all that is kept of it; `clock` counts seconds.
    """

    tenants: TenantLookup
    sides: SideReader
    views: ViewReader
    shown_tenants: Callable[[str], frozenset[str]]
    is_trace_of: Callable[[str, str], bool]
    now: Callable[[], datetime]
    clock: Callable[[], float]

    def observe(
        self,
        policy: Policy,
        target: ResourceId,
        adapter: TargetAdapter,
        record: Record,
        listed_at: datetime | None = None,
    ) -> Observation:
        """List the target's connections, read what the policy needs to decide on the Pending ones, and decide.

        `listed_at`: the storage service's time before the list.

        Raises:
            NotFoundError: ARM says that there is no such target.
            ApproverError: it could not be read.
        """
        return _Reading(self, policy, target, adapter, record).observation(listed_at)

    def read(self, seen: Observation, needs: Needs, policy: Policy, adapter: TargetAdapter) -> Observation:
        """Read what a plan needs beyond what was seen."""
        if needs.firewall:
            seen = self.with_firewall(seen, adapter)
        if needs.tags:
            target = Target(seen.target, adapter.tags(seen.target))
            seen = replace(seen, situation=replace(seen.situation, target=target))
        if needs.sides:
            asked = [r for n in sorted(needs.sides) if isinstance(r := policy.requester_of(n), ServiceRequester)]
            seen = replace(seen, sides={**seen.sides, **{r.resource.key: self.sides.read(r) for r in asked}})
        if needs.connections:
            seen = replace(seen, found={**seen.found, **self._found(seen, needs.connections, adapter)})
        return seen

    def with_firewall(self, seen: Observation, adapter: TargetAdapter) -> Observation:
        """The observation with the firewall as it is now, or why it cannot be read."""
        at = self.clock()
        firewall: FirewallReading | Unread
        try:
            firewall = adapter.firewall(seen.target)
        except ApproverError as error:
            firewall = unread(error)
        return replace(seen, firewall=firewall, firewall_at=at)

    @staticmethod
    def _found(seen: Observation, keys: Iterable[str], adapter: TargetAdapter) -> dict[str, bool]:
        """Whether connections that the list does not show are there after all; one that cannot be read counts as there."""
        found = {}
        for key in keys:
            request = seen.record.requests[key]
            listed = Connection(request.connection_id, request.private_endpoint_id, "")
            try:
                now = adapter.connection(seen.target, listed)
            except ApproverError:
                found[key] = True
            else:
                found[key] = now is not None and key_of(now) == key
        return found


def unread(error: ApproverError) -> Unread:
    """What a failed read means."""
    transient = isinstance(error, TransientError)
    return Unread(str(error), transient, getattr(error, "retry_after", None))


class _Reading:
    """One observation in the making."""

    def __init__(
        self, observer: Observer, policy: Policy, target: ResourceId, adapter: TargetAdapter, record: Record
    ) -> None:
        self.observer = observer
        self.policy = policy
        self.adapter = adapter
        self.record = record
        self.today = observer.now().date()
        self.seen = dict(record.seen())
        self.read_at = observer.clock()
        self.situation = Situation(Target(target), ())

    def observation(self, listed_at: datetime | None) -> Observation:
        self._list()
        sides: dict[str, RequesterSide] = {}
        if any(c.pending for c in self.situation.connections):
            rules = self._rules()
            sides = self._read_sides(rules)
            self.situation = replace(
                self.situation,
                private_endpoints=self._views(rules),
                bindings=self._bindings(),
                shown_tenants={
                    name: self.observer.shown_tenants(str(requester.resource))
                    for name in self.situation.sides
                    if isinstance(requester := self.policy.requester_of(name), ServiceRequester)
                },
                approving=self._approving(),
            )
        self.situation = replace(self.situation, connections=self._known_messages())
        verdicts = self._decide()
        return Observation(
            target=self.situation.target.id,
            record=self.record,
            situation=self.situation,
            verdicts=verdicts,
            read_at=self.read_at,
            listed_at=listed_at,
            sides=sides,
        )

    def _list(self) -> None:
        """List the connections, with what was seen of them before; what the Pending ones say now is noted."""
        target = self.situation.target.id
        self.read_at = self.observer.clock()
        listed = self.adapter.list_connections(target)
        found = {key_of(c): c for c in listed.connections}
        before = dict(self.seen)
        for key, connection in found.items():
            if connection.pending:
                self.seen[key] = replace(self.seen.get(key, Seen()), message=connection.description)
        connections = tuple(replace(c, seen=before.get(key)) for key, c in found.items())
        self.situation = replace(self.situation, connections=connections, complete=listed.agreed)

    def _rules(self) -> list[Rule]:
        """The rules that can match this target today. Its tags are read only where one of them asks for some."""
        target = self.situation.target
        rules = [r for r in self.policy.rules if limit_checks(r, self.today, 0) is None]
        near = [r for r in rules if _all_but_tags(r, target)]
        if any(r.targets.tags for r in near):
            target = Target(target.id, self.adapter.tags(target.id))
            self.situation = replace(self.situation, target=target)
        return [r for r in near if target_checks(r, target) is None]

    def _read_sides(self, rules: list[Rule]) -> dict[str, RequesterSide]:
        """The requesters' own resources, each before and after the last list; answers them as read last, by resource."""
        service = any(
            isinstance(self.policy.requester_of(n), ServiceRequester) for r in rules for n in r.requesters or ()
        )
        self._tenants(decided=service)
        before: dict[str, RequesterSide] = {}
        asked: dict[str, ServiceRequester] = {}
        while services := [s for s in self._services(rules) if s.name not in asked]:
            asked |= {s.name: s for s in services}
            for one in services:
                if one.resource.key not in before:
                    before[one.resource.key] = self.observer.sides.read(one)
            self._list()
            self._tenants(decided=True)
        after = {key: self.observer.sides.read(one) for key, one in _once(asked.values()).items()}
        agreed = {key: agreeing(before[key], after[key]) for key in after}
        sides = {name: agreed[one.resource.key] for name, one in asked.items()}
        self.situation = replace(self.situation, sides=sides)
        return after

    def _services(self, rules: list[Rule]) -> list[ServiceRequester]:
        """The service requesters whose own resource must be asked: some Pending connection could be theirs."""
        pending = [c for c in self.situation.connections if c.pending]
        found: dict[str, ServiceRequester] = {}
        for name in dict.fromkeys(name for rule in rules for name in rule.requesters or ()):
            requester = self.policy.requester_of(name)
            if isinstance(requester, ServiceRequester) and any(
                passes_for(requester, c, self.situation.tenant_of(c)) for c in pending
            ):
                found[name] = requester
        return list(found.values())

    def _tenants(self, *, decided: bool) -> None:
        """The tenants of the connections' subscriptions, and the app's own (that of the target's subscription).

        With a service's endpoints those of decided connections are needed too: an endpoint may show a decision late, or
        never, so that such a connection may still be its own.
        """
        situation = self.situation
        endpoints = [c.private_endpoint for c in situation.connections if c.pending or decided]
        own = situation.target.id.subscription_id
        wanted = {e.subscription_id for e in endpoints if e} | {own}
        self._told(self.observer.tenants.of(sorted(wanted - situation.tenants.keys())))

    def _known_messages(self) -> tuple[Connection, ...]:
        """The connections with the messages that they were first seen with, where an endpoint shows the same one."""
        messages = {
            e.request_message for side in self.situation.sides.values() for e in side.endpoints if e.request_message
        }

        def known(connection: Connection) -> Connection:
            seen = connection.seen
            if seen is None or seen.message is None or not seen.message.startswith(TRACE):
                return connection
            trace = seen.message
            message = next((m for m in sorted(messages) if self.observer.is_trace_of(trace, m)), trace)
            return replace(connection, seen=replace(seen, message=message))

        return tuple(known(c) for c in self.situation.connections)

    def _told(self, answers: Mapping[str, TenantAnswer]) -> None:
        tenants = {**self.situation.tenants, **{key: answer.tenant for key, answer in answers.items()}}
        unread = self.situation.unread_tenants - answers.keys()
        unread |= {key for key, answer in answers.items() if answer.unreadable is not None}
        home = tenants.get(self.situation.target.id.subscription_id)
        self.situation = replace(self.situation, tenants=tenants, unread_tenants=frozenset(unread), home_tenant=home)

    def _decide(self) -> tuple[Verdict, ...]:
        """The verdicts. Where an approval rests on a tenant alone, the tenant is asked for anew, and decided again."""
        verdicts = decide(self.situation, self.policy, self.today)
        alone = {
            endpoint.subscription_id
            for verdict in verdicts
            if verdict.outcome is Outcome.APPROVED
            and isinstance(verdict.requester, PrivateEndpointRequester)
            and not (
                verdict.requester.subscriptions
                or verdict.requester.resource_groups
                or verdict.requester.private_endpoints
            )
            and (endpoint := verdict.connection.private_endpoint)
        }
        if alone:
            self._told(self.observer.tenants.of(sorted(alone), fresh=True))
            verdicts = decide(self.situation, self.policy, self.today)
        return with_pair_warnings(verdicts, self.situation)

    def _views(self, rules: list[Rule]) -> dict[str, PrivateEndpointView]:
        """The private endpoints of connections that an allow rule would approve, as far as they can be read."""
        people = [
            requester
            for name in dict.fromkeys(n for r in rules if r.effect is Effect.ALLOW for n in r.requesters or ())
            if isinstance(requester := self.policy.requester_of(name), PrivateEndpointRequester)
        ]
        views = {}
        for connection in self.situation.connections:
            endpoint = connection.private_endpoint
            if endpoint and connection.pending and _selected(people, connection, self.situation):
                views[endpoint.key] = self.observer.views.view(endpoint, self.situation.target.id)
        return views

    def _bindings(self) -> dict[str, tuple[Binding, ...]]:
        """The endpoints that approvals were spent on, by the name of their requester."""
        return {
            name: bindings_of(self.record, requester)
            for name, requester in self.policy.requesters.items()
            if isinstance(requester, ServiceRequester)
        }

    def _approving(self) -> dict[str, str]:
        """The connections that intents of ours are about to approve, and the rule of each."""
        return {
            fold(intent.decision.connection_id or ""): intent.decision.rule or ""
            for intent in self.record.intents.values()
            if intent.approves and intent.phase is Phase.DECIDING
        }


def bindings_of(record: Record, requester: ServiceRequester) -> tuple[Binding, ...]:
    """The bindings of one requester's endpoints, as the evidence looks at them."""
    deciding = {
        (fold(i.decision.connection_id or ""), fold(i.decision.private_endpoint_id or ""))
        for i in record.intents.values()
        if i.approves and i.phase is Phase.DECIDING
    }
    return tuple(
        Binding(
            endpoint_id=spent.endpoint_id,
            private_endpoint_id=spent.private_endpoint_id,
            bound_at=spent.bound_at,
            absent_since=spent.absent_since,
            sub_resource=spent.sub_resource,
            connection_id=fold(spent.connection_id),
            intent_open=(fold(spent.connection_id), spent.private_endpoint_id) in deciding,
            tenant_id=spent.tenant_id,
        )
        for spent in record.spent.values()
        if fold(spent.resource) == requester.resource.key
    )


def agreeing(before: RequesterSide, after: RequesterSide) -> RequesterSide:
    """A side that was read twice: what only one read shows, or both show differently, is not to be relied on.

    It is kept as unstable, so that it proves nothing and still blocks.
    """
    if before.problem is not None or after.problem is not None:
        return before if before.problem is not None else after
    was = {endpoint.id: endpoint for endpoint in before.endpoints}
    now = {endpoint.id: endpoint for endpoint in after.endpoints}
    return RequesterSide(tuple(_stable(was.get(key), now.get(key)) for key in was | now))


def _stable(before: ManagedEndpoint | None, after: ManagedEndpoint | None) -> ManagedEndpoint:
    known = after or before
    if known is None:
        raise ValueError("an endpoint in neither read")
    return known if before == after else replace(known, stable=False)


def _once(services: Iterable[ServiceRequester]) -> Mapping[str, ServiceRequester]:
    """One requester for each resource (its key): two names for the same one are read once."""
    return {s.resource.key: s for s in services}


def _by_tenant_alone(requester: Requester | None) -> bool:
    """Whether nothing but the tenant says which private endpoints are this requester's."""
    return isinstance(requester, PrivateEndpointRequester) and not (
        requester.subscriptions or requester.resource_groups or requester.private_endpoints
    )


def _selected(people: Iterable[PrivateEndpointRequester], connection: Connection, situation: Situation) -> bool:
    return any(private_endpoint_checks(p, connection, situation, allow=True) == (None, None) for p in people)


def _all_but_tags(rule: Rule, target: Target) -> bool:
    return target_checks(replace(rule, targets=replace(rule.targets, tags={})), target) is None
