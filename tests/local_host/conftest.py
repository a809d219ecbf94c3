"""Fixtures: a storage account of one's own for each test or module, and hosts that are always ended."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from azure.storage.queue import QueueClient, QueueServiceClient

from local.host.process import HostProcess
from tests.local_host.azurite_server import Account, azurite

SAMPLE = Path(__file__).parent / "apps" / "sample"
NEVER = "0 0 0 29 2 *"

StartHost = Callable[..., HostProcess]


@pytest.fixture(scope="session")
def accounts() -> Iterator[Iterator[Account]]:
    with azurite(100) as made:
        yield iter(made)


@pytest.fixture
def account(accounts: Iterator[Account]) -> Account:
    return next(accounts)


@pytest.fixture(scope="module")
def module_account(accounts: Iterator[Account]) -> Account:
    return next(accounts)


@pytest.fixture
def start_host(account: Account) -> Iterator[StartHost]:
    """Start hosts of the sample app on the test's own account: `start_host(SETTING="...", time_scale=0.01)`."""
    with ExitStack() as hosts:

        def start(*arguments: str, root: Path = SAMPLE, time_scale: float = 1.0, **settings: str) -> HostProcess:
            given = {"AzureWebJobsStorage": account.connection_string, "TICK_SCHEDULE": NEVER, **settings}
            return hosts.enter_context(HostProcess(given, root=root, time_scale=time_scale, arguments=arguments))

        yield start


@pytest.fixture(scope="module")
def host(module_account: Account) -> Iterator[HostProcess]:
    """One host of the sample app for all tests of a module."""
    settings = {"AzureWebJobsStorage": module_account.connection_string, "TICK_SCHEDULE": NEVER}
    with HostProcess(settings, root=SAMPLE) as running:
        yield running


def eventually(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something outside of this process is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.05)


def queue_of(account: Account, name: str) -> QueueClient:
    """The queue, made if it is not there."""
    service = QueueServiceClient.from_connection_string(account.connection_string)
    queue = service.get_queue_client(name)
    if name not in {found.name for found in service.list_queues()}:
        queue.create_queue()
    return queue


def encoded(body: object) -> str:
    """A message as Azure Functions writes it: JSON in base64."""
    return base64.b64encode(json.dumps(body).encode()).decode()


def texts(queue: QueueClient) -> list[str]:
    """The decoded messages that wait in a queue."""
    return [base64.b64decode(message.content).decode() for message in queue.peek_messages(32)]
