"""Mixtures of genuine and forged requests at one target, played against the local Azure; a story is a list of steps.

What a step stands for is bound to what is there when it is played: a copy of a request that nobody has made is left out, so
that every list of steps is a story that may happen. What may not happen: an attacker who knows a random message before its
request is at the target, and people who delete a genuine connection at the target (docs/security.md, "What remains").
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import NamedTuple

from hypothesis import strategies as st

from tests.attacks.moments import Moments
from tests.attacks.services import Managed, Owner, twin_of
from tests.functional.estate import Json, Party, Request, Target
from tests.functional.world import World, allow

OWNERS = ("adx", "adx-short", "ws", "adf")
NAMES = ("a", "b")
SHORT = "Please approve."
LONG_ENOUGH = 400
"""Seconds after which nothing that was asked for is still being made."""


class Key(NamedTuple):
    """One of the endpoints that a mixture may be about: our service by its name in the policy, and a name there."""

    owner: str
    name: str


@dataclass(frozen=True)
class Ask:
    """We ask for a managed private endpoint."""

    key: Key
    group: str


@dataclass(frozen=True)
class Forge:
    """Somebody passes for one of our endpoints."""

    how: str
    key: Key
    group: str


@dataclass(frozen=True)
class Delete:
    """We take an endpoint back."""

    key: Key


@dataclass(frozen=True)
class Withdraw:
    """An attacker takes all forgeries back, and makes them again or not."""

    again: bool


@dataclass(frozen=True)
class Flood:
    """A stranger opens many connections."""

    connections: int


@dataclass(frozen=True)
class Decide:
    """A person decides on a genuine request by hand."""

    key: Key
    status: str


@dataclass(frozen=True)
class Pass:
    """Time passes; messages that are due are handled."""

    seconds: float


@dataclass(frozen=True)
class Wake:
    """An event; `meanwhile` happens right before the review's call to Azure of that number, where there is one."""

    call: int = 1
    meanwhile: tuple[Step, ...] = ()


Step = Ask | Forge | Delete | Withdraw | Flood | Decide | Pass | Wake

GROUPS = {"storage": ["blob"] * 5 + ["dfs"] * 3 + ["queue"], "eventHubs": ["namespace"]}
"""Sub-resources to ask for; no rule allows a queue."""

_ways = st.sampled_from(["twin"] * 4 + ["own tenant", "nobody's", "near", "bare"])
_seconds = st.sampled_from([5.0, 31.0, 61.0, 80.0, 200.0, 200.0])


@dataclass(frozen=True)
class Story:
    """What happens at a new target of a kind."""

    target: str
    steps: tuple[Step, ...]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Steps about few endpoints, so that they meet; most come in rows that lead somewhere."""
    target = draw(st.sampled_from(["storage"] * 3 + ["eventHubs"]))
    keys = [Key(owner, name) for owner in OWNERS for name in NAMES]
    about = draw(st.lists(st.sampled_from(keys), min_size=1, max_size=2, unique=True))

    def row() -> list[Step]:
        key, group, how = draw(st.sampled_from(about)), draw(st.sampled_from(GROUPS[target])), draw(_ways)
        ask, forge, wait = Ask(key, group), Forge(how, key, group), Pass(draw(_seconds))
        decide = Decide(key, draw(st.sampled_from(["Approved", "Rejected"])))
        withdraw = Withdraw(draw(st.booleans()))
        nothing: tuple[Step, ...] = ()
        inside = st.sampled_from([nothing, nothing, nothing, (forge,), (ask,), (Delete(key),), (withdraw,), (decide,)])
        wake = Wake(draw(st.integers(1, 9)), draw(inside))  # 0 is the first list: see `_decide`
        rows: list[list[Step]] = [
            [ask, wait], [ask, forge, wait], [forge, wait, ask], [ask, wait, forge, wait, wake], [forge, wait], [wait, wake],
            [wake], [decide, wake], [Delete(key), wait], [Delete(key), wait, wake, ask], [withdraw], [withdraw, wait, wake],
            [ask, Pass(200), forge, Pass(200), wake, decide, Wake()], [Flood(draw(st.integers(3, 12)))],
        ]  # fmt: skip
        return draw(st.sampled_from(rows))

    return Story(target, tuple(step for _ in range(draw(st.integers(2, 7))) for step in row()))


class MixtureWorld(World):
    """A world with everybody in it: our four services, their twins in the hands of an attacker, people."""

    @cached_property
    def ours(self) -> dict[str, Owner]:
        """Our services by their names in the policy, which is written with them."""
        kinds = ("kusto", "kusto", "synapse", "dataFactory")
        made = {n: Owner.make(self.azure, k, self.home.subscription) for n, k in zip(OWNERS, kinds, strict=True)}
        requesters = {n: owner.requester() for n, owner in made.items()} | {"hub": self.hub.requester()}
        requesters["adx"] |= {"requireMessage": True}
        self.policy(requesters, *(allow(name, subResources=["blob", "dfs", "namespace"]) for name in requesters))
        return made

    @cached_property
    def twins(self) -> dict[str, Owner]:
        """An attacker's services that look like ours."""
        return {name: twin_of(own) for name, own in self.ours.items()}

    @cached_property
    def near(self) -> dict[str, Owner]:
        """An attacker's services whose names hold ours."""
        subscription, tenant = str(uuid.uuid4()), str(uuid.uuid4())
        return {
            name: Owner.make(self.azure, own.service, subscription, tenant=tenant, name=f"{own.name}x")
            for name, own in self.ours.items()
        }

    @cached_property
    def nobody(self) -> Party:
        """Somebody in a subscription whose tenant ARM does not tell."""
        party = self.stranger()
        match = {"method": "GET", "pathRegex": f"^/subscriptions/{party.subscription}$"}
        answer = {"status": 404, "code": "SubscriptionNotFound"}
        self.client.local("POST", "faults", {"match": match, "times": 1_000_000, "answer": answer})
        return party


