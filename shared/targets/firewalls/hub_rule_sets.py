"""`networkRuleSets` of IoT hubs. Pure.

Wire facts: public access and rule sets are absent until set; only a PUT of the whole description with `If-Match` changes
them (a PATCH takes tags only); connection strings of routes and file uploads come back masked, so what was read would
destroy them when it is written back: such a hub is left alone.
"""

from __future__ import annotations

from typing import Any

from shared.model.firewall import Firewall
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
)
from shared.targets.firewalls.shapes import ACCESS, ACTION, ALLOW, flag, list_of, members, rule, text

MASK = "****"

_RULE = rule({"ipMask": text}, filterName=text, action=ALLOW)
_RULE_SETS = members({"defaultAction": ACTION, "applyToBuiltInEventHubEndpoint": flag, "ipRules": list_of(_RULE)})
_SHAPE = members({"publicNetworkAccess": ACCESS}, networkRuleSets=_RULE_SETS)


class HubRuleSets(SimpleForm):
    """An IoT hub's. Rule sets that were never set stay absent: all their fields are required."""

    def state(self, parts: Parts) -> FirewallState:
        """See `Form`."""
        properties = properties_of(parts)
        rules = properties.get("networkRuleSets")
        if not rules:
            return access_of(properties)
        known = {
            "defaultAction": default_action(rules.get("defaultAction")),
            "applyToBuiltInEventHubEndpoint": bool(rules.get("applyToBuiltInEventHubEndpoint")),
            "ipRules": rules.get("ipRules") or [],
        }
        return access_of(properties) | {"networkRuleSets": known}

    def to_firewall(self, state: FirewallState) -> Firewall:
        """See `Form`."""
        rules = state.get("networkRuleSets") or {}
        return Firewall(
            public_network_access=state["publicNetworkAccess"],
            default_action=default_action(rules.get("defaultAction")),
            rules=tuple(rule_in_words(rule) for rule in rules.get("ipRules") or ()),
        )

    def tightened(self, state: FirewallState, wanted: Firewall) -> FirewallState:
        """See `Form`."""
        after = {**state, "publicNetworkAccess": wanted.public_network_access}
        if "networkRuleSets" in state:
            after["networkRuleSets"] = {**state["networkRuleSets"], "defaultAction": wanted.default_action}
        return after

    def step(self, parts: Parts, wanted: FirewallState) -> Request | None:
        """See `Form`."""
        changed = differing(self.state(parts), wanted)
        if not changed:
            return None
        hub = parts[""]
        properties = {**hub["properties"], **changed}
        if "networkRuleSets" in changed:
            properties["networkRuleSets"] = (hub["properties"].get("networkRuleSets") or {}) | changed[
                "networkRuleSets"
            ]
        body = {**hub, "properties": properties}
        return Request("PUT", body=body, headers={"If-Match": str(hub.get("etag") or "*")}, asks=changed)

    def obstacle(self, parts: Parts) -> str | None:
        """See `Form`."""
        where = sorted(name for name, value in properties_of(parts).items() if _masked(value))
        if not where:
            return None
        return (
            f"the hub's {' and '.join(where)} hold connection strings whose keys Azure shows masked: writing the hub would "
            "replace the keys by their masks. Use managed identities there, or change the firewall by hand"
        )

    def restorable(self, state: FirewallState) -> FirewallState:
        """See `Form`."""
        kept: FirewallState = _SHAPE(state, "the firewall")
        return kept


def _masked(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_masked, value.values()))
    if isinstance(value, list):
        return any(map(_masked, value))
    return isinstance(value, str) and MASK in value
