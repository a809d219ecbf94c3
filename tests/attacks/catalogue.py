"""The attacks of the matrix: what is there before the review, what happens at the moment, and for whom it cannot exist."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from tests.attacks.cells import LONG_ENOUGH, Cell, Play
from tests.attacks.players import Asked, Kind, People, ServiceKind, person
from tests.attacks.services import NAMED
from tests.functional.estate import APPEARS

IN_BETWEEN = 31.0
"""Seconds that pass at every service before an endpoint that was deleted is gone and can be made again."""


@dataclass
class Attack:
    """An attack, by default on a request of ours that waits alone and is ready."""

    name: str = ""
    target: str = "storage"
    prepared_after: float = 0.0
    patience: float = LONG_ENOUGH
    between_pages: bool = False
    of_requester: dict[str, object] = field(default_factory=dict)

    def impossible(self, kind: Kind) -> str:
        """Why the attack cannot exist for a kind of requester; "" where it can."""
        del kind
        return ""

    def setup(self, play: Play) -> None:
        """Before anything else."""

    def prepare(self, cell: Cell) -> None:
        """What is there before the review: asked for, then `prepared_after` seconds pass."""
        cell.ask().appear()

    def prepared(self, cell: Cell) -> None:
        """What is there once they have passed."""

    def act(self, cell: Cell) -> None:
        """What happens at the moment."""
        raise NotImplementedError

    def remains(self, cell: Cell) -> str:
        """Why a forgery may be approved in a cell all the same, and is alerted then; "" as a rule."""
        del cell
        return ""

    def alerted(self, cell: Cell, told: list[tuple[str, str]]) -> None:
        """An operator is told of every request that waits; `told` are type and subject (folded) of all alerts."""
        subjects = {subject for _, subject in told}
        for one in cell.waiting():
            assert one["connectionId"].lower() in subjects, f"{cell}: nobody was told of {one}"
        for one in cell.got_in():
            assert ("ApprovalFailed", one["connectionId"].lower()) in told, f"{cell}: nobody was told of {one}"

    def over(self, play: Play) -> None:
        """What else ends before ours is approved."""

    def cleanup(self, play: Play) -> None:
        """Afterwards, whatever became of it."""


@dataclass
class TwinEarly(Attack):
    """A twin is at the target before ours is ready; ours becomes ready at the moment."""

    name: str = "twin early"

    def prepare(self, cell: Cell) -> None:
        if not cell.kind.random:
            cell.forge().appear()
        cell.ask()
        self.prepared_after = APPEARS if cell.kind.random else 0.0

    def prepared(self, cell: Cell) -> None:
        if cell.kind.random:  # only now is the message at the target, where somebody may have read it
            cell.forge().appear()

    def act(self, cell: Cell) -> None:
        cell.ours[0].appear()


@dataclass
class TwinLate(Attack):
    """A twin appears at the moment."""

    name: str = "twin late"

    def act(self, cell: Cell) -> None:
        cell.forge().appear()


@dataclass
class CopiedMessage(Attack):
    """Somebody writes our message, under a name of their own and where only they can be."""

    name: str = "copied message"

    def act(self, cell: Cell) -> None:
        other = cell.kind.attacker
        mine = f"copy-{uuid.uuid4().hex[:8]}"
        cell.pass_for(person(other, cell.target, cell.group, name=mine, message=cell.message)).appear()
        cell.forge(name=mine).appear()


@dataclass
class GuessedMessage(Attack):
    """A request with a message that anybody may guess waits already when ours appears at the moment."""

    name: str = "guessed message"

    def impossible(self, kind: Kind) -> str:
        return "" if kind.by_message else "a message is no evidence for it: see copied message"

    def prepare(self, cell: Cell) -> None:
        guess = f"Please approve https://{cell.target.id.rpartition('/')[2]}.blob.core.windows.net"
        cell.forge(name="guess-" + cell.name, message=guess if cell.kind.random else cell.message).appear()
        cell.ask()

    def act(self, cell: Cell) -> None:
        cell.ours[0].appear()


@dataclass
class OursDeleted(Attack):
    """A twin waits beside ours, and ours is deleted at the moment."""

    name: str = "ours deleted"

    def prepare(self, cell: Cell) -> None:
        super().prepare(cell)
        cell.forge().appear()

    def act(self, cell: Cell) -> None:
        cell.ours.pop().withdraw()


@dataclass
class OursDeletedAlone(Attack):
    """Ours is deleted at the moment, and a twin appears in its place."""

    name: str = "ours deleted, twin in its place"

    def act(self, cell: Cell) -> None:
        cell.ours.pop().withdraw()
        cell.forge().appear()


@dataclass
class BetweenPages(Attack):
    """Ours is the first of the second page and a twin behind it; a stranger's on the first page goes between two pages."""

    name: str = "deleted between pages"
    target: str = "eventHubs"
    between_pages: bool = True

    def setup(self, play: Play) -> None:
        play.world.client.local("PUT", "quirks", {"smallPages": True})

    def prepare(self, cell: Cell) -> None:
        party = cell.kind.attacker
        for number in range(3):
            junk = person(party, cell.target, cell.group, name=f"junk-{cell.name}-{number}", message="?")
            cell.pass_for(junk).appear()
        super().prepare(cell)
        cell.forge().appear()

    def act(self, cell: Cell) -> None:
        cell.forged.pop(0).withdraw()

    def cleanup(self, play: Play) -> None:
        play.world.client.local("PUT", "quirks", {"smallPages": False})


