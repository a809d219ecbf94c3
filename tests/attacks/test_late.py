"""Between the list that is decided on and the write a lot can happen: what is written is still what was decided on."""

from __future__ import annotations

import uuid

import pytest

from shared.resource_id import parse
from shared.settings import read_settings
from shared.triggers.messages import ReviewMessage
from tests.attacks.cells import KEY_VAULT
from tests.attacks.interrupted import InterruptedApp
from tests.attacks.moments import moments
from tests.attacks.services import Owner
from tests.functional.estate import NETWORK, READY, Target
from tests.functional.world import World, allow


class KeyVaults:
    """A key vault, whose connections are named after their private endpoints and can be used again."""

    def __init__(self, world: World) -> None:
        self.world = world
        vault = f"{world.home.group}/providers/Microsoft.KeyVault/vaults/kv{uuid.uuid4().hex[:18]}"
        properties = {"tenantId": str(uuid.uuid4()), "sku": {"family": "A", "name": "standard"}}
        world.azure.arm("PUT", vault, KEY_VAULT, {"location": "westeurope", "properties": properties})
        self.target = Target(world.azure, vault, KEY_VAULT)

    def connection(self, endpoint: str) -> str:
        """The id of a private endpoint's connection."""
        return f"{self.target.id}/privateEndpointConnections/{endpoint}-conn"

    def shown(self, endpoint: str) -> tuple[str, str]:
        """Its status, and the subscription of its private endpoint."""
        found = self.world.azure.arm("GET", self.connection(endpoint), KEY_VAULT)["properties"]
        return found["privateLinkServiceConnectionState"]["status"], found["privateEndpoint"]["id"].split("/")[2]

    def delete(self, endpoint: str) -> None:
        """Somebody deletes it at the vault."""
        self.world.azure.arm("DELETE", self.connection(endpoint), KEY_VAULT)


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


def test_an_approval_that_reached_a_stranger_while_it_ran_on_is_alerted_until_somebody_rejects_it(world: World) -> None:
    vault = KeyVaults(world)
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    genuine = world.hub.endpoint(vault.target, "vault", name="pe")
    stranger = world.stranger()

    def take_the_name() -> None:
        world.azure.arm("DELETE", genuine.id, NETWORK, tenant=world.hub.tenant)
        stranger.endpoint(vault.target, "vault", name="pe")

    with moments(world.client) as moment, moment.before_call(0, take_the_name, method="PUT"):
        world.app.message_handler.handle(ReviewMessage(parse(vault.target.id), "event"), None)
    world.later(120)

    assert vault.shown(genuine.id.rpartition("/")[2]) == ("Approved", stranger.subscription)
    assert [a["subject"] for a in world.alerts() if a["type"].endswith("ApprovalFailed")][-1:] == [
        vault.connection("pe")
    ]
    world.time.advance(3600)
    world.sweep()
    open_now = [state.type for state in world.conditions() if state.active]
    assert open_now == ["ApprovalFailed"]

    vault.delete("pe")
    for _ in range(2):  # what is gone is believed on the second look
        world.wake(vault.target)
        world.later(61)

    assert not [state for state in world.conditions() if state.active]
