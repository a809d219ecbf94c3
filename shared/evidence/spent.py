"""Which managed endpoints are spent: an approval of ours was bound to them, and may not be used again. Pure.

A binding holds until the approved connection is gone and the endpoint was seen absent or was made later. Endpoints that
nothing tells apart (one message for several) may be bound crosswise, so they are freed together: by how many connections
are gone, not by which.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from shared.model.connection import Connection
from shared.model.requester import Binding, ManagedEndpoint

CLOCK_SKEW = timedelta(seconds=30)
"""How far the clocks of the app and of a requester's service may differ."""


def may_be_reused(binding: Binding, endpoint: ManagedEndpoint | None, connections: Iterable[Connection]) -> bool:
    """Whether a spent endpoint may be used again: its connection is gone, and it was seen absent or was made later.

    A Pending connection under the same private endpoint id is not the one that was approved: it is a new request.
    """
    return not is_used(binding, connections) and _made_again(binding, endpoint)


def is_used(binding: Binding, connections: Iterable[Connection]) -> bool:
    """Whether the target still shows a connection of the bound private endpoint that is not Pending."""
    return any(c.private_endpoint_key == binding.private_endpoint_id and not c.pending for c in connections)


def is_own(binding: Binding, connection: Connection) -> bool:
    """Whether it is the very connection that the approval was for: the same under the same private endpoint."""
    ids = (connection.key, connection.private_endpoint_key)
    return ids == (binding.connection_id, binding.private_endpoint_id)


def standing(
    bindings: Iterable[Binding],
    endpoints: Iterable[ManagedEndpoint],
    connections: Sequence[Connection],
    alike: Callable[[ManagedEndpoint], str] = lambda endpoint: endpoint.id,
) -> dict[str, Binding]:
    """The bindings of one requester that hold, by endpoint id.

    Args:
        bindings: all of the requester's.
        endpoints: what its resource shows now.
        connections: the target's connections.
        alike: what endpoints have in common that nothing tells apart.
    """
    present = {e.id: e for e in endpoints}
    groups: defaultdict[str, list[Binding]] = defaultdict(list)
    for binding in bindings:
        endpoint = present.get(binding.endpoint_id)
        groups[alike(endpoint) if endpoint else f"absent {binding.endpoint_id}"].append(binding)
    return {b.endpoint_id: b for group in groups.values() for b in _standing(group, present, connections)}


def _standing(
    group: Sequence[Binding], present: Mapping[str, ManagedEndpoint], connections: Sequence[Connection]
) -> list[Binding]:
    """Of endpoints that are alike: those made again are free once as many connections are gone; the rest share what is."""
    again = [b for b in group if _made_again(b, present.get(b.endpoint_id))]
    gone = [b for b in group if not is_used(b, connections)]
    if len(gone) < len(again):  # it cannot be told which of them is free: only what is so by itself
        again = [b for b in again if b in gone]
    left = [b for b in again if b not in gone]  # their connections are there, so they belong to others of the group
    stand = []
    for binding in (b for b in group if b not in again):
        if left and binding in gone:
            stand.append(_moved(left.pop(), binding))
        else:
            stand.append(binding)
    return stand


def _moved(binding: Binding, to: Binding) -> Binding:
    """The connection of one binding bound to the endpoint of another."""
    return replace(
        to,
        private_endpoint_id=binding.private_endpoint_id,
        connection_id=binding.connection_id,
        intent_open=binding.intent_open,
        tenant_id=binding.tenant_id,
    )


def _made_again(binding: Binding, endpoint: ManagedEndpoint | None) -> bool:
    if binding.absent_since is not None:
        return True
    made_at = endpoint.created_at if endpoint else None
    return made_at is not None and made_at > binding.bound_at + CLOCK_SKEW
