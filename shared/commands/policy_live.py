"""The policy's commands on what is in Azure now (`explain --connection`, `simulate --live`). Reads only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from shared.commands.live import Live
from shared.commands.simulate import Simulated, compare, simulate_target
from shared.commands.terminal import UnusableError, plain
from shared.errors import ApproverError
from shared.model.connection import Connection
from shared.model.situation import Situation
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


@contextmanager
def _azure() -> Iterator[Live]:
    """Azure as it is now; what goes wrong there is told in a line."""
    try:
        yield Live(os.environ)
    except (ApproverError, InvalidSettingsError) as error:
        raise UnusableError([plain(error)], 2) from error
