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


HANDFUL = [
    ("synapse", "twin late", "list 2"),
    ("kusto", "deleted between pages", "page 2"),
    ("kusto-random", "unknown tenant", "side 2"),
    ("dataFactory", "same private endpoint id, ours approved before", "list 1"),
    ("people-by-tenant", "connection name used again", "read again 1"),
]
"""One cell of each sort for `make test`: a read, a page, an unknown, an id used again, a write."""


@pytest.mark.parametrize(("kind", "attack", "moment"), HANDFUL)
def test_a_forgery_at_one_moment_is_not_approved_and_ours_is_in_the_end(
    world: World, moments_of: Moments, kind: str, attack: str, moment: str
) -> None:
    cells = play(world, moments_of, kind, attack, moment).cells

    assert moment in {cell.moment for cell in cells}


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_forgery_is_approved_at_any_moment_and_ours_is_in_the_end(
    world: World, moments_of: Moments, kind: str, attack: str, record_property: Callable[[str, object], None]
) -> None:
    for cell in play(world, moments_of, kind, attack).cells:
        record_property(cell.moment, cell.result)
