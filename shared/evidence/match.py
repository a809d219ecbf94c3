"""Which connection belongs to which managed endpoint: fit, groups, pairing, spent. Pure; all services share it.

Decides whether a service requester's own resource proves a Pending connection (INTERFACE section 8). It does not decide
whether any rule allows that. Everything uncertain makes a connection wait or be held, never proven.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from shared.evidence.fit import fits, is_its_own, may_be
from shared.model.check import Certainty, Check, FailedCheck
from shared.model.connection import Connection
from shared.model.requester import Binding, ManagedEndpoint, RequesterSide, Service, ServiceRequester
from shared.model.situation import Situation
from shared.resource_id import fold

RANDOM_MESSAGE_LENGTH = 22
"""Characters without a space between them that make a message unguessable: 128 bits in base64url are 22."""

_Group = tuple[list[Connection], list[ManagedEndpoint]]


@dataclass(frozen=True, slots=True)
class Proof:
    """What a requester's side says about one Pending connection.

    Args:
        endpoint: the endpoint that the connection is proven to belong to; None: not proven.
        sub_resources: those (folded) of every endpoint it could belong to; a rule must allow all of them.
        failed: the check that failed, None when proven.
        claimed: it passes for this requester's (by its name, or for Data Explorer by where it lives).
    """

    endpoint: ManagedEndpoint | None = None
    sub_resources: frozenset[str] = frozenset()
    failed: FailedCheck | None = None
    claimed: bool = True


def is_random(message: str) -> bool:
    """Whether a request message holds a token that nobody guesses: `RANDOM_MESSAGE_LENGTH` characters in a row."""
    return any(len(word) >= RANDOM_MESSAGE_LENGTH for word in message.split())


def freed(binding: Binding, endpoint: ManagedEndpoint | None, connections: Iterable[Connection]) -> bool:
    """Whether a spent endpoint may be used again: its connection is gone, and it was seen absent or was made later.

    A Pending connection is no longer the one that was approved: it is a new request of a private endpoint with that id.
    """
    if any(c.private_endpoint_key == binding.private_endpoint_id and not c.pending for c in connections):
        return False
    if binding.absent_since is not None:
        return True
    return endpoint is not None and endpoint.created_at is not None and endpoint.created_at > binding.bound_at


def passes_for(requester: ServiceRequester, connection: Connection, tenant: str | None) -> bool:
    """Whether a connection could be this requester's at all; where this is False its resource need not be asked."""
    return claim(requester, connection, tenant) is None and (tenant is None or tenant in requester.endpoint_tenants)


def claim(requester: ServiceRequester, connection: Connection, tenant: str | None) -> Proof | None:
    """The failed check of a connection that does not even pass for this requester's; None where it does.

    Synapse and Data Factory name their private endpoints `<resource>.<endpoint>`: the part before the first dot must be the
    resource, whole. Data Explorer's names say nothing, so there a tenant that is certainly another's excludes it.
    """
    endpoint = connection.private_endpoint
    if endpoint is None:
        return Proof(failed=FailedCheck(Check.PRIVATE_ENDPOINT, "the id of a private endpoint"), claimed=False)
    if requester.service is Service.KUSTO:
        if tenant is None or tenant in requester.endpoint_tenants:
            return None
        return Proof(failed=FailedCheck(Check.TENANT, _tenants(requester), tenant), claimed=False)
    owner = endpoint.name.partition(".")[0]
    if fold(owner) == fold(requester.resource.name):
        return None
    expected = f"a private endpoint named {requester.resource.name}.<endpoint>"
    return Proof(failed=FailedCheck(Check.REQUESTER, expected, endpoint.name), claimed=False)


def prove(requester: ServiceRequester, situation: Situation) -> dict[str, Proof]:
    """The proof, or what is missing, for each Pending connection of the situation, by the connection's key."""
    return _Matcher(requester, situation).proofs()


