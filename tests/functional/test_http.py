"""The HTTP API as a caller meets it, through a host; what the answers say is test_reevaluate.py's."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from local.host.process import HostProcess
from tests.functional.hosts import fire_sweep, host_of, post, until
from tests.functional.world import World, allow


@pytest.fixture(scope="module")
def host(lively_world: World) -> Iterator[HostProcess]:
    lively_world.policy({"hub": lively_world.hub.requester()}, allow("hub"))
    with host_of(lively_world) as running:
        yield running


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - http of our own
        assert answer.headers["Content-Type"].startswith("application/json")
        return json.load(answer)


def test_a_target_is_answered_at_once(lively_world: World, host: HostProcess) -> None:
    account = lively_world.storage_account()
    request = lively_world.hub.endpoint(account, "blob")

    status, answer = post(f"{host.url}/api/reevaluate", {"scope": account.id})

    assert (status, answer["results"][0]["outcome"], request.status) == (200, "approved", "Approved")


def test_a_run_is_followed_to_its_end_by_its_status_url(lively_world: World, host: HostProcess) -> None:
    requests = [lively_world.hub.endpoint(lively_world.storage_account(), "blob") for _ in range(3)]

    status, answer = post(f"{host.url}/api/reevaluate", {"scope": "all"})

    assert (status, answer["queued"]) == (202, 3)
    ended = until(lambda: (run := get(host.url + answer["statusUrl"]))["done"] == 3 and run)
    assert {d["connectionId"] for d in ended["results"]} == {request.connection_id for request in requests}
    assert {request.status for request in requests} == {"Approved"}


@pytest.mark.parametrize(
    ("scope", "status"),
    [("nonsense", 400), ("/subscriptions/11111111-1111-1111-1111-111111111111", 403)],
)
def test_an_error_keeps_its_status_on_the_way(host: HostProcess, scope: str, status: int) -> None:
    assert post(f"{host.url}/api/reevaluate", {"scope": scope})[0] == status


def test_a_run_that_nobody_started_is_404(host: HostProcess) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(f"{host.url}/api/runs/none")


def test_the_timer_finds_what_no_event_told_of(lively_world: World, host: HostProcess) -> None:
    requests = [
        lively_world.hub.endpoint(lively_world.storage_account(), "blob"),
        lively_world.hub.endpoint(lively_world.namespace(), "namespace"),
    ]

    fire_sweep(host)

    until(lambda: [request.status for request in requests] == ["Approved", "Approved"])
