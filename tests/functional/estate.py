"""What a test finds in Azure: targets, those who ask for connections to them, and what they asked for. Made by ARM calls."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from local.azure.client import LocalClient
from local.azure.tenants import HOME_TENANT
from tests.functional.clock import MovedTime

STORAGE, EVENT_HUBS, KUSTO, NETWORK = "2023-05-01", "2024-01-01", "2023-08-15", "2024-01-01"
OPERATOR = "0be7a702-0000-4000-8000-0000000000b2"
"""The client of everybody but the app: the record of ARM calls tells them apart."""

APPEARS, READY, DELETED = 61, 181, 61
"""Seconds until a managed endpoint's connection is at its target, until it is ready, until a deleted one is gone."""

Json = dict[str, Any]


class Answers(Protocol):
    """Calls ARM; answers the body of a success."""

    def __call__(self, method: str, path: str, version: str, body: Any = None, *, tenant: str = "") -> Any: ...


def arm_of(client: LocalClient) -> Answers:
    """ARM calls as the operator of a tenant."""

    def call(method: str, path: str, version: str, body: Any = None, *, tenant: str = "") -> Any:
        reply = client.arm(method, path, body, tenant=tenant or HOME_TENANT, client=OPERATOR, api_version=version)
        return reply.ok()

    return call


@dataclass(frozen=True)
class Azure:
    """The local Azure as a test uses it."""

    client: LocalClient
    time: MovedTime
    arm: Answers

    def connections(self, requester_id: str) -> list[Json]:
        """The connections that were made for a private endpoint or a managed one, as the oracle knows them."""
        found = self.client.local("GET", "oracle/connections")
        return [one for one in found if one["requesterId"].lower() == requester_id.lower()]


@dataclass(frozen=True)
class Request:
    """A private endpoint, or a managed one, that somebody has asked for."""

    azure: Azure
    id: str
    version: str
    tenant: str
    message: str

    @property
    def seen(self) -> Json:
        """Its connection as the oracle knows it."""
        (one,) = self.azure.connections(self.id)
        return one

    @property
    def connection_id(self) -> str:
        return str(self.seen["connectionId"])

    @property
    def private_endpoint_id(self) -> str:
        return str(self.seen["privateEndpointId"])

    @property
    def status(self) -> str:
        return str(self.seen["status"])

    @property
    def description(self) -> str:
        """The description that the target shows."""
        version = EVENT_HUBS if "Microsoft.EventHub" in self.connection_id else STORAGE
        shown = self.azure.arm("GET", self.connection_id, version)
        return str(shown["properties"]["privateLinkServiceConnectionState"]["description"])

    def decide(self, status: str, description: str = "by hand") -> None:
        """Somebody else decides at the target."""
        version = EVENT_HUBS if "Microsoft.EventHub" in self.connection_id else STORAGE
        state = {"status": status, "description": description}
        properties = {"privateEndpoint": {"id": self.private_endpoint_id}, "privateLinkServiceConnectionState": state}
        self.azure.arm("PUT", self.connection_id, version, {"properties": properties})
        self.azure.time.advance(30)

    def delete(self) -> None:
        """The requester takes it back; returns when it is gone."""
        self.azure.arm("DELETE", self.id, self.version, tenant=self.tenant)
        self.azure.time.advance(DELETED)


@dataclass(frozen=True)
class Target:
    """A storage account or an Event Hubs namespace."""

    azure: Azure
    id: str
    version: str

    @property
    def firewall(self) -> Json:
        """What ARM shows of it."""
        if self.version == EVENT_HUBS:
            rules: Json = self.azure.arm("GET", f"{self.id}/networkRuleSets/default", self.version)["properties"]
            namespace = self.azure.arm("GET", self.id, self.version)["properties"]["publicNetworkAccess"]
            return rules | {"namespace": namespace}
        properties: Json = self.azure.arm("GET", self.id, self.version)["properties"]
        return {"publicNetworkAccess": "Enabled", **properties, **properties["networkAcls"]}