def _tenants(requester: ServiceRequester) -> str:
    return "one of " + ", ".join(sorted(requester.endpoint_tenants))


class _Matcher:
    """The matching of one requester's endpoints with one target's connections."""

    def __init__(self, requester: ServiceRequester, situation: Situation) -> None:
        self.requester = requester
        self.situation = situation
        self.side = situation.sides.get(requester.name)
        side = self.side or RequesterSide()
        self.pointing = [e for e in side.endpoints if e.points_at(situation.target.id)]
        self.bound = {
            b.endpoint_id: b.private_endpoint_id
            for b in situation.bindings.get(requester.name, ())
            if not freed(b, next((e for e in self.pointing if e.id == b.endpoint_id), None), situation.connections)
        }
        self.unspent = [e for e in self.pointing if e.id not in self.bound and (e.ready or e.in_the_making)]
        taken = {b.private_endpoint_id for bindings in situation.bindings.values() for b in bindings}
        self.candidates = [
            c
            for c in situation.connections
            if (c.pending or (c.decided and c.private_endpoint_key not in taken))
            and passes_for(requester, c, situation.tenant_of(c))
        ]

    @property
    def _shows_no_state(self) -> bool:
        return self.requester.service is Service.KUSTO

    def proofs(self) -> dict[str, Proof]:
        groups = {c.key: group for group in self._groups() for c in group[0]}
        return {c.key: self._proof(c, groups.get(c.key)) for c in self.situation.connections if c.pending}

    def _proof(self, connection: Connection, group: _Group | None) -> Proof:
        tenant = self.situation.tenant_of(connection)
        if unclaimed := claim(self.requester, connection, tenant):
            return unclaimed
        if tenant is None or tenant not in self.requester.endpoint_tenants:
            return _failed(Check.TENANT, _tenants(self.requester), tenant)
        if self.side is None:
            return _failed(Check.UNREADABLE, "its managed private endpoints", "not read")
        if self.side.problem is not None:
            return Proof(failed=self.side.problem)
        reserved = next((e for e in self.pointing if self.bound.get(e.id) == connection.private_endpoint_key), None)
        if reserved is not None and self._fits(connection, reserved):
            return Proof(endpoint=reserved, sub_resources=frozenset({reserved.sub_resource_key}))
        return self._by_message(connection) or self._by_group(connection, group) or self._nothing_fits(connection)

    def _is_its_own(self, connection: Connection, endpoint: ManagedEndpoint) -> bool:
        return is_its_own(self.requester, connection, endpoint)

    def _fits(self, connection: Connection, endpoint: ManagedEndpoint) -> bool:
        return fits(self.requester, connection, endpoint)

    def _may_be(self, connection: Connection, endpoint: ManagedEndpoint) -> bool:
        return may_be(self.requester, connection, endpoint)

    def _by_message(self, connection: Connection) -> Proof | None:
        """A random message that only this connection carries proves by itself, also while the endpoint is being made."""
        if not self._shows_no_state:
            return None
        fitting = [e for e in self.unspent if is_random(e.request_message) and self._fits(connection, e)]
        if not fitting:
            return None
        carriers = [c for c in self.candidates if any(self._fits(c, e) for e in fitting)]
        if len(carriers) > 1:
            shared = f"{len(carriers)} connections that carry the same message"
            return self._ambiguous(shared) if self.requester.require_message else None  # else the group decides
        endpoint = min(fitting, key=lambda e: (not e.ready, e.id))
        return Proof(endpoint=endpoint, sub_resources=frozenset(e.sub_resource_key for e in fitting))

    def _by_group(self, connection: Connection, group: _Group | None) -> Proof | None:
        """As many connections as endpoints, paired one to one, prove each other."""
        if group is None or not group[1]:
            return None
        connections, endpoints = group
        if self.requester.require_message:
            wanted = f"a random request message of {RANDOM_MESSAGE_LENGTH} characters or more"
            return _failed(Check.MESSAGE, wanted, "a shorter message")
        if any(not e.ready for e in endpoints):
            wanted = "a managed private endpoint that is provisioned"
            return _failed(Check.NOT_READY, wanted, _states(endpoints), Certainty.WAITING)
        if len(connections) != len(endpoints) or any(self.situation.tenant_of(c) is None for c in connections):
            return self._ambiguous(f"{len(connections)} connections, {len(endpoints)} endpoints")
        pairs = _pair(connections, endpoints, self._may_be)
        if pairs is None:
            return self._ambiguous("connections and endpoints that cannot be paired one to one")
        return Proof(endpoint=pairs[connection.key], sub_resources=frozenset(e.sub_resource_key for e in endpoints))

    def _ambiguous(self, found: str) -> Proof:
        return _failed(Check.AMBIGUOUS, "one connection for each endpoint", found)

    def _nothing_fits(self, connection: Connection) -> Proof:
        """Why no endpoint that counts is this connection's: the most telling of the checks."""
        own = [e for e in self.pointing if self._is_its_own(connection, e)]
        if any(e.id in self.bound for e in own):
            wanted = "an endpoint that no approval was spent on"
            return _failed(Check.SPENT, wanted, "its endpoint belongs to another private endpoint")
        expected = f"a managed private endpoint of {self.requester.resource} to this target"
        if own or not self.unspent:
            return _failed(Check.NOT_FOUND, expected, _states(own) or "none that waits for approval")
        if self._shows_no_state:
            found = "another message" if connection.description else "no message"
            return _failed(Check.MESSAGE, "the request message of one of its endpoints", found)
        name = connection.private_endpoint.name if connection.private_endpoint else None
        return _failed(Check.NAME, "the name of one of its endpoints to this target", name)

    def _groups(self) -> list[_Group]:
        """Connections and endpoints that are linked by fit, each in exactly one group."""
        free = dict(enumerate(self.unspent))
        left = {c.key: c for c in self.candidates}
        groups: list[_Group] = []
        while left:
            connections, endpoints = [left.pop(next(iter(left)))], list[ManagedEndpoint]()
            grown = True
            while grown:
                near = [i for i, e in free.items() if any(self._may_be(c, e) for c in connections)]
                endpoints += [free.pop(i) for i in near]
                more = [key for key, c in left.items() if any(self._may_be(c, e) for e in endpoints)]
                connections += [left.pop(key) for key in more]
                grown = bool(near or more)
            groups.append((connections, endpoints))
        return groups


