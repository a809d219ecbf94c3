"""A managed private endpoint as JSON: what Data Explorer, Synapse and Data Factory have in common. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from shared.model.requester import ManagedEndpoint
from shared.resource_id import ResourceId, fold


def managed_endpoint(
    resource: ResourceId, item: dict[str, Any], *, shows_state: bool, below: str = ""
) -> ManagedEndpoint:
    """One endpoint of a requester's resource.

    Args:
        resource: the requester's resource.
        item: the endpoint as ARM or the service's data plane gives it; its `name` may be `resource/endpoint`.
        shows_state: the service has `connectionState`: `{}` (Synapse) or empty strings (Data Factory) while it is being
            provisioned, which is kept apart from a service that shows none at all.
        below: the path from the resource to what the endpoint belongs to, where a name is only unique there.
    """
    properties = item.get("properties") or {}
    name = str(item.get("name") or item.get("id") or "").rpartition("/")[2]
    state = (properties.get("connectionState") or {}).get("status") or ""
    return ManagedEndpoint(
        id=fold("/".join([str(resource), *filter(None, [below]), "managedPrivateEndpoints", name])),
        name=name,
        target_id=properties.get("privateLinkResourceId") or "",
        sub_resource=properties.get("groupId") or "",
        request_message=properties.get("requestMessage") or "",
        provisioning_state=properties.get("provisioningState") or "",
        connection_status=state if shows_state else None,
        created_at=_moment((item.get("systemData") or {}).get("createdAt")),
    )


def _moment(text: Any) -> datetime | None:
    """A time of ARM's (`2022-02-05T08:29:54.2912851Z`, seven digits); None where it is missing or malformed."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
