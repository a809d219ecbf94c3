"""Situations as values: a storage account, a cluster, a workspace, our people, a partner, strangers.

The one builder of situations for all tests of pure code. Each function makes one thing, complete and ordinary; a test names
only what matters to it. `genuine` has endpoints of ours with their own connections, `strategies` draws all of it at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from shared.model.connection import Connection
from shared.model.requester import (
    HOME,
    MICROSOFT_TENANTS,
    Binding,
    ManagedEndpoint,
    PrivateEndpointRequester,
    Requester,
    RequesterSide,
    ServiceRequester,
)
from shared.model.situation import Situation, Target
from shared.policy.decide import decide
from shared.policy.rules import Effect, Mode, Policy, Rule, Scope
from shared.policy.verdict import Verdict
from shared.resource_id import parse

TODAY = date(2026, 11, 21)
OURS, PARTNERS, SERVICES, ELSEWHERE, THEIRS = (f"{digit * 8}-0000-0000-0000-000000000000" for digit in "12345")
HOME_TENANT, PARTNER_TENANT, OTHER_TENANT = (f"{digit * 8}-0000-0000-0000-000000000000" for digit in "abc")
MICROSOFT = min(MICROSOFT_TENANTS)
TENANTS: Mapping[str, str | None] = {
    OURS: HOME_TENANT,
    PARTNERS: PARTNER_TENANT,
    SERVICES: MICROSOFT,
    THEIRS: OTHER_TENANT,
}
"""The tenant of each subscription; that of ELSEWHERE is not known, THEIRS are a stranger's."""

GROUP = f"/subscriptions/{OURS}/resourcegroups/rg"
PARTNER_GROUP = f"/subscriptions/{PARTNERS}/resourcegroups/x"
STORAGE = parse(f"{GROUP}/providers/Microsoft.Storage/storageAccounts/data")
EVENT_HUBS = parse(f"{GROUP}/providers/Microsoft.EventHub/namespaces/events")
CLUSTER = parse(f"{GROUP}/providers/Microsoft.Kusto/clusters/adx")
WORKSPACE = parse(f"{GROUP}/providers/Microsoft.Synapse/workspaces/ws")
RANDOM = "0123456789abcdef0123456789abcdef"
CONSTANT = "Please approve"

ADX = ServiceRequester("adx", "kusto", CLUSTER)
STRICT_ADX = replace(ADX, require_message=True)
SYNAPSE = ServiceRequester("ws", "synapse", WORKSPACE)
PEOPLE = PrivateEndpointRequester("people", frozenset({HOME}))
PARTNER = PrivateEndpointRequester("partner", frozenset({PARTNER_TENANT}), frozenset({PARTNERS}))


def private_endpoint(name: str = "pe", subscription: str = SERVICES, group: str = "x") -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/privateEndpoints/{name}"


def connection(name: str = "pe", message: str = RANDOM, subscription: str = SERVICES, **more: Any) -> Connection:
    """A Pending connection of the private endpoint of that name, by default from where services keep theirs."""
    ordinary = Connection(
        f"{STORAGE}/privateEndpointConnections/{name}", private_endpoint(name, subscription), "Pending", message
    )
    return replace(ordinary, **more)


def endpoint(name: str = "mpe", message: str = RANDOM, sub_resource: str = "blob", **more: Any) -> ManagedEndpoint:
    """A managed endpoint of the cluster that points at the storage account and is provisioned."""
    return replace(ManagedEndpoint(f"id/{name}", name, str(STORAGE), sub_resource, message), **more)


def workspace_endpoint(name: str = "mpe", status: str = "Pending", **more: Any) -> ManagedEndpoint:
    """A managed endpoint of the workspace, which shows its connection's state and sends no message."""
    return endpoint(name, "", connection_status=status, **more)


def situation(*connections: Connection, endpoints: tuple[ManagedEndpoint, ...] = (), **more: Any) -> Situation:
    """The storage account with its connections; `endpoints` are those of the cluster and of the workspace alike."""
    sides = dict.fromkeys(("adx", "ws"), RequesterSide(endpoints))
    target = Target(STORAGE, {"env": "prod"})
    return replace(Situation(target, connections, TENANTS, sides, home_tenant=HOME_TENANT), **more)


def allow(*requesters: str, name: str = "allows", **more: Any) -> Rule:
    return replace(Rule(name, Effect.ALLOW, requesters or ("adx", "ws", "people", "partner")), **more)


def deny(*requesters: str, name: str = "denies", **more: Any) -> Rule:
    """A deny rule for the requesters, or for any."""
    return replace(Rule(name, Effect.DENY, requesters or None), **more)


def reject(*requesters: str, name: str = "rejects", **more: Any) -> Rule:
    """A reject rule for the requesters, or for any."""
    return replace(Rule(name, Effect.REJECT, requesters or None), **more)


def policy(*rules: Rule, requesters: tuple[Requester, ...] = (), mode: Mode = Mode.ENFORCE) -> Policy:
    """A policy of those rules; the requesters given replace the ordinary ones of their names."""
    known = {r.name: r for r in (ADX, SYNAPSE, PEOPLE, PARTNER, *requesters)}
    return Policy("0" * 64, mode, Scope(frozenset({OURS})), known, rules)


def decided(world: Situation, *rules: Rule, requesters: tuple[Requester, ...] = ()) -> tuple[Verdict, ...]:
    return decide(world, policy(*rules, requesters=requesters), TODAY)


def told(verdicts: tuple[Verdict, ...]) -> list[tuple[str, str | None]]:
    """Of each verdict the outcome, and the first check that failed of the nearest rule; None: every rule applied."""
    return [(v.outcome.value, v.reasons[0].check.value if v.reasons else None) for v in verdicts]


def kusto(
    *connections: Connection, endpoints: tuple[ManagedEndpoint, ...], strict: bool = False, **more: Any
) -> tuple[Verdict, ...]:
    """What one allow rule for the cluster says, with `requireMessage` where strict."""
    world = situation(*connections, endpoints=endpoints, **more)
    return decided(world, allow("adx"), requesters=(STRICT_ADX if strict else ADX,))


def strict(*connections: Connection, endpoints: tuple[ManagedEndpoint, ...], **more: Any) -> tuple[Verdict, ...]:
    """What one allow rule for the cluster with `requireMessage` says."""
    return kusto(*connections, endpoints=endpoints, strict=True, **more)


def synapse(*connections: Connection, endpoints: tuple[ManagedEndpoint, ...], **more: Any) -> tuple[Verdict, ...]:
    """What one allow rule for the workspace says."""
    return decided(situation(*connections, endpoints=endpoints, **more), allow("ws"))


BOUND = datetime(2026, 11, 10, tzinfo=UTC)


def binding(
    private_endpoint_name: str,
    endpoint_id: str = "id/mpe",
    absent_since: datetime | None = None,
    *,
    connection: str = "",
    **more: Any,
) -> Binding:
    """The endpoint was spent at BOUND on that private endpoint, by a connection of the same name unless another is given."""
    return Binding(
        endpoint_id,
        private_endpoint(private_endpoint_name).lower(),
        BOUND,
        absent_since,
        connection_id=f"{STORAGE}/privateEndpointConnections/{connection or private_endpoint_name}".lower(),
        **more,
    )


def reason(verdict: Verdict) -> tuple[str | None, str | None]:
    """What the nearest rule expected and found."""
    return verdict.reasons[0].expected, verdict.reasons[0].found