@dataclass
class MadeAgain(Attack):
    """Ours is deleted and made again under its name at the moment; a twin takes part."""

    name: str = "made again under its name"

    def act(self, cell: Cell) -> None:
        cell.ours.pop().withdraw()
        cell.world.time.advance(IN_BETWEEN)
        cell.forge().appear()
        cell.ask(message=cell.kind.message()).appear()


@dataclass
class SameId(Attack):
    """Twins live in the same subscription of Microsoft's: one takes the very private endpoint id that ours leaves."""

    name: str = "same private endpoint id"
    approved: bool = False

    def impossible(self, kind: Kind) -> str:
        if isinstance(kind, People):
            return "whoever makes that id is in the requester's own subscription"
        return "a private endpoint of Data Explorer's has a GUID of its own in its name" if kind.by_message else ""

    def setup(self, play: Play) -> None:
        play.world.client.local("PUT", "quirks", {"oneManagedSubscription": True})

    def prepared(self, cell: Cell) -> None:
        if self.approved:
            cell.review()

    def act(self, cell: Cell) -> None:
        before = cell.of(cell.ours[0])
        cell.ours.pop().withdraw()
        twin = cell.forge()
        twin.appear()
        after = cell.of(twin)
        assert before
        assert after
        assert before["privateEndpointId"].lower() == after["privateEndpointId"].lower()
        cell.ask()  # it cannot be made while its id is taken

    def cleanup(self, play: Play) -> None:
        play.world.client.local("PUT", "quirks", {"oneManagedSubscription": False})


@dataclass
class UnlistedTenant(Attack):
    """The service keeps ours in a tenant that nobody has named; a twin appears in one that counts."""

    name: str = "unlisted tenant"
    tenant: str = field(default_factory=lambda: str(uuid.uuid4()))

    def impossible(self, kind: Kind) -> str:
        if kind.random and isinstance(self, UnlistedTenantLate):
            return "nobody knows a random message before its request is at the target"
        return "every stranger is in a tenant that is not listed: see twin late" if isinstance(kind, People) else ""

    def setup(self, play: Play) -> None:
        move_service(play)

    def prepared(self, cell: Cell) -> None:
        put_tenant(cell, cell.ours[0], self.tenant)

    def act(self, cell: Cell) -> None:
        cell.forge().appear()

    def over(self, play: Play) -> None:
        play.policy(endpointTenants=[*NAMED, self.tenant])


@dataclass
class UnlistedTenantLate(UnlistedTenant):
    """A twin waits where it counts, and ours appears at the moment, in a tenant that nobody has named."""

    name: str = "unlisted tenant, ours late"

    def prepare(self, cell: Cell) -> None:
        cell.forge().appear()
        cell.ask()

    def prepared(self, cell: Cell) -> None:
        """Nothing of ours is there yet."""

    def act(self, cell: Cell) -> None:
        cell.ours[0].appear()
        put_tenant(cell, cell.ours[0], self.tenant)