def _failed(check: Check, expected: str, found: str | None, certainty: Certainty = Certainty.CERTAIN) -> Proof:
    return Proof(failed=FailedCheck(check, expected, found, certainty))


def _states(endpoints: Iterable[ManagedEndpoint]) -> str:
    """The endpoints' states for a reason text, without their messages (a random one is worth keeping secret)."""
    return ", ".join(
        f"{e.name} for {e.sub_resource or 'no sub-resource'}: {e.provisioning_state}"
        + ("" if e.connection_status is None else f"/{e.connection_status or 'no state yet'}")
        for e in endpoints
    )


def _pair(
    connections: Sequence[Connection],
    endpoints: Sequence[ManagedEndpoint],
    fits: Callable[[Connection, ManagedEndpoint], bool],
) -> dict[str, ManagedEndpoint] | None:
    """A one-to-one pairing of all connections with endpoints that fit (augmenting paths), None where there is none."""
    paired: dict[int, Connection] = {}

    def place(connection: Connection, tried: set[int]) -> bool:
        for i, endpoint in enumerate(endpoints):
            if i not in tried and fits(connection, endpoint):
                tried.add(i)
                if i not in paired or place(paired[i], tried):
                    paired[i] = connection
                    return True
        return False

    if not all(place(c, set()) for c in connections):
        return None
    return {c.key: endpoints[i] for i, c in paired.items()}
