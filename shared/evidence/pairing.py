"""Pairing connections with managed endpoints one to one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shared.evidence.ties import named_after
from shared.model.connection import Connection
from shared.model.requester import ManagedEndpoint


def pair(
    connections: Sequence[Connection],
    endpoints: Sequence[ManagedEndpoint],
    fits: Callable[[Connection, ManagedEndpoint], bool],
) -> dict[str, ManagedEndpoint] | None:
    """A one-to-one pairing of all connections with endpoints that fit: by name where that is possible, else by order."""
    named = _matching(connections, endpoints, lambda c, e: fits(c, e) and named_after(c, e))
    return named or _matching(connections, endpoints, fits)


def _matching(
    connections: Sequence[Connection],
    endpoints: Sequence[ManagedEndpoint],
    fits: Callable[[Connection, ManagedEndpoint], bool],
) -> dict[str, ManagedEndpoint] | None:
    """A perfect matching (augmenting paths), None where there is none."""
    paired: dict[int, Connection] = {}

    def place(connection: Connection, tried: set[int]) -> bool:
        for i, endpoint in enumerate(endpoints):
            if i not in tried and fits(connection, endpoint):
                tried.add(i)
                if i not in paired or place(paired[i], tried):
                    paired[i] = connection
                    return True
        return False

    if not all(place(c, set()) for c in connections):
        return None
    return {c.key: endpoints[i] for i, c in paired.items()}
