"""Random worlds in memory: requesters, twins, people and the app act in any order, also between the app's reads.

A world is a list of steps, each bound to what is there when it is played: a copy of a message that nobody has written is
left out. What may not happen is told in docs/security.md, "What remains": somebody knows a random message before its
request is at the target; people delete a genuine connection at the target, or decide on one before the app has ever seen it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from hypothesis import strategies as st

from shared.model.requester import MICROSOFT_TENANTS, PrivateEndpointRequester, ServiceRequester
from shared.policy.rules import Effect, Mode, Policy, Rule, Scope
from shared.resource_id import fold, parse
from tests.property.memory import EVENT, Endpoint, Made, MemoryAzure, reviewer_of

SUBSCRIPTION = "11111111-0000-0000-0000-000000000000"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
TARGETS = {
    "storage": parse(f"{GROUP}/providers/Microsoft.Storage/storageAccounts/data"),
    "keyVault": parse(f"{GROUP}/providers/Microsoft.KeyVault/vaults/secrets"),
}
SERVICES = {
    "adx": ("kusto", "Microsoft.Kusto/clusters/adx"),
    "short": ("kusto", "Microsoft.Kusto/clusters/short"),
    "ws": ("synapse", "Microsoft.Synapse/workspaces/ws"),
    "adf": ("dataFactory", "Microsoft.DataFactory/factories/adf"),
}
PEOPLE = ("hub", "partner")
OWNERS = (*SERVICES, *PEOPLE)
NAMES = ("a", "b")
SHORT = "Please approve."
MICROSOFT, ALSO_MICROSOFTS, HUB, PARTNERS, THEIRS, NOBODYS = (
    f"{digit * 8}-0000-0000-0000-000000000000" for digit in "345678"
)
HOME, PARTNER_TENANT, OTHER_TENANT = (f"{digit * 8}-0000-0000-0000-000000000000" for digit in "abc")
TENANTS: dict[str, str | None] = {
    SUBSCRIPTION: HOME,
    MICROSOFT: min(MICROSOFT_TENANTS),
    ALSO_MICROSOFTS: max(MICROSOFT_TENANTS),
    HUB: HOME,
    PARTNERS: PARTNER_TENANT,
    THEIRS: OTHER_TENANT,
    NOBODYS: None,
}
AWHILE = 400.0
"""Seconds after which nothing is being made or deleted any more."""


@dataclass(frozen=True)
class Step:
    """What somebody does: `who` (an owner), to which of its names, how."""

    do: str
    who: str = "adx"
    name: str = "a"
    how: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Wake:
    """A review; before its nth access (of any sort) something happens."""

    meanwhile: tuple[tuple[int, Step], ...] = ()


@dataclass(frozen=True)
class Story:
    """What happens at a target."""

    target: str
    paged: bool
    steps: tuple[Step | Wake, ...]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Steps about few endpoints, so that they meet; most come in rows that lead somewhere."""
    keys = [(owner, name) for owner in OWNERS for name in NAMES]
    about = draw(st.lists(st.sampled_from(keys), min_size=1, max_size=3, unique=True))
    ways = st.sampled_from(["twin", "twin", "twin", "same id", "own tenant", "nobody's", "near", "junk"])

    def one(do: str = "") -> Step:
        who, name = draw(st.sampled_from(about))
        do = do or draw(st.sampled_from(["ask", "forge", "forge", "hurry", "hurry", "delete", "withdraw", "decide",
                                         "decide forged", "pass", "pass", "down", "up"]))  # fmt: skip
        seconds = draw(st.sampled_from([1.0, 6.0, 31.0, 61.0, 80.0, 200.0]))
        how = draw(ways) if do == "forge" else draw(st.sampled_from(["Approved", "Rejected"]))
        if do in ("down", "up"):
            how = draw(st.sampled_from(["sides", "tenants"]))
        return Step(do, who, name, how, seconds)

    def wake() -> Wake:
        number = draw(st.sampled_from([0, 0, 1, 1, 2, 3]))
        return Wake(tuple((draw(st.integers(0, 12)), one()) for _ in range(number)))

    def row() -> list[Step | Wake]:
        rows: list[list[Step | Wake]] = [
            [one("ask"), one("hurry")], [one("ask"), one("hurry"), wake()], [one("ask"), one("pass")],
            [one("forge"), one("ask"), one("hurry"), wake()], [one("ask"), one("hurry"), one("forge"), wake()],
            [one("delete"), one("hurry"), one("forge"), one("ask"), wake()], [wake()], [wake(), one("pass"), wake()],
            [one("withdraw"), wake()], [one()], [one(), one(), wake()], [Step("flood"), wake()],
        ]  # fmt: skip
        return draw(st.sampled_from(rows))

    target, paged = draw(st.sampled_from(["storage", "storage", "keyVault"])), draw(st.booleans())
    return Story(target, paged, tuple(step for _ in range(draw(st.integers(2, 10))) for step in row()))


