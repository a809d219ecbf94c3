"""Data factories as requesters: the managed private endpoints of all their managed virtual networks, from ARM.

Wire facts: a factory has any number of managed virtual networks (the portal calls its first one `default`, REST and
Terraform whatever they are told); endpoints show a connection state (empty strings while they are provisioned) and no
message.
"""

from __future__ import annotations

from urllib.parse import quote

from shared.azure.arm import Arm
from shared.errors import TransientError
from shared.model.requester import ManagedEndpoint
from shared.requesters.managed_endpoint import managed_endpoint
from shared.resource_id import ResourceId

API_VERSION = "2018-06-01"


class DataFactoryReader:
    """The reader of `dataFactory` requesters."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm

    def endpoints(self, resource: ResourceId) -> tuple[ManagedEndpoint, ...]:
        """See `RequesterReader`. One call for the networks, and one for each of them; a factory has one as a rule."""
        networks = self._arm.pages(f"{resource}/managedVirtualNetworks", API_VERSION)
        return tuple(found for network in networks for found in self._of_network(resource, network.get("name")))

    def _of_network(self, resource: ResourceId, name: object) -> list[ManagedEndpoint]:
        if not isinstance(name, str) or not name:
            raise TransientError(f"{resource}: a managed virtual network without a name", code="NotAList")
        network = f"managedVirtualNetworks/{quote(name, safe='')}"
        found = self._arm.pages(f"{resource}/{network}/managedPrivateEndpoints", API_VERSION)
        return [managed_endpoint(resource, item, shows_state=True, below=network) for item in found]
