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
from tests.unit.triggers.principals import OBJECT_ID, header


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


@pytest.mark.parametrize("path", ["reevaluate", "firewall/restore"])
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_a_web_page_can_send_is_415_and_does_nothing(
    lively_world: World, host: HostProcess, path: str, kind: str
) -> None:
    account = lively_world.storage_account()
    request = lively_world.hub.endpoint(account, "blob")
    lively_world.forget_calls()
    body = {"scope" if path == "reevaluate" else "targetId": account.id}

    status, answer = post(f"{host.url}/api/{path}", body, {"Content-Type": kind})

    assert (status, answer["error"]["code"]) == (415, "UnsupportedMediaType")
    assert lively_world.calls() == []
    assert request.status == "Pending"


def test_a_key_that_stands_twice_is_400(host: HostProcess) -> None:
    status, answer = post(f"{host.url}/api/reevaluate", b'{"scope": "all", "scope": "all"}')
    assert (status, answer["error"]["code"]) == (400, "DuplicateKey")


def test_a_principal_is_recorded_only_where_app_service_authentication_is_on(
    lively_world: World, host: HostProcess
) -> None:
    account = lively_world.storage_account()
    lively_world.hub.endpoint(account, "blob")
    claims = {"X-MS-CLIENT-PRINCIPAL": header()}

    status, forged = post(f"{host.url}/api/reevaluate", {"scope": account.id, "dryRun": True}, claims)
    with host_of(lively_world, WEBSITE_AUTH_ENABLED="True") as signed_in:
        _, answer = post(f"{signed_in.url}/api/reevaluate", {"scope": account.id}, claims)

    assert (status, "askedBy" in forged["results"][0]) == (200, False)
    assert answer["results"][0]["askedBy"] == {"name": "Ada Lovelace", "objectId": OBJECT_ID}


@pytest.mark.parametrize(
    "settings",
    [
        {"ARM_ENDPOINT": "http://management.azure.com"},
        {"POLICY_PATH": "http://contoso.blob.core.windows.net/c/policy.yaml"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_settings_that_let_nothing_start_are_a_503_that_says_which(
    lively_world: World, settings: dict[str, str]
) -> None:
    with host_of(lively_world, **settings) as broken:
        status, answer = post(f"{broken.url}/api/reevaluate", {"scope": "all"})
        with pytest.raises(urllib.error.HTTPError, match="503"):
            get(f"{broken.url}/api/runs/none")

    assert (status, answer["error"]["code"]) == (503, "SettingsInvalid")
    assert next(iter(settings)) in answer["error"]["message"]
    assert "https://" in answer["error"]["message"]


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