@dataclass(frozen=True)
class Cluster:
    """A Data Explorer cluster: ours, or that of somebody else who is a customer of Azure."""

    azure: Azure
    id: str
    tenant: str = HOME_TENANT

    @classmethod
    def in_subscription(cls, azure: Azure, subscription: str, tenant: str = HOME_TENANT) -> Cluster:
        """Make one."""
        cluster = f"/subscriptions/{subscription}/resourceGroups/rg-adx/providers/Microsoft.Kusto/clusters"
        made = cls(azure, f"{cluster}/adx{uuid.uuid4().hex[:10]}", tenant)
        body = {"location": "westeurope", "sku": {"name": "Standard_E2a_v4", "tier": "Standard"}}
        azure.arm("PUT", made.id, KUSTO, body, tenant=tenant)
        return made

    def requester(self, **more: Any) -> Json:
        """The cluster as a requester of a policy."""
        return {"service": "kusto", "resource": self.id, **more}

    def endpoint(
        self, target: Target, group: str, *, message: str | None = None, name: str = "", after: float = READY
    ) -> Request:
        """Ask for a managed private endpoint, and let so many seconds pass. The message is random unless one is given."""
        text = secrets.token_urlsafe(18) if message is None else message
        endpoint = f"{self.id}/managedPrivateEndpoints/{name or 'mpe-' + uuid.uuid4().hex[:8]}"
        properties = {"privateLinkResourceId": target.id, "groupId": group, "requestMessage": text}
        self.azure.arm("PUT", endpoint, KUSTO, {"properties": properties}, tenant=self.tenant)
        self.azure.time.advance(after)
        return Request(self.azure, endpoint, KUSTO, self.tenant, text)

    def stall(self) -> None:
        """Data Explorer never finishes what it has begun."""
        snapshot = self.azure.client.local("GET", "snapshot")
        jobs = [job for job in snapshot["jobs"] if job[1] != "kusto.ready"]
        self.azure.client.local("PUT", "snapshot", snapshot | {"jobs": jobs})


@dataclass(frozen=True)
class Party:
    """Somebody with a subscription of their own: the hub (our tenant), a partner, a stranger."""

    azure: Azure
    tenant: str
    subscription: str = field(default_factory=lambda: str(uuid.uuid4()))

    def requester(self, **more: Any) -> Json:
        """The party as a requester of a policy."""
        tenants = ["home"] if self.tenant == HOME_TENANT else [self.tenant]
        return {"service": "privateEndpoint", "tenants": tenants, "subscriptions": [self.subscription], **more}

    def endpoint(self, target: Target, group: str, *, message: str = "please", name: str = "") -> Request:
        """Ask for a private endpoint that waits for approval."""
        scope = f"/subscriptions/{self.subscription}/resourceGroups/rg/providers/Microsoft.Network"
        endpoint = f"{scope}/privateEndpoints/{name or 'pe-' + uuid.uuid4().hex[:8]}"
        link = {"privateLinkServiceId": target.id, "groupIds": [group], "requestMessage": message}
        properties = {
            "subnet": {"id": f"{scope}/virtualNetworks/v/subnets/s"},
            "manualPrivateLinkServiceConnections": [{"name": "link", "properties": link}],
        }
        body = {"location": "westeurope", "properties": properties}
        self.azure.arm("PUT", endpoint, NETWORK, body, tenant=self.tenant)
        return Request(self.azure, endpoint, NETWORK, self.tenant, message)

    def cluster(self) -> Cluster:
        """A Data Explorer cluster of theirs: its private endpoints live in the same tenant of Microsoft's as ours."""
        return Cluster.in_subscription(self.azure, self.subscription, self.tenant)


@dataclass(frozen=True)
class Estate:
    """Our own subscription and what is in it."""

    azure: Azure
    subscription: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def group(self) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/rg-data"

    def storage_account(self, *, tags: Mapping[str, str] | None = None, **properties: Any) -> Target:
        account = f"{self.group}/providers/Microsoft.Storage/storageAccounts/st{uuid.uuid4().hex[:20]}"
        body = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "tags": tags,
                "properties": properties}  # fmt: skip
        self.azure.arm("PUT", account, STORAGE, body)
        return Target(self.azure, account, STORAGE)

    def namespace(self, **rules: Any) -> Target:
        """An Event Hubs namespace; `rules` are its network rule set."""
        namespace = f"{self.group}/providers/Microsoft.EventHub/namespaces/eh-{uuid.uuid4().hex[:20]}"
        self.azure.arm("PUT", namespace, EVENT_HUBS, {"location": "westeurope"})
        if rules:
            self.azure.arm("PUT", f"{namespace}/networkRuleSets/default", EVENT_HUBS, {"properties": rules})
        return Target(self.azure, namespace, EVENT_HUBS)
