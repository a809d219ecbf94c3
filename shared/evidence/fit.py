"""Whether a connection fits a managed endpoint: what the service gives the one, the other shows. Pure.

Decides on one pair at a time; what a fit proves depends on all that fit (`match`). Tenants are looked at there too.
"""

from __future__ import annotations

import re
from datetime import timedelta

from shared.model.connection import Connection
from shared.model.requester import ManagedEndpoint, Service, ServiceRequester
from shared.model.target_types import sub_resource_key
from shared.resource_id import fold

CLOCK_SKEW = timedelta(seconds=30)
"""How far the clocks of the app and of a requester's service may differ."""


def is_its_own(requester: ServiceRequester, connection: Connection, endpoint: ManagedEndpoint) -> bool:
    """Whether the connection carries what the service gives the endpoint: its message, or its whole name."""
    if requester.service is Service.KUSTO:
        message = connection.description if connection.message is None else connection.message
        return message == endpoint.request_message
    private_endpoint = connection.private_endpoint
    name = f"{requester.resource.name}.{endpoint.name}"
    return private_endpoint is not None and fold(private_endpoint.name) == fold(name)


def fits(requester: ServiceRequester, connection: Connection, endpoint: ManagedEndpoint) -> bool:
    """Whether the connection may be the endpoint's."""
    return is_its_own(requester, connection, endpoint) and _nothing_speaks_against(connection, endpoint)


def may_be(requester: ServiceRequester, connection: Connection, endpoint: ManagedEndpoint) -> bool:
    """As `fits`; and a Data Explorer connection that was decided before anybody saw its message counts by its name."""
    if fits(requester, connection, endpoint):
        return True
    forgotten = requester.service is Service.KUSTO and connection.message is None
    return forgotten and _is_named_after(connection, endpoint) and _nothing_speaks_against(connection, endpoint)


def _nothing_speaks_against(connection: Connection, endpoint: ManagedEndpoint) -> bool:
    """Both show the same sub-resource, where both show one, and the connection was not there before the endpoint."""
    shown = connection.sub_resource
    agrees = not shown or not endpoint.sub_resource or sub_resource_key(shown) == endpoint.sub_resource_key
    seen_at = connection.seen.at if connection.seen else None
    made_at = endpoint.created_at
    return agrees and not (seen_at is not None and made_at is not None and seen_at + CLOCK_SKEW < made_at)


def _is_named_after(connection: Connection, endpoint: ManagedEndpoint) -> bool:
    """Whether the private endpoint's name has the managed one's as a part: all that is known (facts/requesters.md, 1b)."""
    private_endpoint = connection.private_endpoint
    part = re.compile(rf"(?<![a-z0-9]){re.escape(fold(endpoint.name))}(?![a-z0-9])")
    return private_endpoint is not None and part.search(fold(private_endpoint.name)) is not None
