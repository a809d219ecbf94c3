"""A walk through orders of requests, people, crashes, hosts and outages, drawn from a seed, and what must hold at its end.

`python -m tests.review.walk SEED` plays one again and tells its steps. Ids come from the seed too, so a replay is exact.
"""

from __future__ import annotations

import logging
import random
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from unittest import mock

from shared.errors import TransientError
from shared.ledger.rows import HEAD
from tests.review.azure import KINDS, Asked, MemoryTarget
from tests.review.points import When, die
from tests.review.world import World, closes
from tests.situations.world import OURS, PARTNERS, THEIRS, deny

STEPS = 20
FROZEN = 40.0
WRITES = ("commit targets", "put work", "commit feed", "PUT connection", "PATCH firewall", "publish", "send")
OUTAGE = TransientError("503: no answer", code="NoAnswer")


@dataclass
class Walk:
    """One walk."""

    seed: int
    tell: Callable[[str], None] = lambda _: None
    world: World = field(default_factory=World)
    allowed: list[Asked] = field(default_factory=list)
    others: list[Asked] = field(default_factory=list)
    by_people: dict[str, str] = field(default_factory=dict)
    """What people have decided at the target: connection id -> status."""

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)  # noqa: S311 - a replay, no secret
        kind = self.draw.choice(KINDS)
        self.targets = [self.world.target(kind) for _ in range(self.draw.choice((1, 1, 2)))]
        self.world.policy(closes(kind, "people", "adx"), deny("partner"))
        self.world.redelivers = self.draw.random() < 0.5
        self.nested = False

    def run(self) -> None:
        """Play it to its end and check. Raises AssertionError, with the seed noted."""
        ids = random.Random(self.seed)  # noqa: S311 - a replay, no secret

        def uuid4() -> uuid.UUID:
            return uuid.UUID(int=ids.getrandbits(128), version=4)

        with mock.patch("uuid.uuid4", uuid4):
            try:
                for _ in range(STEPS):
                    self.step()
                self.end()
                self.check()
            except Exception as error:
                error.add_note(f"python -m tests.review.walk {self.seed}")
                raise

    def step(self) -> None:
        act = self.draw.choices(
            [self.arrive, self.person, self.withdraw, self.make_again, self.interrupt, self.list_short, self.topic_down,
             self.pass_time, self.sweep, self.event],
            [5, 2, 1, 1, 5, 1, 1, 5, 2, 4],
        )[0]  # fmt: skip
        self.tell(f"{self.world.time.seconds:7.0f} s: {act.__name__}")
        act()

    # --- what happens

    def arrive(self) -> None:
        target, who = (
            self.draw.choice(self.targets),
            self.draw.choice(("people", "people", "adx", "partner", "stranger")),
        )
        self.ask(target, who)
        if self.draw.random() < 0.7:
            self.world.wake(target)

    def ask(self, target: MemoryTarget, who: str) -> None:
        azure = self.world.azure
        if who == "adx":
            message = "".join(self.draw.choices("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=32))
            self.allowed.append(azure.managed(target, message))
        elif who == "people":
            self.allowed.append(azure.ask(target, OURS))
        else:
            self.others.append(azure.ask(target, PARTNERS if who == "partner" else THEIRS))

    def person(self) -> None:
        """Somebody decides at the target, where no operation of ARM's is in the way."""
        there = [a for a in self.allowed + self.others if a.there and not self.world.azure.busy]
        if there:
            asked, status = self.draw.choice(there), self.draw.choice(("Approved", "Rejected"))
            asked.decide(status)
            self.by_people[asked.id] = status

    def withdraw(self) -> None:
        there = [a for a in self.allowed + self.others if a.there and not self.world.azure.busy]
        if there:
            self.draw.choice(there).withdraw()

    def make_again(self) -> None:
        """A requester deletes its private endpoint and makes it again: the same id, another connection."""
        there = [a for a in self.allowed if a.there and not a.endpoint_id and not self.world.azure.busy]
        if there:
            asked = self.draw.choice(there)
            asked.withdraw()
            self.allowed.append(self.world.azure.connect(asked.target, asked.private_endpoint_id, "again"))

    def interrupt(self) -> None:
        """Something goes wrong at one of the next calls."""
        index = len(self.world.points.reached) + self.draw.randrange(40)
        when: When = self.draw.choice(("before", "after"))
        kind = self.draw.choice(("crash", "freeze", "lost commit", "outage"))
        self.tell(f"           {kind} {when} {index}")
        if kind == "crash":
            self.world.points.at(index, die, when)
        elif kind == "freeze":
            self.world.points.at(index, self.freeze, when)
        elif kind == "lost commit":
            self.world.points.on("commit targets", self.another_commits)
        else:
            self.world.points.fail(self.draw.choice(WRITES), OUTAGE, when, times=self.draw.randrange(1, 4))

    def freeze(self) -> None:
        """The instance stands still and loses its leases, while another goes on."""
        if self.nested:
            return
        self.nested = True
        world, frozen = self.world, self.world.app
        world.time.sleep(FROZEN)
        for target in self.targets:
            world.leases.lose(target.id)
        world.restart()
        if self.draw.random() < 0.3:
            self.person()
        for target in self.targets:
            world.wake(target)
        world.later(self.draw.choice((0, 10, 200)))
        world.app = frozen
        self.nested = False

    def another_commits(self) -> None:
        for (_, key), row in self.world.tables.rows.get("targets", {}).items():
            if key == HEAD:
                row.metadata["etag"] = self.world.tables.next_etag()

    def list_short(self) -> None:
        target = self.draw.choice(self.targets)
        target.lists.append([name for name in target.connections if self.draw.random() < 0.5])

    def topic_down(self) -> None:
        self.world.points.fail("publish", OUTAGE, times=self.draw.randrange(1, 10))

    def pass_time(self) -> None:
        self.world.later(self.draw.choice((1, 20, 70, 400, 700)), sweeps=self.draw.random() < 0.5)

    def sweep(self) -> None:
        self.world.sweep()

    def event(self) -> None:
        self.world.wake(self.draw.choice(self.targets))

    # --- how it ends

    def end(self) -> None:
        """Nothing goes wrong any more, and there is time enough."""
        self.world.points.clear()
        self.world.later(3600, sweeps=True)
        for target in self.targets:
            target.lists.clear()
            self.world.wake(target)  # what people did at the target causes events too
        self.world.later(1800, sweeps=True)

    def check(self) -> None:
        world = self.world
        allowed = {asked.id for asked in self.allowed}
        assert {connection for connection, _ in world.azure.puts} <= allowed, "approved what the policy does not allow"
        for asked in self.allowed:
            if asked.there:
                assert asked.status == self.by_people.get(asked.id, "Approved"), f"{asked.id} in the end"
        for asked in self.others:
            assert asked.status in ("", self.by_people.get(asked.id, "Pending")), f"{asked.id} in the end"
        for target in self.targets:
            self.check_decisions(target)
        assert world.unfinished() == []
        assert world.breaks() == []
        assert world.queue.waiting == []
        assert world.queue.poison == []
        self.check_alerts()

    def check_decisions(self, target: MemoryTarget) -> None:
        """Every approval that a connection shows is recorded as carried out, and its firewall is closed."""
        recorded = {entry.decision.decision_id: entry.decision for entry in self.world.history(target)}
        ours = [a for a in self.allowed if a.there and a.target is target and a.status == "Approved"]
        ours = [a for a in ours if a.id not in self.by_people]
        for asked in ours:
            decision = recorded[asked.description.rpartition(" ")[2]]
            assert (decision.outcome, decision.applied, decision.connection_id) == ("approved", True, asked.id)
            assert decision.firewall is not None
            assert decision.firewall.outcome in ("tightened", "unchanged"), f"{asked.id}: {decision.firewall}"
        if ours:
            assert target.closed, f"{target} in the end"

    def check_alerts(self) -> None:
        others = {asked.id for asked in self.others} | {str(target) for target in self.targets}
        for alert in self.world.alerts():
            kind, subject = alert["type"].partition(".")[2], alert["subject"]
            assert kind in ("RequesterUnknown", "RequestDenied"), f"{kind}: {alert['data']['title']}"
            assert subject in others, f"an alert about {subject}, which is well"
        waiting = {asked.id for asked in self.others if asked.status == "Pending"}
        open_now = {s.subject for t in self.targets for s in self.world.record(t).alerts.values() if s.active}
        assert open_now == waiting


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="           %(message)s")
    Walk(int(sys.argv[1]), print).run()
