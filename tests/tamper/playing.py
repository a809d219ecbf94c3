"""Playing one case: the tables are not as the app left them, and the app goes on: two sweeps, their messages, a person."""

from __future__ import annotations

import os
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from unittest.mock import patch

from shared.azure.pinned import origin
from shared.commands.ledger import main
from shared.resource_id import fold
from tests.functional.estate import Json
from tests.tamper.stage import Stage
from tests.tamper.wire import Sent, listened

FORM = {"publicNetworkAccess", "networkAcls"}
"""The keys that are a storage account's firewall: all that the app may write of it."""

STATE = {"privateEndpoint", "privateLinkServiceConnectionState", "provisioningState"}
"""The keys of a connection, which is read, decided and written back."""


@dataclass
class Seen:
    """What came of a case. `verified`: the exit status of `verify`, and what it said."""

    stage: Stage
    verified: int
    said: str
    sent: list[Sent] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def failed(self, subject: str) -> list[str]:
        """The titles of `ReviewFailed` about a subject."""
        found = [e for e in self.events if e["type"].endswith(".ReviewFailed") and fold(e["subject"]) == fold(subject)]
        return [event["data"]["title"] for event in found]


def verified(stage: Stage) -> tuple[int, str]:
    """What `python -m shared.ledger verify` answers."""
    said = StringIO()
    with patch.dict(os.environ, stage.world.settings), redirect_stdout(said), redirect_stderr(StringIO()):
        return main(["verify"]), said.getvalue()


def play(stage: Stage) -> Seen:
    """Go on with the tables as they are. Whatever a sweep or a message's handling raises is raised."""
    world = stage.world
    before = len(world.topic_events())
    seen = Seen(stage, *verified(stage))
    with listened() as seen.sent:
        for _ in range(2):
            world.sweep()
            world.later(60)
        seen.answers += [world.reevaluate(target).status for target in (stage.target, stage.elsewhere)]
        world.later(60)
    seen.events = stage.told(before)
    return seen


def nothing_gained(seen: Seen) -> None:
    """Nobody was approved who would not have been, nothing was opened, nothing else written, nothing asked elsewhere."""
    stage = seen.stage
    assert [stage.stranger.status, stage.copy.status] == ["Pending", "Pending"]
    assert stage.target.firewall["publicNetworkAccess"] == "Disabled"
    only_its_form(seen)
    only_at_home(seen)


def others_go_on(seen: Seen) -> None:
    """Another target's genuine request was approved in the sweep."""
    assert seen.stage.asks.status == "Approved"


def only_its_form(seen: Seen) -> None:
    """Every write of ARM's is a decision on a connection, or of a firewall its own keys; nothing but POST reads."""
    stage = seen.stage
    targets = [fold(t.id) for t in (stage.target, stage.other, stage.elsewhere)]
    for sent in _of_arm(seen):
        if sent.method in ("GET", "HEAD") or _is_read(sent):
            continue
        assert sent.method in ("PUT", "PATCH"), sent
        target, _, connection = fold(sent.path).partition("/privateendpointconnections/")
        assert target in targets, sent
        assert set(sent.body) - {"id", "name", "type"} == {"properties"}, sent
        assert set(sent.body["properties"]) <= (STATE if connection else FORM), sent


def only_at_home(seen: Seen) -> None:
    """Every request went to a host of the app's, and with a token only below subscriptions that it may look at."""
    stage = seen.stage
    arm = origin(stage.world.client.url)
    mine = {arm, *storage_origins(stage)}
    assert {sent.origin for sent in seen.sent} <= mine
    ours = [f"/subscriptions/{one}" for one in (stage.world.home.subscription, stage.world.hub.subscription)]
    for sent in _of_arm(seen):
        if sent.token and sent.path.startswith("/subscriptions/"):
            assert any(sent.path.startswith(one) for one in ours), sent


def storage_origins(stage: Stage) -> set[str]:
    """Where the app's storage is."""
    fields = dict(part.split("=", 1) for part in stage.world.settings["AzureWebJobsStorage"].split(";") if part)
    return {origin(fields[f"{service}Endpoint"]) for service in ("Blob", "Queue", "Table")}


def _of_arm(seen: Seen) -> list[Sent]:
    arm = origin(seen.stage.world.client.url)
    return [s for s in seen.sent if s.origin == arm and not s.path.startswith(("/topics/", "/identity"))]


def _is_read(sent: Sent) -> bool:
    return sent.method == "POST" and sent.path.endswith("/providers/Microsoft.ResourceGraph/resources")
