"""The timer trigger: on schedule, by one host, and made good when missed."""

from __future__ import annotations

import json
import os
import re
import signal
from datetime import UTC, datetime, timedelta

import pytest
import requests
from azure.storage.blob import BlobServiceClient, ContainerClient

from local.host.process import HostProcess
from tests.local_host.azurite_server import Account
from tests.local_host.conftest import StartHost, eventually

EVERY_SECOND = "* * * * * *"


def fired(host: HostProcess) -> set[str]:
    """The seconds at which a host's log says that the timer fired."""
    return set(re.findall(r"Executing 'Functions.tick' .*Timer fired at (\S{19})", host.log()))


def container_of(account: Account) -> ContainerClient:
    service = BlobServiceClient.from_connection_string(account.connection_string)
    return service.get_container_client("azure-webjobs-hosts")


def test_a_timer_fires_on_schedule(start_host: StartHost) -> None:
    host = start_host(TICK_SCHEDULE=EVERY_SECOND)
    host.wait_for_log(r"Executed 'Functions.tick' \(Succeeded", count=3)
    assert len(fired(host)) >= 3


@pytest.mark.slow
def test_a_time_span_is_a_schedule(start_host: StartHost) -> None:
    start_host(TICK_SCHEDULE="00:00:01").wait_for_log("tick past_due=False", count=2)


def test_a_timer_is_fired_by_hand_at_any_time(start_host: StartHost) -> None:
    host = start_host()
    for body in ('{"input": ""}', ""):
        assert requests.post(f"{host.url}/admin/functions/tick", data=body, timeout=10).status_code == 202
    host.wait_for_log("tick past_due=False", count=2)


def test_a_timer_can_run_on_startup_and_without_a_status(start_host: StartHost) -> None:
    start_host().wait_for_log("wake status={}$")


def test_a_schedule_that_is_none_puts_the_function_in_error(start_host: StartHost) -> None:
    log = start_host(TICK_SCHEDULE="every now and then").log()
    assert "The 'tick' function is in error: The schedule expression 'every now and then' was not recognized" in log


def test_one_host_of_several_fires_and_another_takes_over(start_host: StartHost) -> None:
    first = start_host(TICK_SCHEDULE=EVERY_SECOND, time_scale=0.01)
    first.wait_for_log("tick past_due", count=2)
    second = start_host(TICK_SCHEDULE=EVERY_SECOND, time_scale=0.01)
    first.wait_for_log("tick past_due", count=4)
    assert not fired(second)
    first.stop()
    second.wait_for_log("tick past_due", count=2)
    assert not fired(first) & fired(second)


@pytest.mark.slow
def test_a_frozen_host_loses_its_timers_to_another(start_host: StartHost) -> None:
    first, second = (start_host(TICK_SCHEDULE=EVERY_SECOND, time_scale=0.01) for _ in range(2))
    eventually(lambda: bool(fired(first) | fired(second)))
    holder, other = (first, second) if fired(first) else (second, first)
    os.kill(holder.process_id, signal.SIGSTOP)
    other.wait_for_log("tick past_due")
    os.kill(holder.process_id, signal.SIGCONT)
    holder.wait_for_log("The lease of the timer 'tick' is lost")


def test_a_missed_time_is_made_good_once_at_the_start(account: Account, start_host: StartHost) -> None:
    schedule = "0 0 * * * *"
    first = start_host(TICK_SCHEDULE=schedule)
    first.wait_for_log("The next 5 occurrences of the 'tick' schedule")
    first.stop()
    blobs = container_of(account)
    (name,) = [blob.name for blob in blobs.list_blobs() if blob.name.endswith("/status")]
    assert re.fullmatch(r"timers/[^/]+/Host\.Functions\.tick/status", name)
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    last, due = (hour - timedelta(hours=back) for back in (5, 4))
    status = {"Last": last.isoformat(), "Next": due.isoformat(), "LastUpdated": last.isoformat()}
    blobs.upload_blob(name, json.dumps(status), overwrite=True)

    late = start_host(TICK_SCHEDULE=schedule)
    late.wait_for_log("tick past_due=True")
    late.wait_for_log(r"Executed 'Functions.tick' \(Succeeded")
    late.stop()
    assert datetime.fromisoformat(json.loads(blobs.download_blob(name).readall())["Next"]) > hour

    again = start_host(TICK_SCHEDULE=schedule)
    again.wait_for_log("The next 5 occurrences of the 'tick' schedule")
    assert "past_due=True" not in again.log()


@pytest.mark.slow
def test_another_schedule_makes_nothing_good(account: Account, start_host: StartHost) -> None:
    first = start_host(TICK_SCHEDULE="0 0 * * * *")
    first.wait_for_log("The next 5 occurrences of the 'tick' schedule")
    first.stop()
    blobs = container_of(account)
    (name,) = [blob.name for blob in blobs.list_blobs() if blob.name.endswith("/status")]
    old = dict.fromkeys(("Last", "Next", "LastUpdated"), "2020-01-01T00:00:00+00:00")
    blobs.upload_blob(name, json.dumps(old), overwrite=True)
    second = start_host(TICK_SCHEDULE="0 30 * * * *")
    second.wait_for_log("The next 5 occurrences of the 'tick' schedule")
    second.stop()
    assert "past_due" not in second.log()
    assert ":30:00" in json.loads(blobs.download_blob(name).readall())["Next"]
