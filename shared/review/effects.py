"""What a plan asks to be done to Azure. Pure values; `carry_out` does it, after the plan was committed."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.model.connection import Connection
from shared.targets.firewalls.form import Request


@dataclass(frozen=True, slots=True)
class Decide:
    """PUT a connection with a new status and description. `connection` is what was decided on."""

    key: str
    connection: Connection
    status: str
    description: str


@dataclass(frozen=True, slots=True)
class FollowDecision:
    """Follow ARM's operation on a connection, then read the connection back. `retry_after`: what ARM asked to wait first."""

    key: str
    connection: Connection
    operation: str = field(repr=False)
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class WriteFirewall:
    """Send one request of a firewall, then read the firewall back."""

    request: Request


@dataclass(frozen=True, slots=True)
class FollowFirewall:
    """Follow ARM's operation on a firewall, then read the firewall back. `retry_after` as above."""

    operation: str = field(repr=False)
    retry_after: float | None = None


Effect = Decide | FollowDecision | WriteFirewall | FollowFirewall
