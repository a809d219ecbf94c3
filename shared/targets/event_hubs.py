"""Event Hubs namespaces, through `azure-mgmt-eventhub`.

Wire facts, as recorded: the PUT of a connection answers 202 with the new status at once while `Updating`, and an
`Azure-AsyncOperation` that the SDK does not follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.targets.sdk import SdkAdapter, calling, plain, started

if TYPE_CHECKING:
    from azure.mgmt.eventhub import EventHubManagementClient

    from shared.azure.operations import Operation
    from shared.resource_id import ResourceId
    from shared.targets.firewalls.form import Request


class EventHubsNamespaces(SdkAdapter):
    """The adapter of `Microsoft.EventHub/namespaces`."""

    def client(self, target: ResourceId) -> EventHubManagementClient:
        """See `SdkAdapter`."""
        from azure.mgmt.eventhub import EventHubManagementClient  # 150 ms: only where a namespace is reviewed

        return self._clients.get(EventHubManagementClient, target.subscription_id, self.kind.api_version)

    def get(self, target: ResourceId, path: str = "") -> dict[str, Any]:
        """See `Adapter`: the namespace, or its rule set."""
        namespaces = self.client(target).namespaces
        read = namespaces.get_network_rule_set if path else namespaces.get
        with calling(f"read {target}{path}"):
            return plain(read(target.resource_group, target.name))

    def send(self, target: ResourceId, request: Request) -> Operation | None:
        """See `TargetAdapter`: a PUT of the rule set, or a PATCH of the namespace."""
        namespaces: Any = self.client(target).namespaces
        write = namespaces.create_or_update_network_rule_set if request.path else namespaces.update
        with calling(f"write {target}{request.path}"):
            operation: Operation | None = write(target.resource_group, target.name, request.body, cls=started)
            return operation
