"""Everything that the app writes fails once, or is carried out and only its answer is lost; and every commit comes second.

Generated like the crash matrix: once for each write of a scenario.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.errors import TransientError
from shared.ledger.rows import HEAD
from shared.ledger.tables import partition
from tests.review.azure import KUSTO, STORAGE, Kind
from tests.review.points import When
from tests.review.scenarios import SCENARIOS, Play, Scenario, each, named


def fail() -> None:
    raise TransientError("503: no answer", code="NoAnswer")


def play_with(scenario: Scenario, kind: Kind, index: int, act: Callable[[Play], None], when: When) -> None:
    """Play with something happening at one point, and check that it ends as if nothing had."""
    play = scenario.begin(kind)
    play.world.points.at(index, lambda: act(play), when)
    scenario.run(play)
    try:
        scenario.finish(play)
    except AssertionError as error:
        error.add_note(f"{act.__name__} {named(play, index, when)}")
        raise


@each(("tighten", STORAGE), ("restore", STORAGE))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_write_that_fails_or_whose_answer_is_lost_is_made_good(name: str, kind: Kind, when: When) -> None:
    scenario = SCENARIOS[name]

    def fails(play: Play) -> None:
        del play
        fail()

    for index in scenario.undisturbed(kind).writes():
        play_with(scenario, kind, index, fails, when)


@each(("tighten", KUSTO))
def test_a_commit_that_comes_second_starts_again_from_what_is_true(name: str, kind: Kind) -> None:
    scenario = SCENARIOS[name]

    def another_commits(play: Play) -> None:
        for row in play.world.tables.partition("targets", partition(play.target.id.key)):
            if row["RowKey"] == HEAD:
                row.metadata["etag"] = play.world.tables.next_etag()

    for index in scenario.undisturbed(kind).commits():
        play_with(scenario, kind, index, another_commits, "before")
