"""Ids in scope that name nothing: whoever makes the app look at them leaves nothing behind."""

from __future__ import annotations

import json
import uuid

import pytest
from azure.core.exceptions import ResourceNotFoundError

from shared.azure.leases import CONTAINER
from shared.resource_id import parse
from shared.triggers.http import JSON, Call
from shared.triggers.messages import ReviewMessage
from tests.functional.world import World, allow


@pytest.fixture
def hub(world: World) -> World:
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    return world


def lease_blobs(world: World) -> list[str]:
    """The blobs that reviews have left; a container that was never made holds none."""
    with world.app.storage.container(CONTAINER) as container:
        try:
            return [blob.name for blob in container.list_blobs()]
        except ResourceNotFoundError:
            return []


def fake(world: World) -> str:
    return f"{world.home.group}/providers/Microsoft.Storage/storageAccounts/fake{uuid.uuid4().hex[:12]}"


@pytest.mark.parametrize("cause", ["event", "sweep", "retry"])
def test_a_message_about_a_target_that_is_not_there_leaves_nothing(hub: World, cause: str) -> None:
    for _ in range(3):
        hub.queue.send(ReviewMessage(parse(fake(hub)), cause))
    hub.work()
    hub.later(120)

    assert lease_blobs(hub) == []
    assert (hub.rows("targets"), hub.rows("work"), hub.queue.waiting, hub.alerts()) == ([], [], [], [])


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_re_evaluation_of_a_target_that_is_not_there_leaves_nothing(hub: World, dry_run: bool) -> None:
    assert hub.reevaluate(fake(hub), dryRun=dry_run).status == 404
    assert hub.reevaluate(f"{fake(hub)}/privateEndpointConnections/c", dryRun=dry_run).status == 404

    assert lease_blobs(hub) == []
    assert hub.rows("targets") == []


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_restore_at_a_target_that_is_not_there_leaves_nothing(hub: World, dry_run: bool) -> None:
    body = json.dumps({"targetId": fake(hub), "dryRun": dry_run}).encode()

    assert hub.app.restoration.answer(Call(body, JSON)).status == 404

    assert lease_blobs(hub) == []
    assert hub.rows("targets") == []


def test_a_target_that_is_there_has_one_lease_blob(hub: World) -> None:
    account = hub.storage_account()
    hub.hub.endpoint(account, "blob")

    hub.wake(account)

    assert len(lease_blobs(hub)) == 1
