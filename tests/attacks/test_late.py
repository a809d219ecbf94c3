"""Between the list that is decided on and the write a lot can happen: what is written is still what was decided on."""

from __future__ import annotations

import pytest

from shared.settings import read_settings
from tests.attacks.interrupted import InterruptedApp
from tests.attacks.services import Owner
from tests.functional.estate import READY
from tests.functional.world import World, allow


@pytest.fixture
def app(world: World) -> InterruptedApp:
    """The world's app, with something between its reads."""
    settings = read_settings(world.settings)
    world.app = InterruptedApp(settings, root=world.folder, clocks=world.time.clocks, messages=world.queue)
    return world.app


def test_a_request_that_a_person_rejects_while_a_slow_review_reads_on_is_not_approved_over_it(
    world: World, app: InterruptedApp
) -> None:
    ours = Owner.make(world.azure, "kusto", world.home.subscription)
    world.policy({"ours": ours.requester()}, allow("ours"))
    namespace, stranger = world.namespace(), world.stranger()
    genuine = ours.ask(namespace, "namespace")
    world.time.advance(READY)
    app.sides.after = lambda: stranger.endpoint(namespace, "namespace") and None

    world.wake_meanwhile(
        namespace, "GET", f"/subscriptions/{stranger.subscription}$", lambda: genuine.request.decide("Rejected")
    )

    assert genuine.status == "Rejected"
    assert world.writes() == []
