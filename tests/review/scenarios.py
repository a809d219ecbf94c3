"""What is played again and again with something going wrong at another point each time, and how it must end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from shared.errors import ApproverError
from tests.review.azure import KINDS, KUSTO, SQL, Asked, Kind, MemoryTarget
from tests.review.points import READS, When
from tests.review.world import World, closes
from tests.situations.world import OURS, THEIRS, allow, reject

LONG = 900.0
"""Seconds in which every scenario ends by itself when nothing goes wrong."""

RANDOM = "q3Jm0wV8zKf2Lr7YtXc1aBq3Jm0wV8z"


@dataclass
class Play:
    """A scenario that is being played."""

    kind: Kind
    world: World = field(default_factory=World)
    asked: list[Asked] = field(default_factory=list)
    begun: int = 0
    """The number of the first point of the scenario itself."""

    def __post_init__(self) -> None:
        self.target: MemoryTarget = self.world.target(self.kind)

    @property
    def points(self) -> list[str]:
        """The points that the scenario itself has reached."""
        return self.world.points.reached[self.begun :]

    def writes(self) -> list[int]:
        """The numbers of those of them at which something is written."""
        return [self.begun + n for n, name in enumerate(self.points) if not name.startswith(READS)]

    def commits(self) -> list[int]:
        """The numbers of those at which a record is committed."""
        return [self.begun + n for n, name in enumerate(self.points) if name == "commit targets"]


@dataclass(frozen=True)
class Scenario:
    """`prepare` comes before anything can go wrong; `run` is what goes wrong; `check` raises AssertionError."""

    prepare: Callable[[Play], None]
    run: Callable[[Play], None]
    check: Callable[[Play], None]

    def begin(self, kind: Kind) -> Play:
        play = Play(kind)
        self.prepare(play)
        play.begun = len(play.world.points.reached)
        return play

    def undisturbed(self, kind: Kind) -> Play:
        """Played to its end, with nothing going wrong."""
        play = self.begin(kind)
        self.run(play)
        return play

    def finish(self, play: Play) -> None:
        """Let the sweep make good whatever is not, and check."""
        play.world.settle()
        self.check(play)
        well(play)


def well(play: Play) -> None:
    """What holds however a scenario ends."""
    assert play.world.unfinished() == []
    assert play.world.breaks() == []
    assert play.world.queue.poison == []
    assert all(isinstance(error, ApproverError) for error in play.world.errors), play.world.errors
    ids = [event["id"] for event in play.world.topic.events]
    assert len(set(ids)) == len(play.world.alerts())
    recorded = [entry.decision.decision_id for entry in play.world.history(play.target)]
    assert len(set(recorded)) == len(recorded)


def named(play: Play, index: int, when: When) -> str:
    """An interruption in words, for the reader of a failure."""
    return f"{when} point {index - play.begun} ({play.world.points.reached[index]})"


def _review(play: Play) -> None:
    play.world.wake(play.target)
    play.world.later(LONG)


def _people(play: Play) -> None:
    play.world.policy(allow("people"))
    play.asked = [play.world.azure.ask(play.target, OURS)]


def _approved(play: Play) -> None:
    """Every request is approved by one decision, which is recorded, and ARM was asked once.

    Where an answer of ARM's is lost before it is remembered, a type that goes on showing Pending is asked once more.
    """
    found = {entry.decision.connection_id: entry.decision for entry in play.world.history(play.target)}
    assert play.world.outcomes(play.target) == ["approved"] * len(play.asked)
    again = 1 if play.kind in (KUSTO, SQL) else 0
    for asked in play.asked:
        assert asked.status == "Approved"
        assert found[asked.id].applied is True
        assert asked.description.endswith(f"decision {found[asked.id].decision_id}")
        puts = [description for connection, description in play.world.azure.puts if connection == asked.id]
        assert 1 <= len(puts) <= 1 + again
        assert len(set(puts)) == 1
    assert play.world.alerts() == []


def _rejecting(play: Play) -> None:
    play.world.policy(reject("people"))
    play.asked = [play.world.azure.ask(play.target, OURS)]


def _rejected(play: Play) -> None:
    (asked,) = play.asked
    assert asked.status == "Rejected"
    (entry,) = play.world.history(play.target)
    assert (entry.decision.outcome, entry.decision.applied) == ("rejected", True)
    assert 1 <= len(play.world.azure.puts) <= 2
    assert set(play.world.alert_types()) <= {"RequestRejected"}


def _stranger(play: Play) -> None:
    play.world.policy(allow("people"))
    play.asked = [play.world.azure.ask(play.target, THEIRS)]


def _held(play: Play) -> None:
    (asked,) = play.asked
    assert asked.status == "Pending"
    assert play.world.outcomes(play.target) == ["held"]
    assert play.world.alert_types() == ["RequesterUnknown"]
    assert play.world.azure.puts == []


def _tightening(play: Play) -> None:
    play.world.policy(closes(play.kind, "people", "adx"))
    play.asked = [play.world.azure.ask(play.target, OURS), play.world.azure.managed(play.target, RANDOM)]


def _tightened(play: Play) -> None:
    _approved(play)
    assert play.target.closed
    results = [entry.decision.firewall for entry in play.world.history(play.target)]
    assert {result.outcome.value for result in results if result} <= {"tightened", "unchanged"}
    assert [result.outcome.value for result in results if result].count("tightened") >= 1
    kept = play.world.record(play.target).snapshots
    assert [snapshot.being_written for snapshot in kept] == [False]
    assert kept[0].before["publicNetworkAccess"] == "Enabled"
    writes = [write for _, write in play.world.azure.writes]
    assert len(writes) - len(set(writes)) <= (1 if play.kind in (KUSTO, SQL) else 0)


def _tighten_first(play: Play) -> None:
    _tightening(play)
    play.world.wake(play.target)
    play.world.later(LONG)
    assert play.target.closed
    play.world.azure.writes.clear()


def _restore(play: Play) -> None:
    play.world.restore(play.target)
    play.world.later(LONG)


def _restored(play: Play) -> None:
    """It is put back as it was, and told once; or the person's wish was never taken down, and nothing has happened."""
    decisions = [entry.decision for entry in play.world.history(play.target)]
    put_back = [d for d in decisions if d.restores]
    if play.target.closed:
        assert (put_back, play.world.alerts(), play.world.azure.writes) == ([], [], [])
        return
    assert play.target.open
    assert [(d.applied, d.problem) for d in put_back] == [(True, None)]
    assert play.world.alert_types() == ["FirewallLoosened"]
    assert play.world.record(play.target).snapshots == ()
    assert [asked.status for asked in play.asked] == ["Approved", "Approved"]


SCENARIOS = {
    "approve": Scenario(_people, _review, _approved),
    "reject": Scenario(_rejecting, _review, _rejected),
    "hold": Scenario(_stranger, _review, _held),
    "tighten": Scenario(_tightening, _review, _tightened),
    "restore": Scenario(_tighten_first, _restore, _restored),
}


def each(*played: tuple[str, Kind]) -> pytest.MarkDecorator:
    """Every scenario on every type: those that are named in `make test`, the others in `make test-all`."""
    others = [(name, kind) for name in SCENARIOS for kind in KINDS if (name, kind) not in played]
    slow = [pytest.param(*one, marks=pytest.mark.slow) for one in others]
    return pytest.mark.parametrize(("name", "kind"), [*played, *slow], ids=str)
