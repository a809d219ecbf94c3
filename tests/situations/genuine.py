"""Managed endpoints of ours, each with the connection that is truly its own: what forgeries are made after."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from shared.evidence.kinds import KINDS
from shared.model.connection import Connection
from shared.model.requester import Binding, ManagedEndpoint, Requester, RequesterSide, ServiceRequester
from shared.model.situation import Situation, Target
from shared.policy.decide import decide
from shared.policy.rules import Effect, Mode, Policy, Rule, Scope
from shared.policy.verdict import Verdict
from shared.resource_id import ResourceId, parse
from tests.situations.world import GROUP, HOME_TENANT, OURS, SERVICES, STORAGE, TENANTS, TODAY, private_endpoint

RESOURCES = {
    "kusto": parse(f"{GROUP}/providers/Microsoft.Kusto/clusters/adxprod"),
    "synapse": parse(f"{GROUP}/providers/Microsoft.Synapse/workspaces/wsprod"),
    "dataFactory": parse(f"{GROUP}/providers/Microsoft.DataFactory/factories/adfprod"),
}
MANAGED_GROUP = f"vnet-{SERVICES[:8]}-westeurope-10-rg"


def connection(target: ResourceId, endpoint_id: str | None, message: str = "", status: str = "Pending") -> Connection:
    """As the target shows it: a storage account tells no sub-resource, an Event Hubs namespace does."""
    shown = None if target is STORAGE else "namespace"
    return Connection(f"{target}/privateEndpointConnections/{uuid.uuid4()}", endpoint_id, status, message, shown)


@dataclass(frozen=True)
class Genuine:
    """One managed endpoint of ours to a target. A short message is one that anybody may guess."""

    service: str
    target: ResourceId
    name: str = "mpe-landing"
    message: str = "q3Jm0wV8zKf2Lr7YtXc1aB"
    sub_resource: str = ""

    @property
    def resource(self) -> ResourceId:
        return RESOURCES[self.service]

    @property
    def by_message(self) -> bool:
        return KINDS[self.service].tie.by_message

    @property
    def endpoint_name(self) -> str:
        """The name of its private endpoint."""
        suffix = "2d2eb87d-45c9-440f-9438-c9cd94befe1d"
        return f"{self.name}.{suffix}" if self.by_message else f"{self.resource.name}.{self.name}"

    @property
    def description(self) -> str:
        """What the target shows as its message."""
        return self.message if self.by_message else ""

    def endpoint(
        self, *, ready: bool = True, status: str = "Pending", target: ResourceId | None = None, **more: Any
    ) -> ManagedEndpoint:
        """As the requester's own resource shows it."""
        target = target or self.target
        made = ManagedEndpoint(
            id=f"{self.resource.key}/managedprivateendpoints/{self.name}",
            name=self.name,
            target_id=str(target),
            sub_resource=self.sub_resource or ("blob" if target is STORAGE else "namespace"),
            request_message=self.description,
            provisioning_state="Succeeded" if ready else "Creating",
            connection_status=(status if ready else "") if KINDS[self.service].shows_state else None,
            created_at=datetime(2026, 11, 20, tzinfo=UTC),
        )
        return replace(made, **more)

    def connection(self, status: str = "Pending", description: str | None = None) -> Connection:
        shown = self.description if description is None else description
        return connection(self.target, private_endpoint(self.endpoint_name, group=MANAGED_GROUP), shown, status)

    def binding(self, own: Connection, **more: Any) -> Binding:
        """As the ledger holds it once the connection was approved."""
        bound_at = datetime(2026, 11, 21, tzinfo=UTC)
        bound = Binding(self.endpoint().id, own.private_endpoint_key or "", bound_at, connection_id=own.key)
        return replace(bound, **more)

    def requester(self, **more: Any) -> ServiceRequester:
        return replace(ServiceRequester("ours", self.service, self.resource), **more)


def situation(
    target: ResourceId,
    connections: tuple[Connection, ...],
    endpoints: tuple[ManagedEndpoint, ...] = (),
    bindings: tuple[Binding, ...] = (),
    **more: Any,
) -> Situation:
    """A target whose one service requester, `ours`, was read."""
    sides = {"ours": RequesterSide(endpoints)}
    known = Situation(Target(target), connections, TENANTS, sides, bindings={"ours": bindings}, home_tenant=HOME_TENANT)
    return replace(known, **more)


def policy(*requesters: Requester, **of_rule: Any) -> Policy:
    """One allow rule for the requesters, for any target."""
    rule = Rule("allowed", Effect.ALLOW, tuple(r.name for r in requesters), **of_rule)
    return Policy("0" * 64, Mode.ENFORCE, Scope(frozenset({OURS})), {r.name: r for r in requesters}, (rule,))


def verdicts(known: Situation, *requesters: Requester, **of_rule: Any) -> dict[str, Verdict]:
    """What one allow rule for the requesters says, by the connections' ids."""
    return {v.connection.id: v for v in decide(known, policy(*requesters, **of_rule), TODAY)}