def policy() -> Policy:
    """All of ours are allowed."""
    requesters: dict[str, ServiceRequester | PrivateEndpointRequester] = {
        name: ServiceRequester(name, service, parse(f"{GROUP}/providers/{resource}"), require_message=name == "adx")
        for name, (service, resource) in SERVICES.items()
    }
    requesters["hub"] = PrivateEndpointRequester("hub", subscriptions=frozenset({HUB}))
    requesters["partner"] = PrivateEndpointRequester("partner", tenants=frozenset({PARTNER_TENANT}))
    rules = tuple(Rule(f"allow-{name}", Effect.ALLOW, requesters=(name,)) for name in requesters)
    return Policy("hash", Mode.ENFORCE, Scope(subscriptions=frozenset({SUBSCRIPTION})), requesters, rules)


POLICY = policy()


@dataclass
class World:
    """One story at work."""

    story: Story
    azure: MemoryAzure = field(init=False)
    forged: list[Made] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    freed: dict[tuple[str, str], float] = field(default_factory=dict)
    reviewing: bool = False

    def __post_init__(self) -> None:
        self.azure = MemoryAzure(TARGETS[self.story.target], dict(TENANTS), self.story.paged)
        self.reviewer, self.ledger = reviewer_of(self.azure, POLICY)

    def play(self) -> None:
        """Play the steps; then nothing collides any more, and everything ends that has begun."""
        for step in self.story.steps:
            self.act(step)
            self.check()
        self.azure.down.clear()
        self._withdraw()
        self.azure.advance(AWHILE)
        for seconds in (61.0, 61.0, 61.0, 1000.0, 61.0, 61.0):
            self.wake(Wake())
            self.check()
            self.azure.advance(seconds)

    def act(self, step: Step | Wake) -> None:  # noqa: C901 - one line for each kind of step
        """Play one step."""
        if isinstance(step, Wake):
            self.wake(step)
            return
        match step.do:
            case "ask":
                self._ask(step)
            case "hurry":
                for one in self._mine(step):
                    self.azure.hurry(one)
            case "delete":
                for one in self._mine(step):
                    if one.state != "Deleting":
                        self.azure.delete(one, 61.0)
                        self.freed[step.who, step.name] = self.azure.seconds + 31
            case "forge":
                self._forge(step)
            case "flood":
                for number in range(4):
                    self._connect(f"junk-{self.azure.made}-{number}", THEIRS, "?")
            case "withdraw":
                self._withdraw()
            case "decide":
                self._decide([one.connection for one in self._mine(step) if one.connection], step.how)
            case "decide forged":
                self._decide(list(self.forged), step.how)
            case "pass":
                self.azure.advance(step.seconds)
            case "down":
                self.azure.down.add(step.how)
            case "up":
                self.azure.down.discard(step.how)

    def wake(self, wake: Wake) -> None:
        """The app reviews the target; meanwhile something happens before its nth access."""
        accesses = 0

        def interrupt(_: str) -> None:
            nonlocal accesses
            for number, step in wake.meanwhile:
                if number == accesses:
                    self.act(step)
            accesses += 1

        self.azure.interrupt = interrupt
        self.reviewing = True
        self.reviewer.review(self.azure.target, EVENT)
        self.reviewing = False
        self.azure.interrupt = lambda _: None

    # --- what the oracle says

    def check(self) -> None:
        """Nothing is decided on that is not ours, and nothing otherwise than people have decided it."""
        for one in self.azure.connections:
            if one.by_hand:
                assert one.status == one.by_hand, f"a person's decision was undone: {one}"
            elif one.owner is None:
                assert one.status == "Pending", f"a forgery was decided on: {one}"

    def left_pending(self) -> list[Made]:
        """What we asked for and still ask for, and that nobody has approved."""
        return [one for one in self.azure.connections if one.owner and not one.by_hand and one.status != "Approved"]

    # --- the steps

    def _mine(self, step: Step) -> list[Endpoint]:
        wanted = f"/{step.who}/{step.name}"
        return [one for one in self.azure.endpoints if one.id.endswith(wanted)]

    def _ask(self, step: Step) -> None:
        if self._mine(step):
            return  # its name is taken
        self.azure.advance(max(0.0, self.freed.get((step.who, step.name), 0.0) - self.azure.seconds))
        made_at, whole = self.azure.now(), self._whole(step)
        if step.who in PEOPLE:
            subscription = HUB if step.who == "hub" else PARTNERS
            asked = Endpoint(
                f"/{step.who}/{step.name}", step.name, "", "Hello.", _endpoint(whole, subscription), made_at
            )
            self.azure.ask(asked, 0.0, 0.0)
            self.azure.hurry(asked)
            return
        service, resource = SERVICES[step.who]
        message = {"adx": _random(f"{step.name} {made_at}"), "short": SHORT}
        known = f"{GROUP}/providers/{resource}/managedPrivateEndpoints/{step.who}/{step.name}"
        unique = f".{self.azure.made}-{int(self.azure.seconds)}" if service == "kusto" else ""
        said = message.get(step.who, "")
        asked = Endpoint(known, step.name, service, said, _endpoint(whole + unique, MICROSOFT), made_at)
        self.azure.ask(asked, 30.0, 75.0)

    @staticmethod
    def _whole(step: Step) -> str:
        """The name of a private endpoint of ours, without what is random in it."""
        return f"{step.who}.{step.name}" if step.who in ("ws", "adf") else f"{step.who}-{step.name}"

    def _forge(self, step: Step) -> None:
        """Somebody passes for one of ours, as far as they can know it."""
        message = self._overheard(step)
        if message is None:
            return
        whole = self._whole(step)
        match step.how:
            case "twin":  # through another customer's resource of such a service
                self._connect(whole, ALSO_MICROSOFTS, message)
            case "same id":  # in the very subscription, where ours is not there
                self._connect(whole, MICROSOFT if step.who in SERVICES else THEIRS, message)
            case "own tenant":
                self._connect(whole, THEIRS, message)
            case "nobody's":
                self._connect(whole, NOBODYS, message)
            case "near":
                self._connect(f"{step.who}x.{step.name}", ALSO_MICROSOFTS, message)
            case "junk":
                self._connect(f"junk-{self.azure.made}", THEIRS, "?")

    def _overheard(self, step: Step) -> str | None:
        """The message of ours; None while a random one cannot be known."""
        if step.who != "adx":
            return {"short": SHORT}.get(step.who, "Hello.")
        found = [one.connection for one in self._mine(step) if one.connection and one.connection.status == "Pending"]
        return found[0].message if found else None

    def _connect(self, name: str, subscription: str, message: str) -> None:
        made = self.azure.connect(_endpoint(name, subscription), message)
        if made:
            self.forged.append(made)

    def _withdraw(self) -> None:
        for one in self.forged:
            if one in self.azure.connections:
                self.azure.connections.remove(one)
        self.forged.clear()

    def _decide(self, on: list[Made], status: str) -> None:
        if not self.reviewing:
            self.wake(Wake())  # its event came long before anybody looks at it
        for one in on[:1]:
            if one.status == "Pending" and one in self.azure.connections and self._is_known(one):
                one.by_hand, one.message = status, "looked at it"
                self.azure.decided(one, status)

    def _is_known(self, one: Made) -> bool:
        """Whether the app has seen a connection before."""
        return fold(one.private_endpoint_id) in self.azure.listed


def _random(text: str) -> str:
    """A message that nobody guesses, the same each time that a world is played. Digits hold no name (`adf`) by chance."""
    return str(int(hashlib.sha256(text.encode()).hexdigest(), 16))[:32]


def _endpoint(name: str, subscription: str) -> str:
    group = f"/subscriptions/{subscription}/resourceGroups/rg"
    return f"{group}/providers/Microsoft.Network/privateEndpoints/{name}"
