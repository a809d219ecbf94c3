"""Impostors through the whole review, over the wire: nobody gets in, ours does, and each decision says why."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.attacks.services import NAMED, SERVICES, Managed, Owner, twin_of
from tests.functional.estate import Json, Party, Request, Target
from tests.functional.world import World, allow

AT_THE_TARGET, READY = 61, 200
"""Seconds after which every service's connection is at its target, and after which its endpoint is ready."""

Impostor = Request | Managed


@dataclass
class Scene:
    """One endpoint of ours to one target, and who wants to pass for it."""

    world: World
    service: str
    target: Target
    group: str
    message: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    name: str = field(default_factory=lambda: f"mpe-{uuid.uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.ours = Owner.make(self.world.azure, self.service, self.world.home.subscription)
        more = {"requireMessage": True} if self.by_message else {}
        self.world.policy({"ours": self.ours.requester(endpointTenants=NAMED, **more)}, allow("ours"))

    @property
    def by_message(self) -> bool:
        return self.service == "kusto"

    @property
    def whole_name(self) -> str:
        return self.name if self.by_message else f"{self.ours.name}.{self.name}"

    def ask(self) -> Managed:
        return self.ours.ask(self.target, self.group, name=self.name, message=self.message)

    def person(self, name: str = "") -> Request:
        """A person in a tenant of their own, with all that we have."""
        message = self.message if self.by_message else ""
        return self.world.stranger().endpoint(self.target, self.group, message=message, name=name or self.whole_name)

    def twin(self) -> Managed:
        return twin_of(self.ours).ask(self.target, self.group, name=self.name, message=self.message)

    def customer(self, owner: str, name: str, message: str = "") -> Managed:
        """Another customer of the same service."""
        subscription, tenant = str(uuid.uuid4()), str(uuid.uuid4())
        evil = Owner.make(self.world.azure, self.service, subscription, tenant=tenant, name=owner)
        return evil.ask(self.target, self.group, name=name, message=message)

    def check(self, impostor: Impostor) -> str:
        """The first failed check in the newest decision on an impostor."""
        request = impostor.request if isinstance(impostor, Managed) else impostor
        found = [d for d in self.world.recorded(self.target) if d["connectionId"] == request.connection_id]
        newest: Json = found[0]
        assert newest["outcome"] == "held"
        return str(newest["reasons"][0]["check"])


@pytest.fixture(params=[(service, kind) for service in SERVICES for kind in ("storage", "eventHubs")],
                ids=lambda one: "-".join(one))  # fmt: skip
def scene(request: pytest.FixtureRequest, world: World) -> Scene:
    service, kind = request.param
    storage = kind == "storage"
    target = world.storage_account() if storage else world.namespace()
    return Scene(world, service, target, "blob" if storage else "namespace")


STRANGERS: dict[str, tuple[Callable[[Scene], Impostor], str, str]] = {
    "all of it in a tenant of their own": (lambda s: s.person(), "tenant", "tenant"),
    "our name inside another": (lambda s: s.customer(f"{s.ours.name}x", s.name), "requester", "evidence.message"),
    "our name behind another": (lambda s: s.customer(f"x{s.ours.name}", s.name), "requester", "evidence.message"),
    "our endpoint's name": (lambda s: s.customer("", s.name), "requester", "evidence.message"),
    "a part of the message": (lambda s: s.customer("", s.name, s.message[:-1]), "requester", "evidence.message"),
    "the app's own stamp": (
        lambda s: s.customer("", s.name, "Approved by Private Endpoint Approver: rule allow-ours, decision 1"),
        "requester",
        "evidence.message",
    ),
}


@pytest.mark.parametrize("who", STRANGERS)
def test_who_does_not_pass_for_ours_stays_pending_and_ours_is_approved(scene: Scene, who: str) -> None:
    make, by_name, by_message = STRANGERS[who]
    impostor, ours = make(scene), scene.ask()
    scene.world.time.advance(READY)

    scene.world.wake(scene.target)

    assert (impostor.status, ours.status) == ("Pending", "Approved")
    assert scene.check(impostor) == (by_message if scene.by_message else by_name)


def test_a_perfect_impostor_that_comes_before_ours_is_ready_stays_pending(scene: Scene) -> None:
    if scene.by_message:
        pytest.skip("whoever knows a random message before its request arrives is believed: docs/security.md")
    twin = scene.twin()
    scene.world.time.advance(AT_THE_TARGET)
    ours = scene.ask()

    scene.world.wake(scene.target)
    assert scene.check(twin) == "evidence.notReady"
    scene.world.later(READY)

    assert (twin.status, ours.status) == ("Pending", "Pending")
    assert scene.check(twin) == "evidence.ambiguous"


def test_a_perfect_impostor_beside_ours_holds_both_until_it_is_gone(scene: Scene) -> None:
    ours, twin = scene.ask(), scene.twin()
    scene.world.time.advance(READY)
    scene.world.wake(scene.target)
    assert (twin.status, ours.status) == ("Pending", "Pending")
    assert scene.check(twin) == scene.check(ours) == "evidence.ambiguous"

    twin.delete()
    scene.world.time.advance(AT_THE_TARGET)
    scene.world.wake(scene.target)

    assert ours.status == "Approved"


def test_a_perfect_impostor_that_comes_after_ours_finds_it_spent(scene: Scene) -> None:
    ours = scene.ask()
    scene.world.time.advance(READY)
    scene.world.wake(scene.target)
    twin = scene.twin()
    scene.world.time.advance(READY)

    scene.world.wake(scene.target)

    assert (twin.status, ours.status) == ("Pending", "Approved")
    assert scene.check(twin) == "evidence.spent"


def test_the_right_name_at_another_target_stays_pending(scene: Scene) -> None:
    other = scene.world.storage_account()
    scene.ours.ask(other, "blob", name=scene.name, message=scene.message)
    twin = scene.twin()
    scene.world.time.advance(READY)

    scene.world.wake(scene.target)

    assert twin.status == "Pending"
    assert scene.check(twin) == "evidence.notFound"


def test_an_impostor_does_not_inherit_what_ours_leaves_behind(scene: Scene) -> None:
    ours = scene.ask()
    scene.world.time.advance(READY)
    scene.world.wake(scene.target)
    ours.delete()
    scene.world.time.advance(AT_THE_TARGET)
    scene.world.sweep()
    twin = scene.twin()
    scene.world.time.advance(READY)

    scene.world.wake(scene.target)

    assert twin.status == "Pending"
    assert scene.check(twin) == "evidence.notFound"


def test_people_are_no_service_and_a_service_is_no_people(world: World) -> None:
    party: Party = world.partner
    ours = Owner.make(world.azure, "dataFactory", world.home.subscription)
    world.policy({"partner": party.requester(), "ours": ours.requester()}, allow("partner"), allow("ours"))
    account = world.storage_account()
    person = party.endpoint(account, "blob", name=f"{ours.name}.mpe")
    stranger = world.stranger().endpoint(account, "blob", name=f"{ours.name}.mpe")
    twin = twin_of(ours).ask(account, "blob", name="mpe")
    world.time.advance(READY)

    world.wake(account)

    assert (person.status, stranger.status, twin.status) == ("Approved", "Pending", "Pending")
