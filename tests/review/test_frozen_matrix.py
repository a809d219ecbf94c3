"""An instance stands still for a while, loses its lease, and goes on when another has done its work.

Generated: every scenario is played once for each call that its first instance makes, reads included: what it has read by
then is old when it wakes up. Standing still right before a call is standing still right after the one before it.
"""

from __future__ import annotations

import pytest

from shared.triggers.messages import ReviewMessage
from tests.review.azure import STORAGE, Kind
from tests.review.scenarios import SCENARIOS, Play, each, named

FROZEN = 40.0
"""Seconds: longer than a lease lasts."""


def take_over(play: Play, seconds: float) -> None:
    """Another instance reviews the target, and for so many seconds everything that comes of it."""
    world, frozen = play.world, play.world.app
    world.leases.lose(play.target.id)
    world.restart()
    world.app.message_handler.handle(ReviewMessage(play.target.id, "event"), None)
    world.later(seconds)
    world.app = frozen


@each(("tighten", STORAGE), ("restore", STORAGE))
@pytest.mark.parametrize("seconds", [0.0, 300.0], ids=["one review", "to the end"])
def test_whoever_stands_still_at_any_call_undoes_nothing_when_it_goes_on(name: str, kind: Kind, seconds: float) -> None:
    scenario = SCENARIOS[name]
    example = scenario.undisturbed(kind)
    for index in range(example.begun, len(example.world.points.reached)):
        play = scenario.begin(kind)

        def stand_still(play: Play = play) -> None:
            play.world.time.sleep(FROZEN)
            take_over(play, seconds)

        play.world.points.at(index, stand_still, "after")
        scenario.run(play)
        try:
            scenario.finish(play)
        except AssertionError as error:
            error.add_note(f"stood still {named(example, index, 'after')}")
            raise
