"""An Azure of their own for these tests: they put it back to what it was again and again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.azure.process import AzureProcess
from tests.functional.clock import MovedTime
from tests.functional.conftest import PLENTY, clear, storage_accounts
from tests.functional.world import World
from tests.local_host.azurite_server import Account
from tests.tamper.stage import KEY, Stage
from tests.tamper.told import Told

__all__ = ["storage_accounts"]

_FOUND_BY = ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


@pytest.fixture(scope="session")
def tamper_azure() -> Iterator[AzureProcess]:
    with AzureProcess(time_scale=1, webhook="", azurite=False) as running, pytest.MonkeyPatch.context() as patched:
        running.client.local("PUT", "throttling", {"graphQueries": PLENTY})
        for name in _FOUND_BY:  # for azure-identity
            patched.setenv(name, running.settings[name])
        yield running


@pytest.fixture(scope="session")
def tamper_time(tamper_azure: AzureProcess) -> MovedTime:
    return MovedTime(tamper_azure.client)


@pytest.fixture(scope="session")
def stages(
    tamper_azure: AzureProcess,
    tamper_time: MovedTime,
    storage_accounts: Iterator[Account],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Stage]:
    """Stages by their key, made when they are first asked for."""

    class Made(dict[str, Stage]):
        def __missing__(self, key: str) -> Stage:
            folder = tmp_path_factory.mktemp("policy")
            self[key] = Stage(tamper_azure, next(storage_accounts), tamper_time, folder, key)
            return self[key]

    return Made()


@pytest.fixture
def stage(stages: dict[str, Stage]) -> Stage:
    """The stage whose rows are sealed, as it was arranged."""
    found = stages[KEY]
    found.put_back()
    return found


@pytest.fixture
def unsealed(stages: dict[str, Stage]) -> Stage:
    """The stage without LEDGER_KEY, as it was arranged."""
    found = stages[""]
    found.put_back()
    return found


@pytest.fixture
def world(
    tamper_azure: AzureProcess, tamper_time: MovedTime, storage_accounts: Iterator[Account], tmp_path: Path
) -> Iterator[World]:
    """An app of its own, with LEDGER_KEY."""
    settings = {**tamper_azure.settings, "LEDGER_KEY": KEY}
    made = World(settings, next(storage_accounts).connection_string, tamper_time, tmp_path)
    made.forget_calls()
    yield made
    clear(made)


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest) -> Iterator[Told]:
    """The table of a module's cases, printed when they are over."""
    made = Told((request.module.__doc__ or "").partition("\n")[0])
    yield made
    print(f"\n{made}")  # noqa: T201 - what the tests are run with -s for
