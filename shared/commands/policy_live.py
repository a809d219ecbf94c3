"""The policy's commands on what is in Azure now (`explain --connection`, `simulate --live`). Reads only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from shared.commands.live import Live
from shared.commands.requests import exported
from shared.commands.simulate import Simulated, compare, simulate_target
from shared.commands.terminal import UnusableError, plain
from shared.errors import ApproverError
from shared.model.connection import Connection
from shared.model.situation import Situation
from shared.policy.language.findings import PolicyError
from shared.policy.rules import Policy
from shared.resource_id import ResourceId
from shared.settings import InvalidSettingsError


def live_connection(connection_id: ResourceId, policy: Policy) -> tuple[Situation, Connection]:
    """A Pending connection and the situation of its target. Raises UnusableError."""
    with _azure() as azure:
        situation = azure.situation(policy, connection_id.parent)
    connection = next((c for c in situation.connections if c.key == connection_id.key), None)
    if connection is None or not connection.pending:
        found = f"is {connection.status}" if connection else "is not there"
        raise UnusableError([f"{connection_id} {found}: only a Pending connection is decided on"], 2)
    return situation, connection


def simulate_live(policy: Policy, against: Policy | None, scope: ResourceId | None, today: date) -> Iterator[Simulated]:
    """Every Pending connection of the policy's scope, or of a part of it. Raises UnusableError.

    Each policy decides on a situation of its own: it says whose requesters are asked.
    """
    with _azure() as azure:
        for target in azure.targets(policy, scope):
            simulated = simulate_target(azure.situation(policy, target), policy, today)
            if against:
                simulated = compare(simulated, simulate_target(azure.situation(against, target), against, today))
            yield from simulated


def export_live(scope: ResourceId | None) -> Iterator[dict[str, Any]]:
    """What is Pending in Azure now as REQUESTs, read as the policy in force would have it read. Raises UnusableError."""
    with _azure() as azure:
        policy = azure.policy()
        for situation in azure.situations(policy, scope):
            yield from exported(azure.tagged(situation), policy)


@contextmanager
def _azure() -> Iterator[Live]:
    """Azure as it is now; what goes wrong there is told in a line."""
    try:
        yield Live(os.environ)
    except (ApproverError, InvalidSettingsError, PolicyError) as error:
        raise UnusableError([plain(error)], 2) from error
