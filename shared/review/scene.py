"""One review at work on one target: what it read, and what it leaves for later. Shared by those who act in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from shared.azure.operations import WaitBudget
from shared.ledger.bindings import BoundEndpoint
from shared.ledger.intents import DECIDING, Intent
from shared.model.connection import Connection
from shared.model.requester import RequesterSide
from shared.resource_id import ResourceId
from shared.targets.adapter import TargetAdapter


@dataclass(slots=True)
class Scene:
    """One review at work on one target: what it read, and what it leaves for later.

    `sides`: what resources of requesters (by their key) answered in this review, so that each is asked once. `finished`
    intents are closed when their alerts are in the outbox: until then a crash must find them. `looked_at`: when
    the firewall work that was due was looked at; what falls due after that moment needs a message.
    """

    target: ResourceId
    adapter: TargetAdapter
    connections: tuple[Connection, ...]
    bound: dict[str, list[BoundEndpoint]]
    sides: dict[str, RequesterSide]
    intents: dict[str, Intent]
    patience: WaitBudget
    age: Callable[[], float]
    check_policy: Callable[[], None]
    retry_after: list[float] = field(default_factory=list)
    new_settles: list[Intent] = field(default_factory=list)
    finished: list[Intent] = field(default_factory=list)
    looked_at: datetime | None = None


def unfinished(intents: dict[str, Intent]) -> list[Intent]:
    """The intents whose connection is not known to be decided."""
    return [i for i in intents.values() if i.phase == DECIDING]
