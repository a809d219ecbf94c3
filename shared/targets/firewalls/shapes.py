"""The shape of the firewall states that may be put back: what a form does not know is refused. Pure.

A state that was kept is put back as requests to ARM, so whoever could write the ledger could write anything: a storage
account's `allowSharedKeyAccess`, a vault's `accessPolicies`. A shape answers what is known and raises for everything else;
of a rule it drops the fields that are not its own (Azure may have added them). It cannot tell a rule that was never there,
be it for the whole internet, from one that was: that the row is the app's own is for the ledger's authentication to prove.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from shared.errors import PermanentError
from shared.resource_id import fold

Shape = Callable[[Any, str], Any]
"""A value and where it stands, the value as far as it is known out.

Raises:
    PermanentError: with the code `KeptFirewallInvalid`.
"""


def one_of(*words: str) -> Shape:
    """One of these words, in any case."""

    def shape(value: Any, where: str) -> str:
        for word in words:
            if isinstance(value, str) and fold(value) == fold(word):
                return word
        raise _refusal(f"{where} is none of {', '.join(words)}")

    return shape


def words_of(*words: str) -> Shape:
    """Some of these words, separated by commas."""
    word = one_of(*words)

    def shape(value: Any, where: str) -> str:
        return ", ".join(word(one.strip(), where) for one in text(value, where).split(","))

    return shape


def text(value: Any, where: str) -> str:
    """A text."""
    if not isinstance(value, str) or not value:
        raise _refusal(f"{where} is not a text")
    return value


def segment(value: Any, where: str) -> str:
    """A name that becomes a segment of a path: one that would lead elsewhere is refused."""
    name = text(value, where)
    if name in (".", ".."):
        raise _refusal(f"{where} has a rule with the name {name}")
    return name


def flag(value: Any, where: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise _refusal(f"{where} is not true or false")
    return value


def address_range(value: Any, where: str) -> list[str]:
    """The first and the last address of a range."""
    ends = list_of(text)(value, where)
    try:
        first, last = map(ipaddress.IPv4Address, ends)
    except ValueError as error:
        raise _refusal(f"{where} is not a first and a last address") from error
    if first > last:
        raise _refusal(f"{where} ends before it begins")
    return [str(first), str(last)]


def list_of(item: Shape) -> Shape:
    """A list."""

    def shape(value: Any, where: str) -> list[Any]:
        if not isinstance(value, list):
            raise _refusal(f"{where} is not a list")
        return [item(one, f"{where}[{index}]") for index, one in enumerate(value)]

    return shape


def named_by(name: Shape, item: Shape) -> Shape:
    """An object whose members have names of one shape and values of another."""

    def shape(value: Any, where: str) -> dict[str, Any]:
        return {name(key, where): item(one, f"{where}.{key}") for key, one in _object(value, where).items()}

    return shape


def members(required: Mapping[str, Shape], **optional: Shape) -> Shape:
    """An object with these members and no others."""

    def shape(value: Any, where: str) -> dict[str, Any]:
        found = _object(value, where)
        if unknown := sorted({*found} - {*required, *optional}):
            raise _refusal(f"{where} has {', '.join(unknown)}, which the firewall of this type does not have")
        if missing := sorted({*required} - {*found}):
            raise _refusal(f"{where} lacks {', '.join(missing)}")
        known = {**required, **optional}
        return {name: known[name](one, f"{where}.{name}") for name, one in found.items()}

    return shape


def rule(required: Mapping[str, Shape], **optional: Shape) -> Shape:
    """A network rule: as `members`, but fields that are not its own are dropped."""
    own = members(required, **optional)

    def shape(value: Any, where: str) -> Any:
        found = _object(value, where)
        return own({name: one for name, one in found.items() if name in required or name in optional}, where)

    return shape


ACCESS = one_of("Enabled", "Disabled", "SecuredByPerimeter")
ACTION = one_of("Allow", "Deny")
ALLOW = one_of("Allow")


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _refusal(f"{where} is not an object")
    return value


def _refusal(what: str) -> PermanentError:
    return PermanentError(f"the firewall that was kept cannot be put back: {what}", code="KeptFirewallInvalid")
