"""Storage accounts, through `azure-mgmt-storage`.

Wire facts, as recorded: the PUT of a connection is synchronous; approving twice, or what was rejected, is a 400.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.targets.sdk import SdkAdapter, calling, plain, started

if TYPE_CHECKING:
    from azure.mgmt.storage import StorageManagementClient

    from shared.azure.operations import Operation
    from shared.resource_id import ResourceId
    from shared.targets.firewalls.form import Request


class StorageAccounts(SdkAdapter):
    """The adapter of `Microsoft.Storage/storageAccounts`."""

    put = "put"

    def client(self, target: ResourceId) -> StorageManagementClient:
        """See `SdkAdapter`."""
        from azure.mgmt.storage import StorageManagementClient  # 200 ms: only where a storage account is reviewed

        return self._clients.get(StorageManagementClient, target.subscription_id, self.kind.api_version)

    def get(self, target: ResourceId, path: str = "") -> dict[str, Any]:
        """See `Adapter`."""
        with calling(f"read {target}{path}"):
            return plain(self.client(target).storage_accounts.get_properties(target.resource_group, target.name))

    def send(self, target: ResourceId, request: Request) -> Operation | None:
        """See `TargetAdapter`: a PATCH of the account."""
        accounts: Any = self.client(target).storage_accounts
        with calling(f"write the firewall of {target}"):
            operation: Operation | None = accounts.update(target.resource_group, target.name, request.body, cls=started)
            return operation
