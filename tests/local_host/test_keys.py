"""`--enable-auth`: function keys by `authLevel`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests

from local.host.process import HostProcess
from tests.local_host.azurite_server import Account
from tests.local_host.conftest import NEVER, SAMPLE

EVENTS = "/runtime/webhooks/eventgrid?functionName=on_event"


@pytest.fixture(scope="module")
def guarded(module_account: Account) -> Iterator[HostProcess]:
    settings = {"AzureWebJobsStorage": module_account.connection_string, "TICK_SCHEDULE": NEVER}
    with HostProcess(settings, root=SAMPLE, arguments=["--enable-auth"]) as running:
        yield running


@pytest.fixture(scope="module")
def keys(guarded: HostProcess) -> dict[str, str]:
    return dict(re.findall(r"^\t([\w ]+): ([\w-]{43})$", guarded.log(), re.MULTILINE))


@pytest.mark.parametrize(
    ("method", "path", "enough"),
    [
        ("GET", "/api/echo/x", {"master", "default", "function echo"}),
        ("GET", "/api/slow/0", {"master"}),
        ("GET", "/admin/host/status", {"master"}),
        ("GET", "/admin/functions", {"master"}),
        ("POST", "/admin/functions/tick", {"master"}),
        ("POST", EVENTS, {"master", "eventgrid_extension"}),
    ],
)
def test_only_a_key_of_the_right_level_opens(
    guarded: HostProcess, keys: dict[str, str], method: str, path: str, enough: set[str]
) -> None:
    assert enough <= set(keys)
    for name, key in {**keys, "wrong": "x", "none": ""}.items():
        headers = {"x-functions-key": key, "aeg-event-type": "Notification"}
        by_header = requests.request(method, guarded.url + path, headers=headers, data="[]", timeout=10)
        by_query = requests.request(
            method,
            guarded.url + path,
            params={"code": key},
            headers={"aeg-event-type": "Notification"},
            data="[]",
            timeout=10,
        )
        for answer in (by_header, by_query):
            refused = answer.status_code == 401
            assert refused is (name not in enough), f"{name}: {answer.status_code}"


def test_an_anonymous_function_asks_for_no_key(guarded: HostProcess) -> None:
    assert requests.get(f"{guarded.url}/api/text", timeout=10).ok


def test_the_event_grid_handshake_of_cloud_events_asks_for_no_key(guarded: HostProcess) -> None:
    assert requests.options(guarded.url + EVENTS, timeout=10).ok
