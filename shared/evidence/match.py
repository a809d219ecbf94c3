"""Which connection belongs to which managed endpoint: ties, groups, pairing, spent. Pure; all services share it.

Decides whether a service requester's own resource proves a Pending connection. It does not decide whether any rule allows
that. What stands in the way of a proof is wider than what can be proven, and everything uncertain makes a connection wait
or be held, never proven.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from shared.evidence.kinds import kind_of
from shared.evidence.pairing import pair
from shared.evidence.proof import Proof, states, unknown_tenant, unproven
from shared.evidence.random_message import LENGTH, weakness
from shared.evidence.spent import CLOCK_SKEW, is_own, is_used, standing
from shared.evidence.ties import named_after
from shared.model.check import Certainty, Check, FailedCheck
from shared.model.connection import Connection
from shared.model.requester import ManagedEndpoint, RequesterSide, ServiceRequester
from shared.model.situation import Situation
from shared.model.target_types import sub_resource_key
from shared.resource_id import fold

_Group = tuple[list[Connection], list[ManagedEndpoint]]


def passes_for(requester: ServiceRequester, connection: Connection, tenant: str | None) -> bool:
    """Whether a connection could be proven this requester's; where this is False its resource need not be asked."""
    return _disclaimer(requester, connection) is None and (tenant is None or tenant in requester.endpoint_tenants)


def prove(requester: ServiceRequester, situation: Situation, names: Collection[str] = ()) -> dict[str, Proof]:
    """The proof, or what is missing, for each Pending connection of the situation, by the connection's key.

    `names` are those of the policy: a message that holds one is not random (`random_message.weakness`).
    """
    return _Matcher(requester, situation, names).proofs()


def guessable(message: str, requester: ServiceRequester, situation: Situation, names: Collection[str]) -> str | None:
    """Why a request message of the requester's to this target could be guessed; None where it is random."""
    ids = (situation.target.id, requester.resource)
    known = {part.casefold() for i in ids for part in (i.subscription_id, i.resource_group, *i.names)}
    return weakness(message, known | {requester.name.casefold()} | set(names))


def _disclaimer(requester: ServiceRequester, connection: Connection) -> FailedCheck | None:
    """The failed check of a connection that by its private endpoint's id cannot be this requester's."""
    endpoint = connection.private_endpoint
    if endpoint is None:
        return FailedCheck(Check.PRIVATE_ENDPOINT, "the id of a private endpoint", connection.private_endpoint_id)
    owner = kind_of(requester).tie.owner(requester.resource)
    if owner is None or fold(endpoint.name.partition(".")[0]) == owner:
        return None
    return FailedCheck(Check.REQUESTER, f"a private endpoint named {requester.resource.name}.<endpoint>", endpoint.name)


