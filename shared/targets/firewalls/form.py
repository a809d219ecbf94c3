"""What every form of firewall answers, and the words that they share. Pure.

A `FirewallState` is the part of a resource that is its firewall, as JSON of its own form with Azure's defaults filled in:
it can be kept in the ledger, compared, and written back. The same `step` leads to a tightened state and back again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.model.firewall import Firewall
from shared.resource_id import fold

FirewallState = dict[str, Any]
Parts = Mapping[str, Any]
"""What was read: "" is the resource itself, other keys are the paths of its children (an object, or a list of all)."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request to ARM: `path` begins at the target, "" is the target itself."""

    method: str
    path: str = ""
    body: dict[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Form(Protocol):
    """One form of firewall."""

    @property
    def objects(self) -> tuple[str, ...]:
        """The paths of children that hold a part of it."""
        ...

    @property
    def collections(self) -> tuple[str, ...]:
        """The paths of lists of children that hold a part of it."""
        ...

    def state(self, parts: Parts) -> FirewallState:
        """The firewall in what was read."""
        ...

    def to_firewall(self, state: FirewallState) -> Firewall:
        """A state in words."""
        ...

    def tightened(self, state: FirewallState, wanted: Firewall) -> FirewallState:
        """The state with public access, default action and trusted services as wanted, and every rule kept."""
        ...

    def step(self, parts: Parts, wanted: FirewallState) -> Request | None:
        """The next request on the way from what was read to the wanted state; None when it is reached."""
        ...

    def obstacle(self, parts: Parts) -> str | None:
        """Why this resource must not be written, in words."""
        ...


class SimpleForm:
    """The parts of a form that most need not say."""

    objects: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()

    def obstacle(self, parts: Parts) -> str | None:
        """See `Form`."""
        del parts
        return None


def properties_of(parts: Parts, path: str = "") -> dict[str, Any]:
    """The `properties` of a part."""
    found: dict[str, Any] = parts[path].get("properties") or {}
    return found


def access_of(properties: Mapping[str, Any]) -> FirewallState:
    """`publicNetworkAccess` as Azure writes it today; absent, or empty, means Enabled."""
    word = str(properties.get("publicNetworkAccess") or "Enabled")
    known = (w for w in ("Enabled", "Disabled", "SecuredByPerimeter") if fold(w) == fold(word))
    return {"publicNetworkAccess": next(known, word)}


def default_action(value: object) -> str:
    """`defaultAction`; absent means Allow."""
    return "Deny" if fold(str(value or "")) == "deny" else "Allow"


def differing(now: FirewallState, wanted: FirewallState) -> FirewallState:
    """The members of the wanted state that are not so now."""
    return {name: value for name, value in wanted.items() if name not in now or not same(now[name], value)}


def same(one: Any, other: Any) -> bool:
    """Whether two states, or parts of them, say the same: lists in any order, texts in any case (Azure changes both)."""
    return _canonical(one) == _canonical(other)


def _canonical(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_canonical(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(sorted(_canonical(item) for item in value)) + "]"
    return fold(json.dumps(value))