@dataclass
class Mixture:
    """One mixture at work on a target of its own."""

    world: MixtureWorld
    target: Target
    moments: Moments
    tag: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    asked: dict[Key, tuple[Managed, str]] = field(default_factory=dict)
    forged: list[tuple[Forge, Managed | Request]] = field(default_factory=list)
    doubtful: set[Key] = field(default_factory=set)
    by_hand: set[str] = field(default_factory=set)
    reading: bool = False

    @property
    def groups(self) -> list[str]:
        """The sub-resources that the target has."""
        return GROUPS["eventHubs" if "Microsoft.EventHub" in self.target.id else "storage"]

    def play(self, steps: Iterable[Step]) -> None:
        """Play the steps, then let everything end that has begun."""
        assert self.world.ours, "they and the policy come before the first review"
        for step in steps:
            self.step(step)
            self.check()
        for _ in range(2):
            self.world.wake(self.target)
            self.world.later(LONG_ENOUGH)
            self.check()

    def clear_up(self) -> None:
        """Whoever passes for us takes everything back; what that lets be approved is."""
        self._withdraw(Withdraw(again=False))
        for _ in range(3):
            self.world.later(LONG_ENOUGH)
            self.world.wake(self.target)
            self.check()

    def end(self) -> None:
        """Forget the target: the oracle tells of all there are."""
        self.world.azure.arm("DELETE", self.target.id, self.target.version)
        self.world.queue.waiting.clear()

    def check(self) -> None:
        """Nothing is approved that should not be."""
        wrong = self.wrong()
        assert not wrong, wrong

    def step(self, step: Step) -> None:
        """Play one step."""
        match step:
            case Ask():
                self._ask(step)
            case Forge():
                self._forge(step)
            case Delete():
                self._delete(step)
            case Withdraw():
                self._withdraw(step)
            case Flood():
                stranger = self.world.stranger()
                for number in range(step.connections):
                    stranger.endpoint(self.target, self.groups[0], message=SHORT, name=f"flood-{self.tag}-{number}")
            case Decide():
                self._decide(step)
            case Pass():
                self.world.later(step.seconds)
            case Wake():
                self._wake(step)

    # --- what the oracle says

    def seen(self) -> list[Json]:
        """The target's connections as the oracle knows them."""
        found: list[Json] = self.world.client.local("GET", "oracle/connections")
        return [one for one in found if one["targetId"].lower() == self.target.id.lower()]

    def wrong(self) -> list[Json]:
        """Connections that the app has approved and that no endpoint of ours asked for, or for what no rule allows."""
        ours = {managed.id.lower() for owner in self.world.ours.values() for managed in self._of(owner)}
        return [
            one
            for one in self.seen()
            if one["status"] != "Pending" and one["connectionId"] not in self.by_hand
            and (one["requesterId"].lower() not in ours or one["subResource"] == "queue")
        ]  # fmt: skip

    def left_pending(self) -> list[Json]:
        """Genuine requests that no forgery makes ambiguous and that wait all the same."""
        sure = {
            managed.id.lower()
            for key, (managed, group) in self.asked.items()
            if key not in self.doubtful and group != "queue"
        }
        return [one for one in self.seen() if one["requesterId"].lower() in sure and one["status"] != "Approved"]

    def left_in_the_end(self) -> list[Json]:
        """Genuine requests that wait though no forgery is there any more; those that no rule allows are left out."""
        forbidden = {
            key.owner for key, (_, group) in self.asked.items() if key.owner == "adx-short" and group == "queue"
        }
        sure = {
            managed.id.lower()
            for key, (managed, group) in self.asked.items()
            if group != "queue" and key.owner not in forbidden
        }
        return [
            one
            for one in self.seen()
            if one["requesterId"].lower() in sure
            and one["connectionId"] not in self.by_hand
            and one["status"] != "Approved"
        ]

    def _of(self, owner: Owner) -> list[Managed]:
        return [Managed(owner, f"{name}-{self.tag}") for name in NAMES]

    # --- the steps

    def _name(self, key: Key) -> str:
        return f"{key.name}-{self.tag}"

    def _ask(self, step: Ask) -> None:
        key, owner = step.key, self.world.ours[step.key.owner]
        if key in self.asked or Managed(owner, self._name(key)).exists:
            return  # its name is taken
        messages = {"adx": secrets.token_urlsafe(18), "adx-short": SHORT}
        managed = owner.ask(self.target, step.group, name=self._name(key), message=messages.get(key.owner, ""))
        self.asked[key] = (managed, step.group)
        if key.owner == "adx-short" and step.group == "queue":
            self._doubt(key)

    def _delete(self, step: Delete) -> None:
        if known := self.asked.pop(step.key, None):
            known[0].delete()

    def _doubt(self, key: Key) -> None:
        """A forgery or a person may make this ambiguous, and with it what cannot be told apart from it."""
        self.doubtful |= {Key(key.owner, n) for n in NAMES if key.owner == "adx-short" or n == key.name}

    def _decide(self, step: Decide) -> None:
        if not self.reading:
            self.world.wake(self.target)  # its event came long before anybody looks at it
        known = self.asked.get(step.key)
        ours = [one for one in self.seen() if known and one["requesterId"].lower() == known[0].id.lower()]
        if known and ours and ours[0]["status"] == "Pending":
            self._write(ours[0], step.status)
            self.by_hand.add(ours[0]["connectionId"])
            self._doubt(step.key)

    def _write(self, connection: Json, status: str) -> None:
        """As a person does at the target; the requester's side shows it later."""
        state = {"status": status, "description": "looked at it"}
        properties = {
            "privateEndpoint": {"id": connection["privateEndpointId"]},
            "privateLinkServiceConnectionState": state,
        }
        self.world.azure.arm("PUT", connection["connectionId"], self.target.version, {"properties": properties})

    def _forge(self, step: Forge) -> None:
        message = self._overheard(step.key) if step.how != "bare" else ""
        if message is None:
            return
        if made := self._forgery(step, message):
            self.forged.append((step, made))
            if step.how in ("twin", "nobody's") or (step.how == "near" and self._by_message(step.key)):
                self._doubt(step.key)

    def _overheard(self, key: Key) -> str | None:
        """What an attacker writes to pass for an endpoint; None while the random message of ours is still unknown."""
        if key.owner != "adx":
            return SHORT if key.owner == "adx-short" else ""
        ours = Managed(self.world.ours[key.owner], self._name(key)).id.lower()
        return next((one["requestMessage"] for one in self.seen() if one["requesterId"].lower() == ours), None)

    def _by_message(self, key: Key) -> bool:
        return self.world.ours[key.owner].service == "kusto"

    def _forgery(self, step: Forge, message: str) -> Managed | Request | None:
        name = self._name(step.key)
        whole = name if self._by_message(step.key) else f"{self.world.ours[step.key.owner].name}.{name}"
        parties = {"own tenant": self.world.partner, "nobody's": self.world.nobody, "bare": self.world.partner}
        if party := parties.get(step.how):
            return party.endpoint(self.target, step.group, message=message, name=whole)
        owner = (self.world.twins if step.how == "twin" else self.world.near)[step.key.owner]
        if Managed(owner, name).exists:
            return None  # its name is taken
        return owner.ask(self.target, step.group, name=name, message=message)

    def _withdraw(self, step: Withdraw) -> None:
        gone, self.forged = self.forged, []
        for _, made in gone:
            made.delete()
        if step.again:
            self.world.time.advance(100)
            for forge, _ in gone:
                self._forge(forge)

    def _wake(self, step: Wake) -> None:
        def play(steps: tuple[Step, ...]) -> None:
            for one in steps:
                self.step(one)

        self.reading = True
        with self.moments.before_call(step.call, partial(play, step.meanwhile), sure=False):
            self.world.wake(self.target)
        self.reading = False
