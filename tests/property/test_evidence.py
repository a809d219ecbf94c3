"""Random worlds whose oracle knows whose each private endpoint is: nobody else's is ever approved, and every genuine one is.

Requesters of every kind, twins (the same name or message, in another or the same tenant of Microsoft's), people, strangers,
connections in every state, ledgers that remember earlier approvals, reads that show parts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from shared.model.connection import Connection, Seen
from shared.model.decision import Outcome
from shared.model.requester import MICROSOFT_TENANTS, Binding, ManagedEndpoint, RequesterSide, ServiceRequester
from shared.model.situation import Situation, Target
from shared.policy.decide import decide
from shared.policy.rules import Effect, Mode, Policy, Rule, Scope
from tests.situations.genuine import RESOURCES, Genuine
from tests.situations.world import (
    ELSEWHERE,
    HOME_TENANT,
    OURS,
    SERVICES,
    STORAGE,
    TENANTS,
    THEIRS,
    TODAY,
    private_endpoint,
)

MICROSOFT_TOO = "66666666-0000-0000-0000-000000000000"
UNLISTED = "77777777-0000-0000-0000-000000000000"
WHERE = {
    **TENANTS,
    MICROSOFT_TOO: max(MICROSOFT_TENANTS),
    UNLISTED: "dddddddd-0000-0000-0000-000000000000",
}
"""Subscriptions in which services keep endpoints, in three tenants of which the default names two, and others."""

MESSAGES = ("q3Jm0wV8zKf2Lr7YtXc1aB", "Zk81hQp2mXw0Ys6TnV4cRd", "Please Approve.", "")
MADE = datetime(2026, 11, 20, tzinfo=UTC)


@dataclass
class World:
    """One target and all who ask for it.

    `owner` is the oracle: connection id -> the endpoint of ours that it was made for, None: somebody else's. `waits`: the
    connections of ours whose endpoint is ready, so that they are proven where nothing collides.
    """

    connections: list[Connection] = field(default_factory=list)
    sides: dict[str, list[ManagedEndpoint]] = field(default_factory=dict)
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    owner: dict[str, str | None] = field(default_factory=dict)
    waits: set[str] = field(default_factory=set)
    number: int = 0

    def connect(self, name: str, subscription: str, message: str, owner: str | None, **more: Any) -> Connection:
        self.number += 1
        made = Connection(
            f"{STORAGE}/privateEndpointConnections/c{self.number}",
            private_endpoint(name, subscription, f"rg{self.number}"),
            "Pending",
            message,
            **more,
        )
        self.connections.append(made)
        self.owner[made.id] = owner
        return made


def carried(genuine: Genuine) -> tuple[str, str]:
    """The private endpoint's name and the message by which an endpoint is known."""
    return genuine.endpoint_name, genuine.description


@st.composite
def worlds(draw: st.DrawFn, *, twins: bool = True) -> tuple[World, Policy, dict[str, Genuine]]:
    world, genuine = World(), {}
    services = draw(st.lists(st.sampled_from(sorted(RESOURCES)), min_size=1, max_size=2, unique=True))
    requesters: dict[str, Any] = {}
    for service in services:
        named = draw(st.booleans())
        requesters[service] = ServiceRequester(
            service, service, RESOURCES[service],
            require_message=service == "kusto" and draw(st.booleans()),
            endpoint_tenants=MICROSOFT_TENANTS | ({WHERE[UNLISTED] or ""} if named else set()),
            tenants_named=named,
        )  # fmt: skip
        home = draw(st.sampled_from([SERVICES, MICROSOFT_TOO, UNLISTED]))
        world.sides[service], world.bindings[service] = [], []
        for name in draw(st.lists(st.sampled_from(["mpe", "mpe-2", "landing"]), min_size=1, max_size=2, unique=True)):
            known = Genuine(
                service,
                STORAGE,
                name,
                draw(st.sampled_from(MESSAGES)),
                draw(st.sampled_from(["blob", "blob", "dfs", "queue"])),
            )
            genuine[known.endpoint().id] = known
            _ours(draw, world, known, home)
            if twins:
                for _ in range(draw(st.sampled_from([0, 1, 1, 2]))):
                    _twin(draw, world, known)
    for _ in range(draw(st.integers(0, 2))):
        where = draw(st.sampled_from([SERVICES, THEIRS, ELSEWHERE, OURS]))
        world.connect(draw(st.sampled_from(["other", "x.mpe", "wsprodx.mpe"])), where, "hello", None)
    rules = tuple(Rule(f"allow-{s.lower()}", Effect.ALLOW, (s,), sub_resources=draw(_allowed)) for s in services)
    return world, Policy("0" * 64, Mode.ENFORCE, Scope(frozenset({OURS})), requesters, rules), genuine


