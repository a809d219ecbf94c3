"""The attack matrix at work: one cell is one attack at one moment of one review, at a target of its own.

A play takes one kind of requester and one attack through every moment. The cells of a play share time, so that what has to
be waited for is waited for once. The oracle is the local Azure, which knows for whom each connection was made.
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.resource_id import fold, parse
from shared.triggers.messages import ReviewMessage
from tests.attacks.moments import Moments
from tests.attacks.players import Asked, Kind
from tests.functional.estate import Json, Target
from tests.functional.world import World, allow

if TYPE_CHECKING:
    from tests.attacks.catalogue import Attack

KEY_VAULT = "2023-07-01"
BEFORE, AFTER, HOUR_LATER = "before the review", "after the review", "an hour later"
LONG_ENOUGH = 16 * 60.0
"""Seconds after which nothing is waited for any longer before somebody is alerted."""

GONE = 61.0
"""Seconds after which a second look believes that something is gone."""


@dataclass
class Cell:
    """One target with one request of ours, and who passes for it."""

    world: World
    kind: Kind
    target: Target
    group: str
    moment: str
    call: int | None = None
    name: str = field(default_factory=lambda: f"mpe-{uuid.uuid4().hex[:8]}")
    message: str = ""
    ours: list[Asked] = field(default_factory=list)
    forged: list[Asked] = field(default_factory=list)
    by_hand: dict[str, str] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    remains: str = ""
    result: str = ""

    def __post_init__(self) -> None:
        self.message = self.message or self.kind.message()

    # --- what the players do

    def ask(self, name: str = "", message: str = "") -> Asked:
        """We ask for an endpoint; it does not appear by itself before time passes."""
        asked = self.kind.ask(self.target, self.group, name or self.name, message or self.message)
        self.ours.append(asked)
        self.known.add(fold(asked.id))
        return asked

    def forge(self, name: str = "", message: str = "") -> Asked:
        """Somebody asks for what cannot be told from ours."""
        return self.pass_for(self.kind.twin(self.target, self.group, name or self.name, message or self.message))

    def pass_for(self, asked: Asked) -> Asked:
        """Somebody asks for something that is not ours."""
        self.forged.append(asked)
        return asked

    def decide(self, asked: Asked, status: str) -> None:
        """A person decides at the target, where the request still waits."""
        shown = self.of(asked)
        if shown is None or shown["status"] != "Pending":
            return
        state = {"status": status, "description": "looked at it"}
        properties = {
            "privateEndpoint": {"id": shown["privateEndpointId"]},
            "privateLinkServiceConnectionState": state,
        }
        self.world.azure.arm("PUT", shown["connectionId"], self.target.version, {"properties": properties})
        self.by_hand[shown["connectionId"]] = status

    def withdraw(self) -> None:
        """Whoever passes for us takes everything back; so do we with what cannot become Approved any more."""
        for one in self.forged:
            one.withdraw()
        self.forged.clear()
        for one in list(self.ours):
            shown = self.of(one)
            if shown is None or shown["status"] not in ("Pending", "Approved"):
                one.withdraw()
                self.ours.remove(one)

    # --- what there is

    def connections(self) -> list[Json]:
        """The target's connections as the oracle knows them."""
        found: list[Json] = self.world.client.local("GET", f"oracle/connections?target={self.target.id}")
        return found

    def of(self, asked: Asked) -> Json | None:
        """The connection that was made for somebody, None while there is none."""
        return next((one for one in self.connections() if fold(one["requesterId"]) == fold(asked.id)), None)

    def check(self) -> None:
        """Nothing is approved but what we asked for, and what people have decided is as they decided it."""
        for one in self.connections():
            decided = self.by_hand.get(one["connectionId"])
            if decided is not None:
                assert one["status"] == decided, f"{self}: a person's decision was undone: {one}"
            elif fold(one["requesterId"]) not in self.known and not self.remains:
                assert one["status"] == "Pending", f"{self}: a forgery was decided on: {one}"

    def waiting(self) -> list[Json]:
        """The connections that nobody has decided on."""
        return [one for one in self.connections() if one["status"] == "Pending"]

    def got_in(self) -> list[Json]:
        """Forgeries that the app has approved."""
        found = [one for one in self.connections() if one["status"] == "Approved"]
        return [
            one
            for one in found
            if fold(one["requesterId"]) not in self.known and one["connectionId"] not in self.by_hand
        ]

    def review(self) -> None:
        """The app reviews the target now, and nothing else."""
        self.world.app.message_handler.handle(ReviewMessage(parse(self.target.id), "event"), None)

    def __str__(self) -> str:
        return f"{self.target.id.rpartition('/')[2]}, {self.moment}"


