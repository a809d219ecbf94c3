"""What a private endpoint's own JSON says about its connection to a target."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model.check import Certainty, Check
from shared.requesters.private_endpoint import view_of
from shared.resource_id import parse

GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers"
TARGET = parse(f"{GROUP}/Microsoft.Storage/storageAccounts/landing")


def link(target: str = str(TARGET), groups: object = ("blob",), status: str | None = "Pending") -> dict[str, Any]:
    state = {} if status is None else {"privateLinkServiceConnectionState": {"status": status}}
    return {"properties": {"privateLinkServiceId": target, "groupIds": groups, **state}}


def endpoint(*manual: Any, automatic: tuple[Any, ...] = (), provisioning: str = "Succeeded") -> dict[str, Any]:
    return {
        "properties": {
            "provisioningState": provisioning,
            "manualPrivateLinkServiceConnections": list(manual),
            "privateLinkServiceConnections": list(automatic),
        }
    }


@pytest.mark.parametrize("body", [endpoint(link()), endpoint(automatic=(link(),)), endpoint(link(str(TARGET).upper()))])
def test_an_endpoint_that_waits_at_the_target_agrees(body: dict[str, Any]) -> None:
    view = view_of(body, TARGET)
    assert (view.readable, view.problem, view.sub_resource) == (True, None, "blob")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"properties": None},
        endpoint(),
        endpoint(link(f"{TARGET}2")),
        endpoint(link("nonsense")),
        endpoint(link(), link()),
        endpoint(link(), automatic=(link(),)),
        endpoint(link(status="Approved")),
        endpoint(link(status="Rejected")),
        endpoint(link(status="Disconnected")),
        endpoint(link(), provisioning="Failed"),
        endpoint(link(), provisioning="Deleting"),
    ],
)
def test_an_endpoint_that_shows_no_such_request_is_no_evidence(body: dict[str, Any]) -> None:
    view = view_of(body, TARGET)
    assert view.readable
    assert view.problem is not None
    assert (view.problem.check, view.problem.certainty) == (Check.NOT_FOUND, Certainty.CERTAIN)


@pytest.mark.parametrize(
    "body", [endpoint(link(status=None)), endpoint(link(status="")), endpoint(link(), provisioning="")]
)
def test_an_endpoint_that_is_still_being_made_is_waited_for(body: dict[str, Any]) -> None:
    view = view_of(body, TARGET)
    assert view.problem is not None
    assert (view.problem.check, view.problem.certainty) == (Check.NOT_READY, Certainty.WAITING)


@pytest.mark.parametrize("groups", [[], None, ["blob", "dfs"]])
def test_a_sub_resource_that_is_not_exactly_one_is_unknown(groups: object) -> None:
    assert view_of(endpoint(link(groups=groups)), TARGET).sub_resource is None
