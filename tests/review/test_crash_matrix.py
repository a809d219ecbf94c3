"""An instance dies right before or right after everything that it writes, and the next one makes it good.

Generated: every scenario is played once undisturbed to see what it writes, then once for each write and side of it. What
the dead instance had in memory is gone; its message is lost, so that only the sweep brings anybody back. Dying right after
a write is dying right before the next one but for the time between, so that `make test` plays one side.
"""

from __future__ import annotations

import pytest

from tests.review.azure import EVENT_HUBS, KINDS, KUSTO, SQL, STORAGE, Kind
from tests.review.points import When, die
from tests.review.scenarios import SCENARIOS, each, named

each_side = pytest.mark.parametrize("when", [pytest.param("before", marks=pytest.mark.slow), "after"])


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_what_is_played_undisturbed_ends_as_it_should(name: str, kind: Kind) -> None:
    play = SCENARIOS[name].undisturbed(kind)
    SCENARIOS[name].check(play)
    SCENARIOS[name].finish(play)


@each(("tighten", STORAGE), ("tighten", KUSTO), ("restore", SQL), ("approve", EVENT_HUBS), ("reject", STORAGE),
      ("hold", STORAGE))  # fmt: skip
@each_side
def test_whoever_dies_at_any_write_leaves_nothing_undone_and_does_nothing_twice(
    name: str, kind: Kind, when: When
) -> None:
    scenario = SCENARIOS[name]
    example = scenario.undisturbed(kind)
    for index in example.writes():
        play = scenario.begin(kind)
        play.world.points.at(index, die, when)
        scenario.run(play)
        try:
            scenario.finish(play)
        except AssertionError as error:
            error.add_note(f"died {named(example, index, when)}")
            raise
