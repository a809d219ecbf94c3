"""An event in, the target that it is about out, or nothing. Pure; an event is a hint and never evidence.

Event Grid's schema and CloudEvents 1.0 carry the same `data`
(https://learn.microsoft.com/azure/event-grid/event-schema-subscriptions). Whole events are never logged, for they hold the
caller's claims; of what an event's sender chose, only what `shown` answers is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.model.target_types import is_target
from shared.resource_id import InvalidResourceIdError, ResourceId, fold, parse

WRITES = frozenset({"microsoft.resources.resourcewritesuccess", "microsoft.resources.resourceactionsuccess"})
CHANGES = frozenset({"microsoft.resourcenotifications.resources.createdorupdated"})
CHILDREN = frozenset({"privateendpointconnectionproxies", "privateendpointconnections"})


LONGEST_EVENT_ID = 200
"""Longer ids of events are cut: Event Grid's own are GUIDs, and a queue message holds 48 KiB."""


class MalformedEventError(ValueError):
    """An event of a type that we know without the id that it should have. The text repeats nothing of it but that id."""


def shown(text: object, most: int = 80) -> str:
    """A text that others chose as it may stand in a line of the log: cut, in quotes, without line breaks of its own."""
    whole = str(text)
    return repr(whole if len(whole) <= most else whole[:most] + "…")


def target_of(event_type: str | None, subject: str | None, data: Any) -> ResourceId | None:
    """The target that an event is about.

    Args:
        event_type: `eventType`, or `type` of a CloudEvent.
        subject: the event's subject: the id that it is about.
        data: the event's data.

    Returns:
        The target, None for an event about anything else.

    Raises:
        MalformedEventError: the event should name a resource and does not.
    """
    kind = fold(event_type or "")
    if kind in WRITES:
        return _of_write(_uri(subject, data, "resourceUri"))
    if kind in CHANGES:
        info = data.get("resourceInfo") if isinstance(data, Mapping) else None
        resource = _uri(subject, info, "id")
        return resource if is_target(resource) else None
    return None


def _of_write(resource: ResourceId) -> ResourceId | None:
    """The target above a connection or its proxy; `.../proxies/{p}/validate` is an action on the proxy itself."""
    types = resource.type.split("/")
    if len(types) != 3 or fold(types[2]) not in CHILDREN or not is_target(resource.top):
        return None
    return resource.top


def _uri(subject: str | None, data: Any, name: str) -> ResourceId:
    """The id in the data, or else the subject (`resourceUri` may carry a deployment's temporary name)."""
    problem: InvalidResourceIdError | None = None
    for text in (data.get(name) if isinstance(data, Mapping) else None, subject):
        try:
            return parse(text.removesuffix("/validate") if isinstance(text, str) else text)
        except InvalidResourceIdError as error:
            problem = problem or error
    raise MalformedEventError(f"{name}: {problem}")
