"""`publicNetworkAccess` alone: Data Explorer clusters, whose `allowedIpRangeList` always counts, and Digital Twins. Pure."""

from __future__ import annotations

from shared.model.firewall import Firewall
from shared.targets.firewalls.form import FirewallState, Parts, Request, SimpleForm, access_of, differing, properties_of
from shared.targets.firewalls.shapes import ACCESS, list_of, members, text

_ADDRESSES = "allowedIpRangeList"

_SHAPE = members({"publicNetworkAccess": ACCESS}, allowedIpRangeList=list_of(text))


class PublicAccess(SimpleForm):
    """One switch, and for Data Explorer a list of addresses that the app only writes to put it back."""

    def state(self, parts: Parts) -> FirewallState:
        """See `Form`."""
        properties = properties_of(parts)
        addresses = properties.get(_ADDRESSES)
        return access_of(properties) | ({_ADDRESSES: addresses} if addresses is not None else {})

    def to_firewall(self, state: FirewallState) -> Firewall:
        """See `Form`."""
        return Firewall(state["publicNetworkAccess"], rules=tuple(f"ip {a}" for a in state.get(_ADDRESSES) or ()))

    def tightened(self, state: FirewallState, wanted: Firewall) -> FirewallState:
        """See `Form`."""
        return {**state, "publicNetworkAccess": wanted.public_network_access}

    def step(self, parts: Parts, wanted: FirewallState) -> Request | None:
        """See `Form`."""
        changed = differing(self.state(parts), wanted)
        return Request("PATCH", body={"properties": changed}) if changed else None

    def restorable(self, state: FirewallState) -> FirewallState:
        """See `Form`."""
        kept: FirewallState = _SHAPE(state, "the firewall")
        return kept
