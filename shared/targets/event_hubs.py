"""Event Hubs namespaces, through `azure-mgmt-eventhub`.

Wire facts [R]: the PUT of a connection answers 202 with the new status at once while `Updating`, and an
`Azure-AsyncOperation` that the SDK does not follow. The PUT of the rule set replaces it and opens public access when left
out, so everything is echoed; public access stands in two places that must agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.firewall import Firewall
from shared.targets.adapter import FirewallReading, Operation
from shared.targets.sdk import SdkAdapter, calling, plain
from shared.targets.types import TARGET_TYPES

if TYPE_CHECKING:
    from azure.mgmt.eventhub import EventHubManagementClient

    from shared.resource_id import ResourceId

TYPE = TARGET_TYPES["microsoft.eventhub/namespaces"]


class EventHubsNamespaces(SdkAdapter):
    """The adapter of `Microsoft.EventHub/namespaces`."""

    def client(self, target: ResourceId) -> EventHubManagementClient:
        """See `SdkAdapter`."""
        from azure.mgmt.eventhub import EventHubManagementClient  # 150 ms: only where a namespace is reviewed

        return self._clients.get(EventHubManagementClient, target.subscription_id, TYPE.api_version)

    def resource(self, target: ResourceId) -> dict[str, Any]:
        """See `SdkAdapter`."""
        with calling(f"read {target}"):
            return plain(self.client(target).namespaces.get(target.resource_group, target.name))

    def firewall(self, target: ResourceId) -> FirewallReading:
        """See `TargetAdapter`."""
        with calling(f"read the rule set of {target}"):
            rule_set = plain(self.client(target).namespaces.get_network_rule_set(target.resource_group, target.name))
        rules = rule_set.get("properties") or {}
        places = {self._public_access(target), rules.get("publicNetworkAccess") or "Enabled"}
        firewall = Firewall(
            public_network_access="Disabled" if "Disabled" in places else min(places),
            default_action=rules.get("defaultAction") or "Allow",
            trusted_services=bool(rules.get("trustedServiceAccessEnabled")),
            rules=len(rules.get("ipRules") or ()) + len(rules.get("virtualNetworkRules") or ()),
            consistent=len(places) == 1,
        )
        return FirewallReading(firewall, rules)

    def tighten(self, target: ResourceId, reading: FirewallReading, wanted: Firewall) -> Operation | None:
        """See `TargetAdapter`. The namespace is written only where the rule set did not take it along."""
        rules = {
            **reading.body,
            "publicNetworkAccess": wanted.public_network_access,
            "defaultAction": wanted.default_action,
            "trustedServiceAccessEnabled": wanted.trusted_services,
        }
        operations: Any = self.client(target).namespaces
        with calling(f"write the rule set of {target}"):
            operations.create_or_update_network_rule_set(target.resource_group, target.name, {"properties": rules})
        if self._public_access(target) != wanted.public_network_access:
            with calling(f"write the public network access of {target}"):
                body = {"properties": {"publicNetworkAccess": wanted.public_network_access}}
                operations.update(target.resource_group, target.name, body)
        return None

    def _public_access(self, target: ResourceId) -> str:
        properties = self.resource(target).get("properties") or {}
        return str(properties.get("publicNetworkAccess") or "Enabled")
