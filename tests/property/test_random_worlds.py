"""Random worlds on the real review, with Azure in memory: the oracle knows for whom each connection was made.

A batch is a seed of Hypothesis's: `-k "batch-17"` plays the same worlds again, and shrinks what fails.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.property.worlds import Story, World, stories

A_BATCH = 50


def batches(count: int, *, first: int = 0) -> list[int]:
    return list(range(first, first + count))


@pytest.mark.parametrize(
    "batch",
    [
        *batches(1),
        *(pytest.param(n, marks=pytest.mark.long) for n in batches(7, first=1)),
        *(pytest.param(n, marks=pytest.mark.long) for n in batches(92, first=8)),
    ],
    ids="batch-{}".format,
)
def test_whatever_happens_between_two_reads_nothing_forged_is_approved_and_nothing_genuine_is_left(batch: int) -> None:
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
        world = World(story)
        world.play()
        assert world.left_pending() == []

    play()
