"""The supported target types and what each can do. Pure: facts only, no adapter and no SDK is imported here.

The policy loader refuses what a type can never do, the sweep asks for these types, the review takes its adapter by type.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.resource_id import ResourceId, fold


@dataclass(frozen=True, slots=True)
class TargetType:
    """One ARM type that holds private endpoint connections.

    `sub_resources` are the group ids that the type documents (empty: not told apart). The firewall flags say what the
    type can do at all; what one resource cannot do (an Event Hubs namespace without rules, say) shows when it is read.
    """

    name: str
    api_version: str
    sub_resources: tuple[str, ...]
    selected_networks: bool = True
    disabled: bool = True
    trusted_services: bool = True
    selected_needs_rule: bool = False


TARGET_TYPES: dict[str, TargetType] = {
    fold(t.name): t
    for t in (
        TargetType(
            "Microsoft.Storage/storageAccounts",
            "2023-05-01",
            ("blob", "blob_secondary", "table", "table_secondary", "queue", "queue_secondary", "file", "file_secondary",
             "web", "web_secondary", "dfs", "dfs_secondary"),
        ),
        TargetType("Microsoft.EventHub/namespaces", "2024-01-01", ("namespace",), selected_needs_rule=True),
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
    """How a sub-resource is compared: `digitalTwinsInstance(s)` and `API` name the same one (INTERFACE section 7)."""
    key = fold(sub_resource)
    return "api" if key in ("digitaltwinsinstance", "digitaltwinsinstances") else key
