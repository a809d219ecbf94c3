"""One local Azure and one Azurite for each worker of pytest; every test has subscriptions, a storage account and a topic of
its own. Not faked: ARM's wire, the SDKs, tokens, tables, leases. Moved: time (see `clock`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.azure.process import AzureProcess
from tests.functional.clock import MovedTime
from tests.functional.world import World
from tests.local_host.azurite_server import Account, azurite

PLENTY = {"size": 100_000, "refill": 1000}


@pytest.fixture(scope="session")
def local_azure() -> Iterator[AzureProcess]:
    """Azure at Azure's pace: what takes time takes it when the test lets it pass."""
    with AzureProcess(time_scale=1, webhook="", azurite=False) as running:
        running.client.local("PUT", "throttling", {"graphQueries": PLENTY})  # one principal for all tests
        yield running


@pytest.fixture(scope="session")
def moved_time(local_azure: AzureProcess) -> MovedTime:
    return MovedTime(local_azure.client)


@pytest.fixture(scope="session")
def storage_accounts() -> Iterator[Iterator[Account]]:
    with azurite(300) as made:
        yield iter(made)


@pytest.fixture
def world(
    local_azure: AzureProcess,
    moved_time: MovedTime,
    storage_accounts: Iterator[Account],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """The app in this process, in time that the test moves."""
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):  # for azure-identity
        monkeypatch.setenv(name, local_azure.settings[name])
    made = World(local_azure.settings, next(storage_accounts).connection_string, moved_time, tmp_path)
    made.forget_calls()
    yield made
    clear(made)


@pytest.fixture(scope="session")
def lively_azure() -> Iterator[AzureProcess]:
    """Azure in a hurry, for apps in hosts, whose time cannot be moved."""
    with AzureProcess(time_scale=0.01, webhook="", azurite=False) as running:
        running.client.local("PUT", "throttling", {"graphQueries": PLENTY})
        yield running


@pytest.fixture(scope="module")
def lively_world(
    lively_azure: AzureProcess, storage_accounts: Iterator[Account], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """For apps in hosts: one for all tests of a module. Its folder holds the policy."""
    time = MovedTime(lively_azure.client)
    folder = tmp_path_factory.mktemp("policy")
    made = World(lively_azure.settings, next(storage_accounts).connection_string, time, folder)
    made.forget_calls()
    yield made
    clear(made)


def clear(world: World) -> None:
    """Take back what a test has done to the local Azure that others share."""
    for table in ("faults", "locks", "access", "denyPolicies"):
        world.client.local("DELETE", table)
