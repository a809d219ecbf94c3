"""Clusters, workspaces and factories of anybody, ours and an attacker's, and the managed private endpoints they ask for."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.azure.client import Reply
from local.azure.tenants import HOME_TENANT
from shared.model.requester import MICROSOFT_TENANTS
from tests.functional.estate import OPERATOR, Azure, Json, Request, Target

SERVICES = ("kusto", "synapse", "dataFactory")
NAMED = sorted(MICROSOFT_TENANTS)
"""Endpoint tenants that a policy names, so that nobody of another one is in anybody's way."""

_SYNAPSE = "https://dev.azuresynapse.net"


@dataclass(frozen=True)
class _Wire:
    """How a service is spoken to: its type, its api-version, and the path to its managed endpoints."""

    type: str
    version: str
    endpoints: str = "managedVirtualNetworks/default/managedPrivateEndpoints"
    body: Mapping[str, Any] | None = None


_WIRES = {
    "kusto": _Wire("Microsoft.Kusto/clusters", "2023-08-15", "managedPrivateEndpoints",
                         {"sku": {"name": "Standard_E2a_v4", "tier": "Standard"}}),
    "synapse": _Wire("Microsoft.Synapse/workspaces", "2021-06-01"),
    "dataFactory": _Wire("Microsoft.DataFactory/factories", "2018-06-01"),
}  # fmt: skip


@dataclass(frozen=True)
class Owner:
    """One resource of a service that makes managed private endpoints."""

    azure: Azure
    service: str
    id: str
    tenant: str = HOME_TENANT

    @classmethod
    def make(
        cls,
        azure: Azure,
        service: str,
        subscription: str,
        *,
        tenant: str = HOME_TENANT,
        name: str = "",
        region: str = "westeurope",
    ) -> Owner:
        """A new one, in a subscription of a tenant. A service has one subscription a region for private endpoints."""
        wire = _WIRES[service]
        known = name or f"svc{uuid.uuid4().hex[:12]}"
        resource = f"/subscriptions/{subscription}/resourceGroups/rg-services/providers/{wire.type}/{known}"
        azure.arm("PUT", resource, wire.version, {"location": region, **(wire.body or {})}, tenant=tenant)
        if service == "dataFactory":
            azure.arm(
                "PUT", f"{resource}/managedVirtualNetworks/default", wire.version, {"properties": {}}, tenant=tenant
            )
        return cls(azure, service, resource, tenant)

    @property
    def name(self) -> str:
        return self.id.rpartition("/")[2]

    def requester(self, **more: Any) -> Json:
        """As a requester of a policy."""
        return {"service": self.service, "resource": self.id, **more}

    def ask(self, target: Target, group: str, *, name: str = "", message: str = "") -> Managed:
        """Ask for a managed private endpoint; nothing of it is there before time passes."""
        endpoint = Managed(self, name or f"mpe-{uuid.uuid4().hex[:8]}", message)
        properties = {"privateLinkResourceId": target.id, "groupId": group}
        if self.service == "kusto":
            properties["requestMessage"] = message
        endpoint.call("PUT", {"properties": properties}).ok()
        return endpoint


def twin_of(ours: Owner) -> Owner:
    """An attacker's own resource, whose endpoints live in the same tenant of Microsoft's.

    Names are unique within a service only: a factory may have our workspace's name, and a workspace our factory's.
    """
    other = {"synapse": "dataFactory", "dataFactory": "synapse"}.get(ours.service)
    subscription, tenant = str(uuid.uuid4()), str(uuid.uuid4())
    return Owner.make(ours.azure, other or ours.service, subscription, tenant=tenant, name=ours.name if other else "")


@dataclass(frozen=True)
class Managed:
    """A managed private endpoint that its owner has asked for."""

    owner: Owner
    name: str
    message: str = ""

    @property
    def id(self) -> str:
        """Its id at its service, by which the oracle knows its connection."""
        return f"{self.owner.id}/{_WIRES[self.owner.service].endpoints}/{self.name}"

    def call(self, method: str, body: Any = None) -> Reply:
        """GET, PUT or DELETE it, as its owner may."""
        owner, wire, client = self.owner, _WIRES[self.owner.service], self.owner.azure.client
        if owner.service != "synapse":
            return client.arm(method, self.id, body, tenant=owner.tenant, client=OPERATOR, api_version=wire.version)
        token = client.token(owner.tenant, OPERATOR, _SYNAPSE)
        path = f"/synapse/{owner.name}/{wire.endpoints}/{self.name}?api-version=2020-12-01"
        return client.send(method, path, body, {"Authorization": f"Bearer {token}"})

    def hurry(self) -> None:
        """What is due for it happens at once: it is at its target and ready, or, deleted before, gone."""
        self.owner.azure.client.local("POST", "clock", {"hurry": self.id})

    @property
    def exists(self) -> bool:
        """Whether its service knows it, be it on its way out."""
        return self.call("GET").status == 200

    def delete(self) -> None:
        """Take it back; its connection goes some time later."""
        self.call("DELETE").ok()

    @property
    def request(self) -> Request:
        """Its request as the functional tests know one: with its connection, once that is there."""
        return Request(self.owner.azure, self.id, _WIRES[self.owner.service].version, self.owner.tenant, self.message)

    @property
    def status(self) -> str:
        return self.request.status
