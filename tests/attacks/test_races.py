"""The attack matrix: every attack on every kind of requester, at every moment of a review.

`python -m tests.attacks` plays it and prints it as a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.attacks.catalogue import ATTACKS, attacks
from tests.attacks.cells import Play
from tests.attacks.moments import Moments, moments
from tests.attacks.players import KINDS
from tests.functional.world import World


@pytest.fixture
def moments_of(world: World) -> Iterator[Moments]:
    with moments(world.client) as made:
        yield made


def play(world: World, moments_of: Moments, kind: str, attack: str, only: str = "") -> Play:
    """The play of one kind and one attack; one that cannot exist is skipped with its reason."""
    (chosen,) = [one for one in attacks() if one.name == attack]
    made = Play(world, KINDS[kind](world), chosen, moments_of)
    if reason := chosen.impossible(made.kind):
        pytest.skip(reason)
    try:
        chosen.setup(made)
        made.run(only)
    finally:
        chosen.cleanup(made)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_forgery_is_approved_at_any_moment_and_ours_is_in_the_end(
    world: World, moments_of: Moments, kind: str, attack: str, record_property: Callable[[str, object], None]
) -> None:
    for cell in play(world, moments_of, kind, attack).cells:
        record_property(cell.moment, cell.result)
