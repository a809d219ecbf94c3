"""The supported target types and what each can do. Pure: facts only, no adapter and no SDK is imported here.

The policy loader refuses what a type can never do, the sweep asks for these types, the review takes its adapter by type.
A new type on ARM's usual surface is one more entry (docs/adding-a-target-type.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.resource_id import ResourceId, fold


class FirewallForm(StrEnum):
    """What a type's firewall looks like on the wire; `targets.firewalls` has one module for each family."""

    STORAGE_ACLS = "storageAcls"
    VAULT_ACLS = "vaultAcls"
    RULE_SET = "ruleSet"
    HUB_RULE_SETS = "hubRuleSets"
    SERVER_RULES = "serverRules"
    PUBLIC_ACCESS = "publicAccess"


@dataclass(frozen=True, slots=True)
class TargetType:
    """One ARM type that holds private endpoint connections.

    `sub_resources` are the group ids that the type documents (empty: not told apart). `succeeded` are the words (folded) of
    a connection's `provisioningState` that say that its last operation succeeded; types without the field say nothing. The
    firewall flags say what the type can do at all; what one resource cannot do (an Event Hubs namespace without rules,
    say) shows when it is read. `selected_is_given`: its rules always count, so selectedNetworks has nothing to switch on.
    `trusted_uses`: what goes through the trusted-services exception, for people. `reuses_names`: whether a connection may
    get the name of one that was deleted, so that an id alone does not tell two requests apart: a key vault calls it
    `<private endpoint>-conn`. False only where every name is known to hold a new GUID (storage `<account>.<guid>`, Event
    Hubs and Service Bus `<guid>`, SQL and Data Explorer `<private endpoint>-<guid>`).
    """

    name: str
    api_version: str
    sub_resources: tuple[str, ...]
    firewall: FirewallForm
    succeeded: tuple[str, ...] = ("succeeded",)
    selected_networks: bool = True
    selected_needs_rule: bool = False
    selected_is_given: bool = False
    disabled: bool = True
    trusted_services: bool = True
    trusted_uses: str = ""
    reuses_names: bool = True


TARGET_TYPES: dict[str, TargetType] = {
    fold(t.name): t
    for t in (
        TargetType(
            "Microsoft.Storage/storageAccounts",
            "2023-05-01",
            ("blob", "blob_secondary", "table", "table_secondary", "queue", "queue_secondary", "file", "file_secondary",
             "web", "web_secondary", "dfs", "dfs_secondary"),
            FirewallForm.STORAGE_ACLS,
            trusted_uses="diagnostic logs that Azure Monitor writes here, Event Grid deliveries and dead letters, Data "
            "Explorer's ingestion with its managed identity, Azure Backup",
            reuses_names=False,
        ),
        TargetType(
            "Microsoft.EventHub/namespaces",
            "2024-01-01",
            ("namespace",),
            FirewallForm.RULE_SET,
            selected_needs_rule=True,
            trusted_uses="diagnostic logs that Azure Monitor sends here, Event Grid deliveries, Data Explorer's ingestion "
            "with its managed identity",
            reuses_names=False,
        ),
        TargetType(
            "Microsoft.ServiceBus/namespaces",
            "2021-11-01",
            ("namespace",),
            FirewallForm.RULE_SET,
            selected_needs_rule=True,
            trusted_uses="Event Grid deliveries, alerts of Azure Monitor, IoT Hub's routes with its managed identity",
            reuses_names=False,
        ),
        TargetType(
            "Microsoft.Devices/IotHubs",
            "2023-06-30",
            ("iotHub",),
            FirewallForm.HUB_RULE_SETS,
            selected_needs_rule=True,
            trusted_services=False,
        ),
        TargetType(
            "Microsoft.KeyVault/vaults",
            "2023-07-01",
            ("vault",),
            FirewallForm.VAULT_ACLS,
            trusted_uses="customer-managed keys of storage, SQL and disks, certificates of App Service, deployments "
            "that read secrets, Azure Backup",
        ),
        TargetType(
            "Microsoft.Sql/servers",
            "2021-11-01",
            ("sqlServer",),
            FirewallForm.SERVER_RULES,
            succeeded=("ready",),
            selected_is_given=True,
            trusted_uses="every Azure service that connects by its public address, those of other tenants too: Data "
            "Factory, App Service, Power BI, and the server's own auditing to storage",
            reuses_names=False,
        ),
        TargetType(
            "Microsoft.Kusto/clusters",
            "2023-08-15",
            ("cluster",),
            FirewallForm.PUBLIC_ACCESS,
            selected_needs_rule=True,
            selected_is_given=True,
            trusted_services=False,
            reuses_names=False,
        ),
        TargetType(
            "Microsoft.DigitalTwins/digitalTwinsInstances",
            "2023-01-31",
            ("digitalTwinsInstance", "API"),
            FirewallForm.PUBLIC_ACCESS,
            succeeded=("succeeded", "pending", "approved", "rejected"),
            selected_networks=False,
            trusted_services=False,
        ),
    )
}  # fmt: skip


def target_type(arm_type: str) -> TargetType | None:
    """The entry of an ARM type, in any case; None for a type that the product does not support."""
    return TARGET_TYPES.get(fold(arm_type))


def type_of(target: ResourceId) -> TargetType:
    """The entry of a target that `is_target` accepts; a KeyError is a defect."""
    return TARGET_TYPES[fold(target.type)]


def is_target(resource: ResourceId) -> bool:
    """Whether the id names a resource (not a child of one) of a supported type."""
    return len(resource.names) == 1 and fold(resource.type) in TARGET_TYPES


def sub_resource_key(sub_resource: str) -> str:
    """How a sub-resource is compared: `digitalTwinsInstance(s)` and `API` name the same one (Azure has both)."""
    key = fold(sub_resource)
    return "api" if key in ("digitaltwinsinstance", "digitaltwinsinstances") else key
