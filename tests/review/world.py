"""The whole app in memory: the real review, ledger, alerts and sweep on doubles of what lies outside of the process.

Doubles are Azure (`azure`), the tables (`tables`), the queue, the leases, the topic and the clock. Everything that the app
remembers is in the tables: `restart` makes another instance, which knows no more than they do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceNotFoundError

from shared.alerts.outbox import Outbox
from shared.app import App, Clocks
from shared.azure.leases import Held
from shared.errors import ApproverError, BusyError
from shared.ledger.feed import Feed
from shared.ledger.record import HistoryEntry, Intent, Record
from shared.ledger.rows import HISTORY, history_of
from shared.ledger.sealing import Sealing
from shared.ledger.tables import Row, partition
from shared.ledger.verify import verify
from shared.model.firewall import FirewallWish
from shared.model.target_types import TARGET_TYPES
from shared.once import once
from shared.policy.language.findings import PolicyError
from shared.policy.rules import Mode, Policy, Rule, Scope
from shared.resource_id import ResourceId
from shared.review.observe import Observer
from shared.settings import Settings, StorageSettings
from shared.triggers.http import Answer, Call
from shared.triggers.messages import ReviewMessage, parse_message
from tests.review.azure import (
    Kind,
    MemoryAdapter,
    MemoryArm,
    MemoryAzure,
    MemorySides,
    MemoryTarget,
    MemoryTenants,
    MemoryTime,
    MemoryViews,
)
from tests.review.points import Died, Points
from tests.review.tables import MemoryTables
from tests.situations.world import allow, policy

LEASE = 30.0
"""Seconds after which the lease of an instance that died runs out."""

SWEEP = 300.0
"""Seconds between two sweeps."""

VISIBLE_AGAIN = 60.0
MOST_DELIVERIES = 5
"""A message whose handling raises comes back after so many seconds, and so often until it is poison."""

KEY = b"k" * 32
"""LEDGER_KEY: rows are sealed."""

Json = dict[str, Any]


@dataclass
class MemoryQueue:
    """The queue `reviews`: (when it becomes visible, text, how often it was delivered)."""

    points: Points
    time: MemoryTime
    waiting: list[tuple[float, str, int]] = field(default_factory=list)
    poison: list[str] = field(default_factory=list)

    def send(self, message: ReviewMessage, delay: float = 0) -> None:
        self.points.through("send", lambda: self.put(message.to_text(), delay))

    def postpone_failed(self, text: str | bytes, delay: float) -> None:
        del delay
        self.points.through("postpone", lambda: self.poison.append(text if isinstance(text, str) else text.decode()))

    def put(self, text: str, delay: float, delivered: int = 0) -> None:
        self.waiting.append((self.time.seconds + delay, text, delivered))
        self.waiting.sort(key=lambda one: one[0])

    @property
    def causes(self) -> list[str]:
        """Why each waiting message was sent, in the order in which they will be delivered."""
        return [parse_message(text).cause for _, text, _ in self.waiting]


@dataclass
class MemoryLeases:
    """Leases on targets. Who dies leaves one behind for `LEASE` seconds; who is frozen loses it (`lose`)."""

    points: Points
    time: MemoryTime
    held: dict[str, tuple[object, float | None]] = field(default_factory=dict)

    @contextmanager
    def hold(self, target: ResourceId) -> Iterator[Held]:
        mine = object()
        try:
            self.points.through("lease", lambda: self._take(target.key, mine))
            yield Held(self.time.now().replace(microsecond=0), lambda: None)
        except Died:
            if self.held.get(target.key, (None, None))[0] is mine:
                self.held[target.key] = (mine, self.time.seconds + LEASE)
            raise
        except BaseException:
            self._release(target.key, mine)
            raise
        self._release(target.key, mine)

    def lose(self, target: ResourceId) -> None:
        """What time does to the lease of an instance that is frozen."""
        self.held.pop(target.key, None)

    def _take(self, key: str, mine: object) -> None:
        _, until = self.held.get(key, (None, 0.0))
        if until is None or until > self.time.seconds:
            raise BusyError(f"another review holds {key}", code="TargetBusy", retry_after=5)
        self.held[key] = (mine, None)

    def _release(self, key: str, mine: object) -> None:
        if self.held.get(key, (None, None))[0] is mine:
            del self.held[key]


@dataclass
class MemoryTopic:
    """The topic, with every event that it took."""

    points: Points
    events: list[Json] = field(default_factory=list)

    def publish(self, event: Json) -> None:
        self.points.through("publish", lambda: self.events.append(event))


@dataclass
class MemoryPolicy:
    """The policy in force, as all instances see it at once."""

    value: Policy | PolicyError

    def current(self) -> Policy:
        if isinstance(self.value, PolicyError):
            raise self.value
        return self.value


class MemoryScope:
    """Everything is in scope."""

    def require(self, scope: Scope, resource: ResourceId) -> None:
        del scope, resource

    def members(self, scope: Scope) -> frozenset[str]:
        del scope
        return frozenset()


@dataclass
class MemoryEstate:
    """What Resource Graph tells the sweep: every target with a Pending connection."""

    azure: MemoryAzure
    scope: MemoryScope

    def pending(self, scope: Scope, within: ResourceId | None = None) -> list[ResourceId]:
        del scope, within
        return self.azure.points.through("query graph", self._pending)

    def _pending(self) -> list[ResourceId]:
        self.azure.catch_up()
        return [target.id for target in self.azure.targets.values() if _has_pending(target)]


def _has_pending(target: MemoryTarget) -> bool:
    states = [c["properties"]["privateLinkServiceConnectionState"]["status"] for c in target.connections.values()]
    return not target.gone and "Pending" in states


class NoContainer:
    """A container that is not there."""

    def upload_blob(self, name: str, content: bytes, *, overwrite: bool) -> None:
        del name, content, overwrite
        raise ResourceNotFoundError("ContainerNotFound")


@dataclass(frozen=True)
class MemoryStorage:
    """The clients of the storage account; its blobs are not used but for the tips of the chains."""

    account: MemoryTables

    def tables(self) -> MemoryTables:
        return self.account

    def container(self, name: str) -> NoContainer:
        del name
        return NoContainer()


class MemoryApp(App):
    """The app with its doubles; everything else is the product's own wiring."""

    def __init__(self, world: World) -> None:
        clocks = Clocks(world.time.now, world.time.monotonic, world.time.sleep)
        settings = Settings(StorageSettings("in memory"), ledger_key=KEY)
        super().__init__(settings, root=Path(), clocks=clocks, messages=world.queue)
        self._world = world

    @once
    def arm(self) -> Any:
        return MemoryArm(self._world.azure)

    @once
    def policy(self) -> Any:
        return self._world.policies

    @once
    def scope(self) -> Any:
        return MemoryScope()

    @once
    def adapters(self) -> Any:
        return {kind.name: MemoryAdapter(kind, self._world.azure) for kind in TARGET_TYPES.values()}

    @once
    def sides(self) -> Any:
        return MemorySides(self._world.azure)

    @once
    def observer(self) -> Observer:
        return replace(super().observer, tenants=MemoryTenants(), views=MemoryViews())

    @once
    def estate(self) -> Any:
        return MemoryEstate(self._world.azure, self.scope)

    @once
    def leases(self) -> Any:
        return self._world.leases

    @once
    def outbox(self) -> Outbox:
        return Outbox(self.records, Feed(self._table("feed")), self._world.topic, self.work, self.clocks.now)

    @once
    def storage(self) -> Any:
        return MemoryStorage(self._world.tables)


