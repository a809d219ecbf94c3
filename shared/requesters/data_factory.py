"""Data factories as requesters: the managed private endpoints of their managed virtual network, from ARM.

Wire facts: the managed virtual network is called `default`; endpoints show a connection state (empty strings while they are
provisioned) and no message (facts/azure-resource-manager.md, "The requester's side").
"""

from __future__ import annotations

from shared.azure.arm import Arm
from shared.model.requester import ManagedEndpoint
from shared.requesters.managed_endpoint import managed_endpoint
from shared.resource_id import ResourceId

API_VERSION = "2018-06-01"


class DataFactoryReader:
    """The reader of `dataFactory` requesters."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm

    def endpoints(self, resource: ResourceId) -> tuple[ManagedEndpoint, ...]:
        """See `RequesterReader`."""
        found = self._arm.pages(f"{resource}/managedVirtualNetworks/default/managedPrivateEndpoints", API_VERSION)
        return tuple(managed_endpoint(resource, item, shows_state=True) for item in found)
