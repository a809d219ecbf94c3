"""What every form of firewall answers, and the words that they share. Pure.

A `FirewallState` is the part of a resource that is its firewall, as JSON of its own form with Azure's defaults filled in:
it can be kept in the ledger, compared, and written back. The same `step` leads to a tightened state and back again.
"""

from __future__ import annotations

import hashlib
import ipaddress
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
    """One request to ARM: `path` begins at the target, "" is the target itself.

    `asks` is the part of the body that is to change, where the body repeats more than the firewall; None: all of it.
    """

    method: str
    path: str = ""
    body: dict[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    asks: FirewallState | None = None

    @property
    def digest(self) -> str:
        """What is asked, in 32 hexadecimal digits: equal for a write that asks for the same once more.

        Neither headers (an ETag is new after every write) nor what Azure adds to a rule by itself make a difference.
        """
        asked = self.body if self.asks is None else self.asks
        return hashlib.sha256(f"{self.method} {self.path} {_canonical(asked)}".encode()).hexdigest()[:32]


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

    def restorable(self, state: FirewallState) -> FirewallState:
        """A state that was kept, as it may be put back: what this form knows, and nothing else (`shapes`).

        Raises:
            PermanentError: there is something else in it, with the code `KeptFirewallInvalid`.
        """
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


def rule_in_words(rule: Mapping[str, Any]) -> str:
    """What a network rule names, for people: an address, a subnet or a resource."""
    return next((f"{kind} {value}" for kind, value in _named(rule).items()), "a rule")


def differing(now: FirewallState, wanted: FirewallState) -> FirewallState:
    """The members of the wanted state that are not so now."""
    return {name: value for name, value in wanted.items() if not same(now.get(name), value)}


def same(one: Any, other: Any) -> bool:
    """Whether two states, or parts of them, say the same, however Azure writes it down.

    Rules compare by what they name: Azure may add all else by itself (`action`, whose only value and default is Allow;
    `state`; `ignoreMissingVnetServiceEndpoint`). Lists compare in any order, texts in any case, the words of a text
    (`bypass`) in any order, addresses with their length or without it (a key vault adds it), and what is absent is empty.
    """
    return _canonical(one) == _canonical(other)


def between(now: Any, seen: Any, wanted: Any) -> bool:
    """Whether our own requests on the way from the state `seen` to the state `wanted` explain the state `now`.

    They do if every member of it (of SQL servers: every rule) is as it was seen or as it is wanted. A request writes a
    list of rules as a whole, so a list counts as one. Where this is False somebody else has changed the firewall since.
    """
    if any(isinstance(state, dict) for state in (now, seen, wanted)):
        states = [state if isinstance(state, dict) else {} for state in (now, seen, wanted)]
        names = {name for state in states for name in state}
        return all(between(*(state.get(name) for state in states)) for name in names)
    return same(now, seen) or same(now, wanted)


def _named(rule: Mapping[str, Any]) -> dict[str, str]:
    """What a network rule names, by its kind: one entry, or none for what is no rule."""
    subnet = rule.get("subnet")
    found = {
        "ip": rule.get("value") or rule.get("ipMask"),
        "subnet": rule.get("id") or (subnet.get("id") if isinstance(subnet, dict) else None),
        "resource": rule.get("resourceId"),
    }
    return {kind: str(value) for kind, value in found.items() if value}


def _canonical(value: Any) -> str:
    """A text that is equal for what `same` holds for the same."""
    if isinstance(value, dict):
        members = (f"{json.dumps(name)}:{_canonical(value[name])}" for name in sorted(value) if not _empty(value[name]))
        return "{" + ",".join(members) + "}"
    if isinstance(value, list) or value is None:
        return "[" + ",".join(sorted(_canonical(_by_name(item)) for item in value or ())) + "]"
    if isinstance(value, str):
        return json.dumps(sorted(_word(word.strip()) for word in value.split(",")))
    return json.dumps(value)


def _empty(value: Any) -> bool:
    return value is None or value == []


def _by_name(item: Any) -> Any:
    """A rule as what it names (a resource may be named for one tenant); anything else as it is."""
    named = _named(item) if isinstance(item, dict) else {}
    return {**named, "tenant": item.get("tenantId")} if named else item


def _word(word: str) -> str:
    try:
        return str(ipaddress.ip_network(word, strict=False))
    except ValueError:
        return fold(word)