class World:
    """One test's Azure and app."""

    def __init__(self) -> None:
        self.points = Points()
        self.time = MemoryTime()
        self.azure = MemoryAzure(self.time, self.points)
        self.tables = MemoryTables(self.points)
        self.queue = MemoryQueue(self.points, self.time)
        self.leases = MemoryLeases(self.points, self.time)
        self.topic = MemoryTopic(self.points)
        self.policies = MemoryPolicy(policy())
        self.app = MemoryApp(self)
        self.errors: list[Exception] = []
        """What the handling of messages has raised."""
        self.redelivers = False
        """Whether the queue delivers again what an instance that died had in hand."""

    # --- what there is

    def policy(self, *rules: Rule, mode: Mode = Mode.ENFORCE) -> None:
        """The policy in force from now on; another text has another hash."""
        made = policy(*rules, mode=mode)
        self.policies.value = replace(made, hash=hashlib.sha256(repr((rules, mode)).encode()).hexdigest())

    def target(self, kind: Kind) -> MemoryTarget:
        return self.azure.target(kind)

    # --- the app

    def other(self) -> MemoryApp:
        """Another instance."""
        return MemoryApp(self)

    def restart(self) -> None:
        """Go on with another instance, which knows only what the tables hold."""
        self.app = self.other()

    def wake(self, target: MemoryTarget, cause: str = "event") -> None:
        """A message about the target, and everything that is due at once."""
        self.queue.put(ReviewMessage(target.id, cause).to_text(), 0)
        self.work()

    def work(self) -> None:
        """Deliver what is due."""
        while self.queue.waiting and self.queue.waiting[0][0] <= self.time.seconds:
            _, text, delivered = self.queue.waiting.pop(0)
            self._deliver(text, delivered + 1)

    def _deliver(self, text: str, times: int) -> None:
        try:
            self.app.message_handler.handle(parse_message(text), None)
        except Died:
            self.restart()
            if self.redelivers:
                self.queue.put(text, VISIBLE_AGAIN, times)
        except Exception as error:  # noqa: BLE001 - whatever it is, the queue delivers the message again
            self.errors.append(error)
            if times < MOST_DELIVERIES:
                self.queue.put(text, VISIBLE_AGAIN, times)
            else:
                self.queue.poison.append(text)
                self.app.message_handler.failed(text, "id")

    def sweep(self) -> None:
        """The timer fires."""
        try:
            self.app.sweep.run()
        except Died:
            self.restart()
        except ApproverError as error:  # the function fails, and fires again in five minutes
            self.errors.append(error)
        self.work()

    def later(self, seconds: float, *, sweeps: bool = False) -> None:
        """Let time pass: messages are delivered when they are due, and where asked the timer fires."""
        end, next_sweep = self.time.seconds + seconds, self.time.seconds + SWEEP
        while True:
            moments = [self.queue.waiting[0][0]] if self.queue.waiting else []
            moments += [next_sweep] if sweeps else []
            moment = min([end, *moments])
            self.time.seconds = max(self.time.seconds, moment)
            if moment >= end:
                break
            if sweeps and moment == next_sweep:
                next_sweep += SWEEP
                self.sweep()
            self.work()
        self.work()

    def settle(self) -> None:
        """Sweep and wait until all should be well."""
        self.sweep()
        self.later(3600, sweeps=True)

    def restore(self, target: MemoryTarget, *, force: bool = False) -> Answer:
        """A person asks to put the firewall back."""
        body = json.dumps({"targetId": str(target), "force": force}).encode()
        try:
            return self.app.restoration.answer(Call(body, "application/json"))
        except Died:
            self.restart()
            return Answer(500, {"error": {"code": "Died", "message": "no answer"}})

    # --- what it did

    def record(self, target: MemoryTarget | str) -> Record:
        """What the tables hold about a target; read without passing a point."""
        return self._quietly(lambda: self.other().records.load(str(target)))

    def history(self, target: MemoryTarget) -> list[HistoryEntry]:
        """The decisions on a target, newest first."""
        rows = self.tables.partition("targets", partition(target.id.key))
        found = [history_of(row) for row in rows if row["RowKey"].startswith(HISTORY)]
        return sorted(found, key=lambda entry: -entry.link.number)

    def outcomes(self, target: MemoryTarget) -> list[str]:
        """Their outcomes, newest first."""
        return [entry.decision.outcome.value for entry in self.history(target)]

    def intents(self) -> list[Intent]:
        """Every open intent."""
        return [intent for t in self.azure.targets.values() for intent in self.record(t).intents.values()]

    def alerts(self) -> list[Json]:
        """Every alert that the topic took, once for each id."""
        return list({event["id"]: event for event in self.topic.events}.values())

    def alert_types(self) -> list[str]:
        """Their types without the prefix."""
        return [alert["type"].partition(".")[2] for alert in self.alerts()]

    def unfinished(self) -> list[str]:
        """What somebody must still come back to, in words."""
        found = []
        for subject in [*map(str, self.azure.targets.values()), "policy", "sweep"]:
            record = self.record(subject)
            found += [f"{subject}: intent {intent.status} {intent.phase}" for intent in record.intents.values()]
            found += [f"{subject}: restore"] if record.restore else []
            found += [f"{subject}: outbox {key}" for key in record.outbox]
            found += [f"{subject}: absent since {record.absent_since}"] if record.absent_since else []
            found += [f"{subject}: unreadable {key}" for key in record.unreadable]
        noted = [row["subject"] for row in self.tables.partition("work", "unfinished")]
        return found + [f"{subject}: still in the index" for subject in noted]

    def _quietly(self, look: Callable[[], Record]) -> Record:
        """Look at something as no instance does: nothing is counted and nothing interrupts."""
        reached, interruptions = list(self.points.reached), self.points._interruptions
        self.points._interruptions = []
        try:
            return look()
        finally:
            self.points.reached[:] = reached
            self.points._interruptions = interruptions

    def breaks(self) -> list[str]:
        """Where the ledger is not as the app should have left it: seals, records, chains."""

        def rows(table: str, partition: str | None) -> Iterator[Row]:
            found = self.tables.rows.get(table, {})
            yield from (found[key] for key in sorted(found) if partition in (None, key[0]))

        found = verify(rows, Sealing(KEY), self.time.now(), lambda _: None)
        return [f"{one.row}: {one.problem}" for one in found]

    def now(self) -> datetime:
        return self.time.now()


def closes(kind: Kind, *requesters: str, **more: Any) -> Rule:
    """An allow rule that closes the firewall behind itself, as far as the kind can."""
    wish = kind.wish
    asked = FirewallWish(wish["publicNetworkAccess"], wish.get("trustedServices", "keep"), wish["settleSeconds"])
    return allow(*requesters, firewall=asked, **more)