_allowed = st.sampled_from([frozenset[str](), frozenset({"blob", "dfs"})])


def _ours(draw: st.DrawFn, world: World, genuine: Genuine, home: str) -> None:
    """An endpoint of ours, somewhere in its life, and its own connection where that is at the target."""
    name, message = carried(genuine)
    life = draw(
        st.sampled_from(
            ["waits", "waits", "made", "approved", "by hand", "by hand", "edited", "failed", "changing", "taken"]
        )
    )
    shows_state = genuine.endpoint().connection_status is not None
    if life == "made":  # its connection comes later, or is there already
        world.sides[genuine.service].append(genuine.endpoint(ready=False))
        if draw(st.booleans()):
            world.connect(name, home, message, genuine.endpoint().id)
        return
    if life == "failed":
        world.sides[genuine.service].append(genuine.endpoint(ready=False, provisioning_state="Failed"))
        return
    if life == "taken":
        _taken(draw, world, genuine, home)
        return
    shown = draw(st.sampled_from([None, genuine.sub_resource]))
    own = world.connect(name, home, message, genuine.endpoint().id, sub_resource=shown)
    seen = Seen(message, MADE + timedelta(minutes=2))
    if life == "changing":  # deleted between the reads: its connection may be gone already
        world.sides[genuine.service].append(genuine.endpoint(stable=False))
        if draw(st.booleans()):
            world.connections.remove(own)
        return
    state = "Pending"
    if life == "edited":
        _replace(world, own, replace(own, description="edited", seen=seen))
    elif life in ("approved", "by hand"):
        status = (
            "Approved" if life == "approved" else draw(st.sampled_from(["Approved", "Rejected", "Disconnected", ""]))
        )
        decided = replace(own, status=status, description="decided", seen=seen)
        _replace(world, own, decided)
        state = draw(st.sampled_from(["Pending", status or "Rejected"]))  # a side shows a decision late
        if life == "approved":
            tenant = draw(st.sampled_from([None, WHERE[home]]))
            bound = genuine.binding(own, bound_at=MADE + timedelta(hours=1), tenant_id=tenant)
            world.bindings[genuine.service].append(bound)
            if draw(st.booleans()):  # its connection was deleted at the target
                world.connections.remove(decided)
    else:
        world.waits.add(own.id)
    if life == "waits" and draw(st.booleans()):  # an approval was begun; its intent is open or was closed
        bound = genuine.binding(own, bound_at=MADE + timedelta(hours=1), intent_open=draw(st.booleans()))
        world.bindings[genuine.service].append(bound)
    world.sides[genuine.service].append(genuine.endpoint(status=state) if shows_state else genuine.endpoint())


def _taken(draw: st.DrawFn, world: World, genuine: Genuine, home: str) -> None:
    """Ours was approved, destroyed and made again between two looks; somebody else has its old private endpoint's id now."""
    name, message = carried(genuine)
    theirs = world.connect(name, home, message, None)
    bound = genuine.binding(theirs, bound_at=MADE + timedelta(hours=1))
    if draw(st.booleans()):  # where a target's connection names can be used again, theirs has ours too
        bound = replace(bound, connection_id=f"{theirs.key}-before")
    world.bindings[genuine.service].append(bound)
    ready = draw(st.booleans()) or (genuine.by_message and message in MESSAGES[:2])
    if ready:
        world.connect(name, home, message, genuine.endpoint().id)
    world.sides[genuine.service].append(genuine.endpoint(ready=ready, created_at=None))


