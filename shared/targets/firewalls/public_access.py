"""`publicNetworkAccess` alone: Data Explorer clusters, whose `allowedIpRangeList` always counts, and Digital Twins. Pure."""

from __future__ import annotations

from shared.firewall import Firewall
from shared.targets.firewalls.form import Parts, Request, SimpleForm, State, access_of, differing, properties_of

_ADDRESSES = "allowedIpRangeList"


class PublicAccess(SimpleForm):
    """One switch, and for Data Explorer a list of addresses that the app only writes to put it back."""

    def state(self, parts: Parts) -> State:
        """See `Form`."""
        properties = properties_of(parts)
        addresses = properties.get(_ADDRESSES)
        return access_of(properties) | ({_ADDRESSES: addresses} if addresses is not None else {})

    def words(self, state: State) -> Firewall:
        """See `Form`."""
        return Firewall(state["publicNetworkAccess"], rules=tuple(f"ip {a}" for a in state.get(_ADDRESSES) or ()))

    def tightened(self, state: State, wanted: Firewall) -> State:
        """See `Form`."""
        return {**state, "publicNetworkAccess": wanted.public_network_access}

    def step(self, parts: Parts, wanted: State) -> Request | None:
        """See `Form`."""
        changed = differing(self.state(parts), wanted)
        return Request("PATCH", body={"properties": changed}) if changed else None
