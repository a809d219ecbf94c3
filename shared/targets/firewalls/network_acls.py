"""`networkAcls`: the firewalls of storage accounts and key vaults. Pure.

Wire facts: a PATCH of a storage account merges `networkAcls` field by field, and a list that is present replaces the
old one (recorded), so only what differs is sent; what a key vault does is unknown, so its whole `networkAcls` is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.model.firewall import Firewall
from shared.resource_id import fold
from shared.targets.firewalls.form import (
    FirewallState,
    Parts,
    Request,
    SimpleForm,
    access_of,
    default_action,
    differing,
    properties_of,
    rule_in_words,
    same,
)
from shared.targets.firewalls.shapes import ACCESS, ACTION, ALLOW, Shape, flag, list_of, members, rule, text, words_of

TRUSTED = "AzureServices"


class _NetworkAcls(SimpleForm):
    rules: Mapping[str, Shape]
    bypass: tuple[str, ...]

    def state(self, parts: Parts) -> FirewallState:
        """See `Form`. Absent acls let everybody in; an absent `bypass` means AzureServices. Rules without their `state`."""
        properties = properties_of(parts)
        acls = properties.get("networkAcls") or {}
        lists = {name: [_sent(rule) for rule in acls.get(name) or ()] for name in self.rules}
        words = {"bypass": acls.get("bypass") or TRUSTED, "defaultAction": default_action(acls.get("defaultAction"))}
        return access_of(properties) | {"networkAcls": words | lists}

    def to_firewall(self, state: FirewallState) -> Firewall:
        """See `Form`."""
        acls = state["networkAcls"]
        return Firewall(
            public_network_access=state["publicNetworkAccess"],
            default_action=acls["defaultAction"],
            trusted_services=fold(TRUSTED) in map(fold, _bypass(acls)),
            rules=tuple(rule_in_words(rule) for name in self.rules for rule in acls[name]),
        )

    def tightened(self, state: FirewallState, wanted: Firewall) -> FirewallState:
        """See `Form`. Of `bypass` only AzureServices goes."""
        acls = {**state["networkAcls"], "defaultAction": wanted.default_action}
        if not wanted.trusted_services:
            acls["bypass"] = ", ".join(word for word in _bypass(acls) if fold(word) != fold(TRUSTED)) or "None"
        return {"publicNetworkAccess": wanted.public_network_access, "networkAcls": acls}

    def restorable(self, state: FirewallState) -> FirewallState:
        """See `Form`."""
        acls = {"bypass": words_of("None", *self.bypass), "defaultAction": ACTION}
        acls |= {name: list_of(shape) for name, shape in self.rules.items()}
        kept: FirewallState = members({"publicNetworkAccess": ACCESS, "networkAcls": members(acls)})(
            state, "the firewall"
        )
        return kept


class StorageAcls(_NetworkAcls):
    """A storage account's: only what differs is sent."""

    rules: Mapping[str, Shape] = {
        "ipRules": rule({"value": text}, action=ALLOW),
        "virtualNetworkRules": rule({"id": text}, action=ALLOW),
        "resourceAccessRules": rule({"resourceId": text}, tenantId=text),
    }
    bypass = ("Logging", "Metrics", TRUSTED)

    def step(self, parts: Parts, wanted: FirewallState) -> Request | None:
        """See `Form`. `defaultAction` is required beside any other field of the acls."""
        now = self.state(parts)
        properties = differing(now, wanted)
        if "networkAcls" in properties:
            acls = wanted["networkAcls"]
            changed = differing(now["networkAcls"], acls)
            properties["networkAcls"] = {"defaultAction": acls["defaultAction"], **changed}
        return Request("PATCH", body={"properties": properties}) if properties else None


class VaultAcls(_NetworkAcls):
    """A key vault's: everything is sent, as it is or as it is wanted."""

    rules: Mapping[str, Shape] = {
        "ipRules": rule({"value": text}),
        "virtualNetworkRules": rule({"id": text}, ignoreMissingVnetServiceEndpoint=flag),
    }
    bypass = (TRUSTED,)

    def step(self, parts: Parts, wanted: FirewallState) -> Request | None:
        """See `Form`."""
        return None if same(self.state(parts), wanted) else Request("PATCH", body={"properties": wanted})


def _bypass(acls: FirewallState) -> list[str]:
    """The words of `bypass` ("Logging, Metrics, AzureServices" or "None")."""
    words = (word.strip() for word in str(acls["bypass"]).split(","))
    return [word for word in words if word]


def _sent(rule: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rule.items() if name != "state"}
