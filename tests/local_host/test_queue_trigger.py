"""The storage queue trigger: once, again, never again."""

from __future__ import annotations

import json
import re
import time

import pytest
import requests
from azure.storage.queue import QueueClient, QueueServiceClient

from tests.local_host.azurite_server import Account
from tests.local_host.conftest import StartHost, encoded, eventually, queue_of, texts


def is_empty(queue: QueueClient) -> bool:
    return queue.get_queue_properties().approximate_message_count == 0


def test_a_message_runs_the_function_once_with_its_metadata_and_is_deleted(
    account: Account, start_host: StartHost
) -> None:
    queue = queue_of(account, "work")
    sent = queue.send_message(encoded({"name": "a"}))
    host = start_host()
    host.wait_for_log(r"Executed 'Functions.work' \(Succeeded")
    first, second = texts(queue_of(account, "done"))
    assert json.loads(first) == {
        "id": sent.id,
        "inserted": sent.inserted_on.isoformat() if sent.inserted_on else None,
        "lives": "7 days, 0:00:00",
    }
    assert second == "two"
    assert host.stop() == 0
    assert is_empty(queue)


def test_a_failing_message_is_tried_max_dequeue_count_times_and_then_poison(
    account: Account, start_host: StartHost
) -> None:
    queue = queue_of(account, "work")
    queue.send_message(encoded({"name": "b", "fail": True}))
    host = start_host()
    log = host.wait_for_log('poison {"name": "b", "fail": true}')
    assert re.findall(r"work b try (\d)", log) == ["1", "2", "3"]
    assert "Message has reached MaxDequeueCount of 3. Moving message to queue 'work-poison'." in log
    host.wait_for_log(r"Executed 'Functions.failed_work' \(Succeeded")
    host.stop()
    assert is_empty(queue)
    assert is_empty(queue_of(account, "work-poison"))


@pytest.mark.slow
def test_a_failed_message_waits_for_the_visibility_timeout(account: Account, start_host: StartHost) -> None:
    queue_of(account, "work").send_message(encoded({"name": "b", "fail": True}))
    host = start_host(AzureFunctionsJobHost__extensions__queues__visibilityTimeout="00:00:02")
    host.wait_for_log("work b try 1")
    tried = time.monotonic()
    host.wait_for_log("work b try 2")
    assert time.monotonic() - tried > 1


def test_a_message_that_is_not_base64_is_poison_without_a_run(account: Account, start_host: StartHost) -> None:
    queue_of(account, "work").send_message("not base64!")
    host = start_host(**{"AzureWebJobs.failed_work.Disabled": "true"})
    host.wait_for_log("Moving message to queue 'work-poison'")
    host.stop()
    assert [message.content for message in queue_of(account, "work-poison").peek_messages()] == ["not base64!"]
    assert "Executing 'Functions.work'" not in host.log()


def test_a_message_that_is_not_text_counts_as_failed_runs(account: Account, start_host: StartHost) -> None:
    queue_of(account, "work").send_message("/////w==")
    host = start_host(AzureFunctionsJobHost__extensions__queues__visibilityTimeout="00:00:00")
    log = host.wait_for_log("Moving message to queue 'work-poison'")
    assert log.count("it is not UTF-8") == 3


def test_message_encoding_none_takes_and_gives_plain_text(account: Account, start_host: StartHost) -> None:
    queue_of(account, "work").send_message('{"name": "plain & <simple>"}')
    host = start_host(AzureFunctionsJobHost__extensions__queues__messageEncoding="none")
    host.wait_for_log(r"Executed 'Functions.work' \(Succeeded")
    assert "two" in [message.content for message in queue_of(account, "done").peek_messages(2)]


def test_a_queue_that_does_not_exist_is_waited_for_and_not_made(account: Account, start_host: StartHost) -> None:
    host = start_host()
    requests.post(f"{host.url}/admin/functions/tick", timeout=10)
    host.wait_for_log("tick past_due")
    service = QueueServiceClient.from_connection_string(account.connection_string)
    assert [queue.name for queue in service.list_queues()] == []
    queue_of(account, "work").send_message(encoded({"name": "late"}))
    host.wait_for_log("work late try 1")


def test_no_more_than_batch_size_and_threshold_run_at_once(account: Account, start_host: StartHost) -> None:
    queue = queue_of(account, "many")
    for number in range(24):
        queue.send_message(encoded(number))
    host = start_host(
        AzureFunctionsJobHost__extensions__queues__batchSize="4",
        AzureFunctionsJobHost__extensions__queues__newBatchThreshold="2",
    )
    log = host.wait_for_log(r"Executed 'Functions.many' \(Succeeded", count=24)
    at_once = [int(number) for number in re.findall(r"many \d+ running (\d+)", log)]
    assert 4 <= max(at_once) <= 6


@pytest.mark.slow
def test_a_message_stays_invisible_while_its_function_runs(account: Account, start_host: StartHost) -> None:
    queue = queue_of(account, "work")
    queue.send_message(encoded({"name": "long", "seconds": 3}))
    hosts = [start_host(time_scale=0.001), start_host(time_scale=0.001)]  # one second
    eventually(lambda: any("Executed 'Functions.work'" in host.log() for host in hosts))
    for host in hosts:
        host.stop()
    logs = "".join(host.log() for host in hosts)
    assert logs.count("work long try") == 1
    assert is_empty(queue)


def test_a_killed_hosts_message_comes_back_after_the_scaled_ten_minutes(
    account: Account, start_host: StartHost
) -> None:
    queue_of(account, "work").send_message(encoded({"name": "lost", "seconds": 60}))
    first = start_host(time_scale=0.005)  # three seconds
    first.wait_for_log("work lost try 1")
    killed = time.monotonic()
    first.kill()
    second = start_host(time_scale=200)
    second.wait_for_log("work lost try 2")
    assert time.monotonic() - killed > 1
    second.kill()


def test_a_host_that_is_stopped_finishes_what_it_began(account: Account, start_host: StartHost) -> None:
    queue = queue_of(account, "work")
    queue.send_message(encoded({"name": "last", "seconds": 1}))
    host = start_host()
    host.wait_for_log("work last try 1")
    assert host.stop() == 0
    assert "Executed 'Functions.work' (Succeeded" in host.log()
    assert is_empty(queue)


@pytest.mark.slow
def test_several_hosts_share_the_work(account: Account, start_host: StartHost) -> None:
    queue = queue_of(account, "many")
    one_by_one = {
        "AzureFunctionsJobHost__extensions__queues__batchSize": "1",
        "AzureFunctionsJobHost__extensions__queues__newBatchThreshold": "0",
        "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.1",
    }
    hosts = [start_host(**one_by_one) for _ in range(2)]
    for number in range(40):
        queue.send_message(encoded(number))
    eventually(lambda: is_empty(queue))
    for host in hosts:
        host.stop()
    done = [set(re.findall(r"many (\d+) running", host.log())) for host in hosts]
    assert done[0] | done[1] == {str(number) for number in range(40)}
    assert not done[0] & done[1]
    assert all(done)
