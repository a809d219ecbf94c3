"""What a firewall needs to become as strict as a wish, computed anew from each reading. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from shared.model.connection import Connection
from shared.model.decision import FirewallOutcome, FirewallResult
from shared.model.firewall import Change, FirewallWish, difference
from shared.model.target_types import type_of
from shared.resource_id import ResourceId
from shared.review.preflight import preflight
from shared.targets.adapter import FirewallReading


def change_of(target: ResourceId, reading: FirewallReading, wish: FirewallWish) -> Change:
    """What there is to write, and whether this resource may be written at all."""
    change = difference(reading.firewall, wish, type_of(target))
    return Change(problem=reading.obstacle) if change.after is not None and reading.obstacle else change


def foretold(
    target: ResourceId, reading: FirewallReading, wish: FirewallWish, connections: Iterable[Connection]
) -> FirewallOutcome:
    """What tightening would come to, without writing anything (audit mode, dry runs, before the settling time)."""
    change = change_of(target, reading, wish)
    before = reading.firewall.shown()
    sentences = preflight(reading.firewall, change, type_of(target), connections)
    if change.problem is not None:
        return FirewallOutcome(FirewallResult.FAILED, before, None, change.problem, sentences)
    result = FirewallResult.TIGHTENED if change.after else FirewallResult.UNCHANGED
    return FirewallOutcome(result, before, (change.after or reading.firewall).shown(), preflight=sentences)
