"""SQL servers: public access, and firewall rules that are resources of their own. Pure.

Wire facts: "Allow Azure services" is the rule `AllowAllWindowsAzureIps`, 0.0.0.0 to 0.0.0.0; that range has this meaning
under any name. A PUT on the collection would replace all rules: only single rules are written. `Disabled` needs an
approved private endpoint (42102).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from shared.model.firewall import Firewall
from shared.resource_id import fold
from shared.targets.firewalls.form import FirewallState, Parts, Request, SimpleForm, access_of, differing, properties_of
from shared.targets.firewalls.shapes import ACCESS, address_range, list_of, members, named_by, segment, text

RULES = "/firewallRules"
NETWORKS = "/virtualNetworkRules"
TRUSTED_RULE = "AllowAllWindowsAzureIps"
TRUSTED_RANGE = ["0.0.0.0", "0.0.0.0"]  # noqa: S104  # nosec B104  # the range that stands for Azure's own services

_ENDS = ("startIpAddress", "endIpAddress")


_SHAPE = members({"publicNetworkAccess": ACCESS, "rules": named_by(segment, address_range), "subnets": list_of(text)})


class ServerRules(SimpleForm):
    """A SQL server's."""

    collections = (RULES, NETWORKS)

    def state(self, parts: Parts) -> FirewallState:
        """See `Form`: rules by name, each as its first and last address; the subnets of network rules."""
        ranges = {rule["name"]: [rule["properties"][end] for end in _ENDS] for rule in parts[RULES]}
        subnets = [(rule.get("properties") or {}).get("virtualNetworkSubnetId") or "?" for rule in parts[NETWORKS]]
        return access_of(properties_of(parts)) | {"rules": ranges, "subnets": subnets}

    def to_firewall(self, state: FirewallState) -> Firewall:
        """See `Form`."""
        ranges = [f"ip {first} to {last} ({name})" for name, (first, last) in _kept(state["rules"]).items()]
        return Firewall(
            public_network_access=state["publicNetworkAccess"],
            trusted_services=len(ranges) < len(state["rules"]),
            rules=(*ranges, *(f"subnet {subnet}" for subnet in state["subnets"])),
        )

    def tightened(self, state: FirewallState, wanted: Firewall) -> FirewallState:
        """See `Form`."""
        rules = state["rules"] if wanted.trusted_services else _kept(state["rules"])
        return {**state, "publicNetworkAccess": wanted.public_network_access, "rules": rules}

    def step(self, parts: Parts, wanted: FirewallState) -> Request | None:
        """See `Form`. Public access first: `Disabled` ends every rule's effect at once. Network rules are never written."""
        now = self.state(parts)
        access = {"publicNetworkAccess": wanted["publicNetworkAccess"]}
        if differing(now, access):
            return Request("PATCH", body={"properties": access})
        for name in now["rules"]:
            if name not in wanted["rules"]:
                return Request("DELETE", _path(name))
        for name, ends in differing(now["rules"], wanted["rules"]).items():
            return Request("PUT", _path(name), {"properties": dict(zip(_ENDS, ends, strict=True))})
        return None

    def restorable(self, state: FirewallState) -> FirewallState:
        """See `Form`."""
        kept: FirewallState = _SHAPE(state, "the firewall")
        return kept


def _kept(rules: dict[str, Any]) -> dict[str, Any]:
    """The rules without the trusted-services exception."""
    return {n: ends for n, ends in rules.items() if fold(n) != fold(TRUSTED_RULE) and ends != TRUSTED_RANGE}


def _path(name: str) -> str:
    """A rule's path; its name is free text."""
    return f"{RULES}/{quote(name, safe='')}"