@dataclass
class Play:
    """One kind of requester and one attack, through every moment of a review."""

    world: World
    kind: Kind
    attack: Attack
    moments: Moments
    cells: list[Cell] = field(default_factory=list)

    def policy(self, **of_requester: object) -> None:
        """The policy that is in force from now on, and for every review of this play."""
        self.world.policy({"ours": self.kind.requester(**of_requester)}, allow("ours"))
        self.world.time.advance(46)

    def run(self, only: str = "") -> list[Cell]:
        """Play every moment, or only those whose name holds a text; answers the cells with what became of each."""
        self.policy(**self.attack.of_requester)
        after, later, before = self._prepare([AFTER, HOUR_LATER, BEFORE])
        self._calls(after)  # what is remembered from now on (tenants) is not read again
        calls = self._calls(later)
        named = [(number, name) for number, name in labels(calls, self.attack.between_pages) if only in name]
        assert named, f"no moment is called {only}"
        self._attacked(before)
        rest = self._prepare([name for _, name in named])
        for cell, (number, _) in zip(rest, named, strict=True):
            cell.call = number
        for cell in rest:
            self._attacked(cell)
        self._alerted()
        self._approved_in_the_end()
        return self.cells

    def _prepare(self, names: list[str]) -> list[Cell]:
        made = [self._cell(name) for name in names]
        for cell in made:
            cell.remains = self.attack.remains(cell)
            self.attack.prepare(cell)
        self.world.time.advance(self.attack.prepared_after)
        for cell in made:
            self.attack.prepared(cell)
        self.cells += made
        return made

    def _cell(self, moment: str) -> Cell:
        world, kind = self.world, self.attack.target
        if kind == "storage":
            return Cell(world, self.kind, world.storage_account(), "blob", moment)
        if kind == "eventHubs":
            return Cell(world, self.kind, world.namespace(), "namespace", moment)
        vault = f"{world.home.group}/providers/Microsoft.KeyVault/vaults/kv{uuid.uuid4().hex[:18]}"
        properties = {"tenantId": str(uuid.uuid4()), "sku": {"family": "A", "name": "standard"}}
        world.azure.arm("PUT", vault, KEY_VAULT, {"location": "westeurope", "properties": properties})
        return Cell(world, self.kind, Target(world.azure, vault, KEY_VAULT), "vault", moment)

    def _calls(self, cell: Cell) -> list[tuple[str, str]]:
        """What the app reads and writes in a review that nobody disturbs; the attack comes after it."""
        self.world.forget_calls()
        cell.review()
        calls = [call for call in self.world.calls() if call[1].startswith(("/subscriptions/", "/synapse/"))]
        if cell.moment == HOUR_LATER:
            self.world.time.advance(3600)
        self.attack.act(cell)
        cell.review()
        self._done(cell)
        return calls

    def _attacked(self, cell: Cell) -> None:
        if cell.call is None:
            self.attack.act(cell)
            cell.review()
        else:
            with self.moments.before_call(cell.call, lambda: self.attack.act(cell)):
                cell.review()
        self._done(cell)

    def _done(self, cell: Cell) -> None:
        cell.check()
        own = [one for one in cell.connections() if fold(one["requesterId"]) in cell.known]
        shown = {str(one["status"]) for one in own}
        cell.result = "/".join(sorted(shown)).lower().replace("pending", "held") or "not there"
        if cell.got_in():
            cell.result += ", FORGERY APPROVED AND ALERTED"

    def _alerted(self) -> None:
        """Whatever still waits is in an alert, once it has waited for long enough."""
        self.world.time.advance(self.attack.patience)
        for cell in self.cells:
            cell.review()
            cell.check()
        told = [(alert["type"].partition(".")[2], fold(alert["subject"])) for alert in self.world.alerts()]
        for cell in self.cells:
            self.attack.alerted(cell, told)

    def _approved_in_the_end(self) -> None:
        """Once nothing collides with it any more, what we asked for is approved; where it is gone, what we ask for anew."""
        for cell in self.cells:
            cell.withdraw()
        self.attack.over(self)
        anew = [cell for cell in self.cells if not cell.ours]
        for _ in range(2):  # what is gone is believed on the second look
            for cell in anew:
                cell.review()
            self.world.time.advance(GONE)
        for cell in anew:
            cell.ask(message=cell.kind.message()).appear()
        for _ in range(3):
            self.world.queue.waiting.clear()
            if not self.world.sweep():
                break
            self.world.later(GONE)
        for cell in self.cells:
            cell.check()
            for one in cell.ours:
                shown = cell.of(one)
                assert shown, f"{cell}: what we asked for is not at the target"
                assert shown["status"] == "Approved", f"{cell}: {shown}, {cell.world.recorded(cell.target)[:2]}"
            cell.result += ", approved" if "approved" not in cell.result else ""


def labels(calls: list[tuple[str, str]], between_pages: bool) -> list[tuple[int, str]]:
    """A name for the moment right before each call (its number and the name); `between_pages`: only for further pages."""
    counted: Counter[str] = Counter()
    found, written, last = [], False, ("", "")
    for number, (method, path) in enumerate(calls):
        kind = _kind(method, path, written=written)
        if kind == "list" and (method, path) == last:
            kind = "page"
        written |= method == "PUT"
        counted[kind] += 1
        last = (method, path)
        if kind == "page" or not between_pages:
            found.append((number, f"{kind} {counted[kind]}"))
    return found


def _kind(method: str, path: str, *, written: bool) -> str:
    path = fold(path)
    if method == "PUT":
        return "write"
    if path.endswith("/privateendpointconnections"):
        return "list"
    if "/operationstatus/" in path:
        return "operation"
    if "/privateendpointconnections/" in path:
        return "read back" if written else "read again"
    if path.count("/") == 2:
        return "tenant"
    return "endpoint" if "/microsoft.network/" in path else "side"