@dataclass
class UnknownTenant(Attack):
    """ARM does not tell the tenant of our private endpoint; a twin appears where it does."""

    name: str = "unknown tenant"
    faults: list[str] = field(default_factory=list)

    def setup(self, play: Play) -> None:
        move_service(play)

    def prepared(self, cell: Cell) -> None:
        shown = cell.of(cell.ours[0])
        assert shown
        subscription = shown["privateEndpointId"].split("/")[2]
        match = {"method": "GET", "pathRegex": f"^/subscriptions/{subscription}$"}
        answer = {"status": 404, "code": "SubscriptionNotFound"}
        fault = cell.world.client.local("POST", "faults", {"match": match, "times": 1_000_000, "answer": answer})
        self.faults.append(fault["id"])

    def act(self, cell: Cell) -> None:
        cell.forge().appear()

    def over(self, play: Play) -> None:
        for fault in self.faults:
            play.world.client.local("DELETE", f"faults/{fault}")
        play.world.time.advance(601)  # so long an unknown tenant is remembered


@dataclass
class TwoAtOnce(Attack):
    """A second request of ours and a twin of the first appear together."""

    name: str = "two at once"

    def act(self, cell: Cell) -> None:
        cell.ask(name=f"{cell.name}-2", message=cell.kind.message()).appear()
        cell.forge().appear()


@dataclass
class NameUsedAgain(Attack):
    """A key vault gives the connection of a private endpoint of the same name the same id: ours goes, a stranger's comes."""

    name: str = "connection name used again"
    target: str = "keyVault"

    def remains(self, cell: Cell) -> str:
        """Key Vault has no conditional write: what comes between the GET right before the PUT and the PUT is approved."""
        return "between the last read and the write" if cell.moment == "write 1" else ""

    def act(self, cell: Cell) -> None:
        shown = cell.of(cell.ours[0])
        assert shown
        cell.ours.pop().withdraw()
        name = shown["privateEndpointId"].rpartition("/")[2]
        forged = person(cell.kind.attacker, cell.target, cell.group, name=name, message=cell.message)
        cell.pass_for(forged).appear()
        again = cell.of(forged)
        assert again
        assert again["connectionId"] == shown["connectionId"]


@dataclass
class PersonDecides(Attack):
    """A person decides at the moment: on ours or on the twin beside it."""

    on: str = "ours"
    status: str = "Approved"
    alone: bool = False

    def prepare(self, cell: Cell) -> None:
        super().prepare(cell)
        if not self.alone:
            cell.forge().appear()

    def prepared(self, cell: Cell) -> None:
        if not self.alone:  # whoever decides overwrites a message that only the app may have seen
            cell.review()

    def act(self, cell: Cell) -> None:
        cell.decide((cell.ours if self.on == "ours" else cell.forged)[0], self.status)


def move_service(play: Play) -> None:
    """Our service in a region of its own, whose subscription of Microsoft's nobody else uses."""
    if isinstance(play.kind, ServiceKind):
        play.kind.region = f"region{uuid.uuid4().hex[:8]}"


def put_tenant(cell: Cell, asked: Asked, tenant: str) -> None:
    """The tenant of the subscription that a private endpoint lives in is another."""
    shown = cell.of(asked)
    assert shown
    subscription = shown["privateEndpointId"].split("/")[2]
    cell.world.client.local("PUT", f"subscriptions/{subscription}", {"tenantId": tenant})


def attacks() -> list[Attack]:
    """All of them, fresh."""
    return [
        TwinEarly(),
        TwinLate(),
        CopiedMessage(),
        GuessedMessage(),
        OursDeleted(),
        OursDeletedAlone(),
        BetweenPages(),
        MadeAgain(),
        SameId(),
        SameId(name="same private endpoint id, ours approved before", approved=True),
        UnlistedTenant(),
        UnlistedTenantLate(),
        UnknownTenant(),
        TwoAtOnce(),
        NameUsedAgain(),
        PersonDecides("a person approves ours", on="ours", status="Approved"),
        PersonDecides("a person rejects ours", on="ours", status="Rejected"),
        PersonDecides("a person approves ours, alone", on="ours", status="Approved", alone=True),
        PersonDecides("a person rejects ours, alone", on="ours", status="Rejected", alone=True),
        PersonDecides("a person approves the twin", on="twin", status="Approved"),
        PersonDecides("a person rejects the twin", on="twin", status="Rejected"),
    ]


ATTACKS = [attack.name for attack in attacks()]
