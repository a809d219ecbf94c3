"""Storage accounts, through `azure-mgmt-storage`.

Wire facts [R]: the PUT of a connection is synchronous; approving twice, or approving what was rejected, is a 400; the
PATCH of `networkAcls` merges field by field, so only what changes is sent and a list is never sent at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.firewall import Firewall
from shared.targets.adapter import FirewallReading, Operation
from shared.targets.sdk import SdkAdapter, calling, plain
from shared.targets.types import TARGET_TYPES

if TYPE_CHECKING:
    from azure.mgmt.storage import StorageManagementClient

    from shared.resource_id import ResourceId

TYPE = TARGET_TYPES["microsoft.storage/storageaccounts"]


class StorageAccounts(SdkAdapter):
    """The adapter of `Microsoft.Storage/storageAccounts`."""

    put = "put"

    def client(self, target: ResourceId) -> StorageManagementClient:
        """See `SdkAdapter`."""
        from azure.mgmt.storage import StorageManagementClient  # 200 ms: only where a storage account is reviewed

        return self._clients.get(StorageManagementClient, target.subscription_id, TYPE.api_version)

    def resource(self, target: ResourceId) -> dict[str, Any]:
        """See `SdkAdapter`."""
        with calling(f"read {target}"):
            return plain(self.client(target).storage_accounts.get_properties(target.resource_group, target.name))

    def firewall(self, target: ResourceId) -> FirewallReading:
        """See `TargetAdapter`."""
        properties = self.resource(target).get("properties") or {}
        acls = properties.get("networkAcls") or {}
        rules = sum(len(acls.get(k) or ()) for k in ("ipRules", "virtualNetworkRules", "resourceAccessRules"))
        firewall = Firewall(
            public_network_access=properties.get("publicNetworkAccess") or "Enabled",
            default_action=acls.get("defaultAction") or "Allow",
            trusted_services="azureservices" in _bypass(acls),
            rules=rules,
        )
        return FirewallReading(firewall, acls)

    def tighten(self, target: ResourceId, reading: FirewallReading, wanted: Firewall) -> Operation | None:
        """See `TargetAdapter`."""
        now, acls = reading.firewall, reading.body
        properties: dict[str, Any] = {}
        if wanted.public_network_access != now.public_network_access:
            properties["publicNetworkAccess"] = wanted.public_network_access
        if (wanted.default_action, wanted.trusted_services) != (now.default_action, now.trusted_services):
            properties["networkAcls"] = {"defaultAction": wanted.default_action}  # required with any other field
        if wanted.trusted_services != now.trusted_services:
            kept = [
                word for word in str(acls.get("bypass") or "").split(",") if word.strip().lower() != "azureservices"
            ]
            properties["networkAcls"]["bypass"] = ", ".join(word.strip() for word in kept if word.strip()) or "None"
        body: Any = {"properties": properties}
        with calling(f"write the firewall of {target}"):
            self.client(target).storage_accounts.update(target.resource_group, target.name, body)
        return None


def _bypass(acls: Mapping[str, Any]) -> list[str]:
    """The words of `bypass` ("Logging, Metrics, AzureServices" or "None"); absent means AzureServices, Azure's default."""
    return [word.strip().lower() for word in str(acls.get("bypass") or "AzureServices").split(",")]
