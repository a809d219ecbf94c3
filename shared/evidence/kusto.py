"""Data Explorer clusters as requesters: their managed private endpoints, from ARM.

Wire facts: the list has no pages; an endpoint shows its request message and no connection state; its name is
`cluster/endpoint` (facts/azure-resource-manager.md, "The requester's side").
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from shared.arm import Arm
from shared.evidence.model import ManagedEndpoint
from shared.resource_id import ResourceId, fold

API_VERSION = "2023-08-15"


class KustoReader:
    """The reader of `kusto` requesters."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm

    def endpoints(self, resource: ResourceId) -> tuple[ManagedEndpoint, ...]:
        """See `RequesterReader`."""
        found = self._arm.pages(f"{resource}/managedPrivateEndpoints", API_VERSION)
        return tuple(_endpoint(resource, item) for item in found)


def _endpoint(resource: ResourceId, item: dict[str, Any]) -> ManagedEndpoint:
    properties = item.get("properties") or {}
    name = str(item.get("name") or item.get("id") or "").rpartition("/")[2]
    created = (item.get("systemData") or {}).get("createdAt")
    return ManagedEndpoint(
        id=fold(f"{resource}/managedPrivateEndpoints/{name}"),
        name=name,
        target_id=properties.get("privateLinkResourceId") or "",
        sub_resource=properties.get("groupId") or "",
        request_message=properties.get("requestMessage") or "",
        provisioning_state=properties.get("provisioningState") or "",
        created_at=moment_of(created),
    )


def moment_of(text: Any) -> datetime | None:
    """A time of ARM's (`2022-02-05T08:29:54.2912851Z`, seven digits); None where it is missing or malformed."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
