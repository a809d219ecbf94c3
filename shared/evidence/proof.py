"""What a requester's side says about a connection, and how a failed check is worded. Pure values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.model.check import Certainty, Check, FailedCheck
from shared.model.connection import Connection
from shared.model.requester import ManagedEndpoint
from shared.model.situation import Situation


@dataclass(frozen=True, slots=True)
class Proof:
    """What a requester's side says about one Pending connection.

    Args:
        endpoint: the endpoint that the connection is proven to belong to; None: not proven.
        sub_resources: those (folded) of every endpoint it could belong to; a rule must allow all of them.
        failed: the check that failed, None when proven.
        claimed: it passes for this requester's: by its name, by where it lives, or by what it carries.
    """

    endpoint: ManagedEndpoint | None = None
    sub_resources: frozenset[str] = frozenset()
    failed: FailedCheck | None = None
    claimed: bool = True


def unknown_tenant(expected: str, connection: Connection, situation: Situation) -> FailedCheck:
    """The failed check of a connection whose tenant is not known: for good, or only for now."""
    if situation.may_tell_later(connection):
        return FailedCheck(Check.UNREADABLE, expected, "a tenant that cannot be read for now", Certainty.WAITING)
    return FailedCheck(Check.TENANT, expected, None, Certainty.UNKNOWN)


def unproven(check: Check, expected: str, found: str | None, certainty: Certainty = Certainty.CERTAIN) -> Proof:
    """A failed check of what passes for the requester's."""
    return Proof(failed=FailedCheck(check, expected, found, certainty))


def states(endpoints: Iterable[ManagedEndpoint]) -> str:
    """The endpoints' states for a reason text, without their messages (a random one is worth keeping secret)."""
    return ", ".join(
        f"{e.name} for {e.sub_resource or 'no sub-resource'}: {e.provisioning_state}"
        + ("" if e.connection_status is None else f"/{e.connection_status or 'no state yet'}")
        + ("" if e.stable else " (changed while it was read)")
        for e in endpoints
    )