def _twin(draw: st.DrawFn, world: World, genuine: Genuine) -> None:
    """Somebody else's private endpoint that carries what ours does, or nearly."""
    name, message = carried(genuine)
    where = draw(st.sampled_from([*(SERVICES,) * 4, MICROSOFT_TOO, UNLISTED, THEIRS, ELSEWHERE]))
    copied = genuine.message if genuine.by_message else ""
    there = any(world.owner[c.id] == genuine.endpoint().id for c in world.connections)
    if genuine.by_message and copied in MESSAGES[:2] and not there:
        return  # nobody knows a random message before its request is at the target (docs/security.md, what remains)
    shown = draw(st.sampled_from([None, None, "blob", "dfs"]))
    world.connect(name, where, message, None, sub_resource=shown)


def _replace(world: World, old: Connection, new: Connection) -> None:
    world.connections[world.connections.index(old)] = new


def situation(draw: Any, world: World) -> Situation:
    """What a review has read of it: connections in any order, perhaps a tenant or a whole side unknown."""
    unread = draw(
        st.sampled_from([frozenset[str](), frozenset[str](), frozenset({MICROSOFT_TOO}), frozenset({UNLISTED})])
    )
    tenants = {k: None if k in unread else v for k, v in WHERE.items()}
    return Situation(
        Target(STORAGE),
        tuple(draw(st.permutations(world.connections))),
        tenants,
        {name: RequesterSide(tuple(side)) for name, side in world.sides.items()},
        bindings={name: tuple(bound) for name, bound in world.bindings.items()},
        home_tenant=HOME_TENANT,
        unread_tenants=unread,
    )


def check_nobody_else_is_approved(data: st.DataObject) -> None:
    world, policy, genuine = data.draw(worlds())
    known = situation(data.draw, world)
    for verdict in decide(known, policy, TODAY):
        if verdict.outcome is not Outcome.APPROVED:
            continue
        owner = world.owner[verdict.connection.id]
        event("approved")
        assert owner is not None, "somebody else's private endpoint is approved"
        rule = next(rule for rule in policy.rules if rule.name == verdict.rule)
        assert genuine[owner].service in (rule.requesters or ())
        assert not rule.sub_resources or genuine[owner].sub_resource in rule.sub_resources
        assert verdict.endpoint_id in genuine


@settings(max_examples=700, deadline=None)
@given(st.data())
def test_nobody_else_s_private_endpoint_is_ever_approved(data: st.DataObject) -> None:
    check_nobody_else_is_approved(data)


@pytest.mark.long
@settings(max_examples=50_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_nobody_else_s_private_endpoint_is_ever_approved_in_many_worlds(data: st.DataObject) -> None:
    check_nobody_else_is_approved(data)


def first(connection: Connection) -> str | None:
    """The message that it was first seen with."""
    return connection.seen.message if connection.seen else None


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_genuine_request_is_approved_that_nothing_collides_with(data: st.DataObject) -> None:
    world, policy, genuine = data.draw(worlds(twins=False))
    known = replace(situation(data.draw, world), unread_tenants=frozenset(), tenants=WHERE)
    said = {v.connection.id: v for v in decide(known, policy, TODAY)}
    for connection in world.connections:
        endpoint = genuine.get(world.owner[connection.id] or "")
        if connection.id not in world.waits or endpoint is None:
            continue
        requester = policy.requesters[endpoint.service]
        assert isinstance(requester, ServiceRequester)
        rule = next(rule for rule in policy.rules if endpoint.service in (rule.requesters or ()))
        alike = [g for g in genuine.values() if g.by_message and g.message == endpoint.message]
        says = [c for c in world.connections if endpoint.by_message and endpoint.message in (c.description, first(c))]
        if (
            known.tenant_of(connection) not in requester.endpoint_tenants
            or (requester.require_message and endpoint.message not in MESSAGES[:2])
            or (rule.sub_resources and endpoint.sub_resource not in rule.sub_resources)
            or len(alike) > 1
            or len(says) > 1
        ):
            continue
        event("stands alone")
        assert (said[connection.id].outcome, said[connection.id].endpoint_id) == (
            Outcome.APPROVED,
            endpoint.endpoint().id,
        )