class _Matcher:
    """The matching of one requester's endpoints with one target's connections."""

    def __init__(self, requester: ServiceRequester, situation: Situation, names: Collection[str]) -> None:
        self.requester = requester
        self.situation = situation
        self.tie = kind_of(requester).tie
        self.side = situation.sides.get(requester.name)
        side = self.side or RequesterSide()
        self.pointing = [e for e in side.endpoints if e.points_at(situation.target.id)]
        own = situation.bindings.get(requester.name, ())
        alike = (lambda e: e.request_message) if self.tie.by_message else (lambda e: e.id)
        self.bound = standing(own, self.pointing, situation.connections, alike)
        self.open = [e for e in self.pointing if (e.ready or e.in_the_making) and not self._is_spent(e)]
        shown = situation.shown_tenants.get(requester.name, frozenset()) | {b.tenant_id for b in own}
        self.tenants_known = requester.tenants_named or not requester.endpoint_tenants.isdisjoint(shown)
        self.elsewhere = [b for bindings in situation.bindings.values() for b in bindings]
        self.groups = self._groups()
        messages = {e.request_message for e in self.open} if self.tie.by_message else set()
        self.weak = {m: weak for m in messages if (weak := guessable(m, requester, situation, names))}

    def proofs(self) -> dict[str, Proof]:
        return {c.key: self._proof(c) for c in self.situation.connections if c.pending}

    # --- who stands in whose way

    def _is_spent(self, endpoint: ManagedEndpoint) -> bool:
        """Whether an approval holds the endpoint. A new request of the private endpoint it is bound to is judged afresh."""
        binding = self.bound.get(endpoint.id)
        if binding is None:
            return False
        asks_again = any(
            c.pending and c.private_endpoint_key == binding.private_endpoint_id for c in self.situation.connections
        )
        return not asks_again or is_used(binding, self.situation.connections)

    def _may_be(self, connection: Connection, endpoint: ManagedEndpoint) -> bool:
        """Whether the connection could be the endpoint's, so that it blocks every other one."""
        if not self.tie.may_be_carried(self.requester.resource, connection, endpoint):
            return False
        if not connection.pending and any(is_own(b, connection) for b in self.elsewhere):
            return False  # the ledger knows whose it is
        tenant = self.situation.tenant_of(connection)
        return tenant is None or tenant in self.requester.endpoint_tenants or not self.tenants_known

    def _groups(self) -> dict[str, _Group]:
        """Connections and endpoints that are linked by what may be, by each connection's key; each is in one group."""
        left_endpoints = dict(enumerate(self.open))
        left = {c.key: c for c in self.situation.connections}
        groups: dict[str, _Group] = {}
        while left_endpoints:
            endpoints, connections = [left_endpoints.pop(next(iter(left_endpoints)))], list[Connection]()
            grown = True
            while grown:
                more = [key for key, c in left.items() if any(self._may_be(c, e) for e in endpoints)]
                connections += [left.pop(key) for key in more]
                near = [i for i, e in left_endpoints.items() if any(self._may_be(c, e) for c in connections)]
                endpoints += [left_endpoints.pop(i) for i in near]
                grown = bool(near)
            groups |= {c.key: (connections, endpoints) for c in connections}
        return groups

    # --- what is proven

    def _fits(self, connection: Connection, endpoint: ManagedEndpoint) -> bool:
        """Whether a Pending connection carries the endpoint's tie whole, and nothing speaks against it."""
        return self.tie.carried(self.requester.resource, connection, endpoint) and self._agrees(connection, endpoint)

    def _agrees(self, connection: Connection, endpoint: ManagedEndpoint) -> bool:
        """The same sub-resource, where both show one; not there before the endpoint; not bound to another connection."""
        shown = connection.sub_resource
        if shown and endpoint.sub_resource and sub_resource_key(shown) != endpoint.sub_resource_key:
            return False
        seen_at, made_at = connection.seen.at if connection.seen else None, endpoint.created_at
        if seen_at is not None and made_at is not None and seen_at + CLOCK_SKEW < made_at:
            return False
        binding = self.bound.get(endpoint.id)
        return binding is None or binding.private_endpoint_id == connection.private_endpoint_key

    def _proof(self, connection: Connection) -> Proof:
        if disclaimer := _disclaimer(self.requester, connection):
            return Proof(failed=disclaimer, claimed=False)
        group = self.groups.get(connection.key)
        tenant = self.situation.tenant_of(connection)
        if tenant not in self.requester.endpoint_tenants:
            return self._elsewhere(connection, tenant, group)
        if self.side is None:
            return unproven(Check.UNREADABLE, "its managed private endpoints", "not read", Certainty.UNKNOWN)
        if self.side.problem is not None:
            return Proof(failed=self.side.problem)
        return (
            self._begun(connection)
            or self._by_message(connection, group)
            or self._by_group(connection, group)
            or self._nothing_fits(connection)
        )

    def _elsewhere(self, connection: Connection, tenant: str | None, group: _Group | None) -> Proof:
        """The tenant is not one of the service's, or not known."""
        expected = "one of " + ", ".join(sorted(self.requester.endpoint_tenants))
        if tenant is None:
            return Proof(failed=unknown_tenant(expected, connection, self.situation))
        claimed = group is not None or self.tie.owner(self.requester.resource) is not None
        return Proof(failed=FailedCheck(Check.TENANT, expected, tenant), claimed=claimed)

    def _begun(self, connection: Connection) -> Proof | None:
        """An approval that was begun is finished for its very connection, while its endpoint is there and waits."""
        for endpoint in self.pointing:
            binding = self.bound.get(endpoint.id)
            begun = binding is not None and binding.intent_open and is_own(binding, connection)
            carried = self.tie.may_be_carried(self.requester.resource, connection, endpoint)
            if begun and endpoint.ready and carried and self._agrees(connection, endpoint):
                return Proof(endpoint, frozenset({endpoint.sub_resource_key}))
        return None

    def _by_message(self, connection: Connection, group: _Group | None) -> Proof | None:
        """A random message that only this connection carries proves by itself, also while the endpoint is being made."""
        if group is None or not self.tie.by_message or connection.description in self.weak:
            return None
        fitting = [e for e in group[1] if e.stable and self._fits(connection, e)]
        if not fitting:
            return None
        carriers = [c for c in group[0] if _says(c, connection.description) or (not c.pending and c.message is None)]
        if len(carriers) > 1:
            shared = f"{len(carriers)} connections that carry the same message"
            return (
                self._ambiguous(shared, carriers) if self.requester.require_message else None
            )  # else the group decides
        endpoint = min(fitting, key=lambda e: (not e.ready, not named_after(connection, e), e.id))
        return Proof(endpoint, frozenset(e.sub_resource_key for e in fitting))

    def _by_group(self, connection: Connection, group: _Group | None) -> Proof | None:
        """As many connections as endpoints, paired one to one, prove each other."""
        if group is None or not any(self._fits(connection, e) for e in group[1]):
            return None
        connections, endpoints = group
        weak = self.weak.get(connection.description)
        if self.requester.require_message and weak:
            return unproven(Check.MESSAGE, f"a random request message of {LENGTH} characters or more", weak)
        if any(not e.ready for e in endpoints):
            wanted = "a managed private endpoint that is provisioned"
            return unproven(Check.NOT_READY, wanted, states(endpoints), Certainty.WAITING)
        known = all(self.situation.tenant_of(c) in self.requester.endpoint_tenants for c in connections)
        if len(connections) != len(endpoints) or not known:
            return self._ambiguous(f"{len(connections)} connections, {len(endpoints)} endpoints", connections)
        pairs = pair(connections, endpoints, self._pairs_with)
        if pairs is None:
            return self._ambiguous("connections and endpoints that cannot be paired one to one", connections)
        return Proof(pairs[connection.key], frozenset(e.sub_resource_key for e in endpoints))

    def _pairs_with(self, connection: Connection, endpoint: ManagedEndpoint) -> bool:
        """A decided connection has lost its message: it takes the place of whatever it may be."""
        if connection.pending:
            return self._fits(connection, endpoint)
        return self._may_be(connection, endpoint) and self._agrees(connection, endpoint)

    def _ambiguous(self, found: str, connections: Iterable[Connection]) -> Proof:
        """Held because of others; where one of them is only in a tenant that nobody named, what to do about it."""
        wanted = "one connection for each endpoint"
        unread = [c for c in connections if self.situation.tenant_of(c) is None and self.situation.may_tell_later(c)]
        if unread:
            return unproven(
                Check.AMBIGUOUS, wanted, f"{found}; the tenant of one cannot be read now", Certainty.WAITING
            )
        tenants = {t for c in connections if (t := self.situation.tenant_of(c))} - self.requester.endpoint_tenants
        if tenants:
            found += (
                f"; of tenant {', '.join(sorted(tenants))}, which endpointTenants does not hold: add it if the service "
                "keeps its private endpoints there, else write endpointTenants without it"
            )
        return unproven(Check.AMBIGUOUS, wanted, found)

    def _nothing_fits(self, connection: Connection) -> Proof:
        """Why no endpoint that counts is this connection's: the most telling of the checks."""
        own = [e for e in self.pointing if self.tie.carried(self.requester.resource, connection, e)]
        if any(e.id in self.bound for e in own):
            wanted = "an endpoint that no approval was spent on"
            return unproven(Check.SPENT, wanted, "its endpoint belongs to another private endpoint")
        expected = f"a managed private endpoint of {self.requester.resource} to this target"
        if own or not self.open:
            return unproven(Check.NOT_FOUND, expected, states(own) or "none that waits for approval")
        if self.tie.by_message:
            found = "another message" if connection.description else "no message"
            return unproven(Check.MESSAGE, "the request message of one of its endpoints", found)
        name = connection.private_endpoint.name if connection.private_endpoint else None
        return unproven(self.tie.check, "the name of one of its endpoints to this target", name)


def _says(connection: Connection, message: str) -> bool:
    """Whether it carries the message now, or did when it was first seen."""
    return message in (connection.description, connection.seen.message if connection.seen else None)
