"""Random mixtures of genuine and forged requests through the whole review against the local Azure.

The oracle is the local Azure, which knows for whom each connection was made; it shares no code with the matcher.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from local.azure.process import AzureProcess
from tests.attacks.moments import Moments, moments
from tests.functional.clock import MovedTime
from tests.local_host.azurite_server import Account
from tests.property.mixtures import Mixture, MixtureWorld, Story, stories

A_BATCH = 20


@pytest.fixture
def world(
    local_azure: AzureProcess,
    moved_time: MovedTime,
    storage_accounts: Iterator[Account],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[MixtureWorld]:
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):  # for azure-identity
        monkeypatch.setenv(name, local_azure.settings[name])
    made = MixtureWorld(local_azure.settings, next(storage_accounts).connection_string, moved_time, tmp_path)
    yield made
    local_azure.client.local("DELETE", "faults")


@pytest.fixture
def moments_of(world: MixtureWorld) -> Iterator[Moments]:
    with moments(world.client) as made:
        yield made


def batches(count: int, *, first: int = 0) -> list[int]:
    return list(range(first, first + count))


@pytest.mark.parametrize(
    "batch",
    [
        *batches(1),
        *(pytest.param(n, marks=pytest.mark.long) for n in batches(4, first=1)),
        *(pytest.param(n, marks=pytest.mark.long) for n in batches(20, first=5)),
    ],
)
def test_nothing_forged_is_approved_and_nothing_genuine_that_stands_alone_is_left(
    world: MixtureWorld, moments_of: Moments, batch: int
) -> None:
    @seed(batch)
    @settings(
        max_examples=A_BATCH,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(stories())
    def play(story: Story) -> None:
        target = world.storage_account() if story.target == "storage" else world.namespace()
        mixture = Mixture(world, target, moments_of)
        try:
            mixture.play(story.steps)
            assert mixture.left_pending() == []
            mixture.clear_up()
            assert mixture.left_in_the_end() == []
        finally:
            mixture.end()

    play()
