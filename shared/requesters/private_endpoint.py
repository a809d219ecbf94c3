"""A private endpoint as its own subscription shows it, where the app may read it.

Wire facts: the link to a target stands in `manualPrivateLinkServiceConnections` or `privateLinkServiceConnections`, with
its group ids and the state of the connection as the requester sees it.
"""

from __future__ import annotations

from typing import Any

from shared.azure.arm import Arm
from shared.errors import ApproverError, ForbiddenError, NotFoundError, TransientError
from shared.model.check import Certainty, Check, FailedCheck
from shared.model.requester import PrivateEndpointView
from shared.resource_id import ResourceId, fold, try_parse

API_VERSION = "2024-01-01"


class PrivateEndpoints:
    """Reads private endpoints."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm

    def view(self, endpoint: ResourceId, target: ResourceId) -> PrivateEndpointView:
        """What the private endpoint shows of its connection to the target.

        401 and 403 mean "not readable": subscription and tenant decide alone. 404 with read access is a failed check.
        """
        try:
            return view_of(self._arm.get(str(endpoint), API_VERSION), target)
        except NotFoundError as error:
            return PrivateEndpointView(readable=True, problem=_failed(Check.NOT_FOUND, error.code))
        except ForbiddenError:
            return PrivateEndpointView(readable=False)
        except TransientError as error:
            return PrivateEndpointView(readable=False, problem=_failed(Check.UNREADABLE, str(error), Certainty.WAITING))
        except ApproverError as error:
            return PrivateEndpointView(readable=False, problem=_failed(Check.UNREADABLE, str(error)))


def view_of(body: dict[str, Any], target: ResourceId) -> PrivateEndpointView:
    """What a private endpoint's JSON says about its connection to the target."""
    properties = body.get("properties") or {}
    links = [
        link.get("properties") or {}
        for name in ("manualPrivateLinkServiceConnections", "privateLinkServiceConnections")
        for link in properties.get(name) or []
    ]
    ours = [link for link in links if (i := try_parse(link.get("privateLinkServiceId"))) and i.same(target)]
    if len(ours) != 1:
        found = f"{len(ours)} connections to this target"
        return PrivateEndpointView(readable=True, problem=_failed(Check.NOT_FOUND, found))
    groups = ours[0].get("groupIds") or []
    sub_resource = groups[0] if len(groups) == 1 else None
    state = fold((ours[0].get("privateLinkServiceConnectionState") or {}).get("status") or "")
    provisioning = fold(properties.get("provisioningState") or "")
    if state == "pending" and provisioning in ("succeeded", "updating"):
        return PrivateEndpointView(readable=True, sub_resource=sub_resource)
    if state in ("pending", "") and provisioning not in ("failed", "deleting"):
        return PrivateEndpointView(
            True, sub_resource, _failed(Check.NOT_READY, state or "no state yet", Certainty.WAITING)
        )
    return PrivateEndpointView(True, sub_resource, _failed(Check.NOT_FOUND, f"{provisioning}, {state or 'no state'}"))


def _failed(check: Check, found: str, certainty: Certainty = Certainty.CERTAIN) -> FailedCheck:
    return FailedCheck(check, "a private endpoint that shows this connection", found, certainty)
