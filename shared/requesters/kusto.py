"""Data Explorer clusters as requesters: their managed private endpoints, from ARM.

Wire facts: the list has no pages; an endpoint shows its request message and no connection state; its name is
`cluster/endpoint`.
"""

from __future__ import annotations

from shared.azure.arm import Arm
from shared.model.requester import ManagedEndpoint
from shared.requesters.managed_endpoint import managed_endpoint
from shared.resource_id import ResourceId

API_VERSION = "2023-08-15"


class KustoReader:
    """The reader of `kusto` requesters."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm

    def endpoints(self, resource: ResourceId) -> tuple[ManagedEndpoint, ...]:
        """See `RequesterReader`."""
        found = self._arm.pages(f"{resource}/managedPrivateEndpoints", API_VERSION)
        return tuple(managed_endpoint(resource, item, shows_state=False) for item in found)
