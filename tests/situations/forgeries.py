"""What an attacker can put on the wire: private endpoint ids and messages that pass for a genuine request's.

A requester chooses every part of an id but the subscription, and in one of Microsoft's subscriptions only what the service
lets its customers choose; the message is always the requester's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from shared.model.connection import Connection
from shared.policy.approval_text import stamp
from tests.situations.genuine import MANAGED_GROUP, Genuine, connection
from tests.situations.world import ELSEWHERE, OURS, SERVICES, THEIRS, private_endpoint

Forge = Callable[[Genuine], tuple[str | None, str]]


class Fit(StrEnum):
    """How much of a genuine request a forgery has."""

    ELSEWHERE = "lives in another tenant"
    UNKNOWN = "lives nobody knows where"
    NO_ID = "has no private endpoint's id"
    OTHER_OWNER = "is not even named after our resource"
    OTHER_ENDPOINT = "is named after our resource, but not after an endpoint"
    OTHER_MESSAGE = "has another message"
    WHOLE = "cannot be told from the genuine one"


@dataclass(frozen=True)
class Forgery:
    """One forgery; `fit` for services that are known by a name, `kusto` for Data Explorer, which is known by a message."""

    name: str
    forge: Forge
    fit: Fit
    kusto: Fit

    def connection(self, genuine: Genuine) -> Connection:
        endpoint_id, message = self.forge(genuine)
        return connection(genuine.target, endpoint_id, message)

    def fit_of(self, genuine: Genuine) -> Fit:
        return self.kusto if genuine.by_message else self.fit


def _at(subscription: str, group: str = "") -> Forge:
    """All of the genuine request, in another subscription, in a group named as Microsoft would name it there."""

    def forge(genuine: Genuine) -> tuple[str, str]:
        name = group or f"vnet-{subscription[:8]}-westeurope-10-rg"
        return private_endpoint(genuine.endpoint_name, subscription, name), genuine.description

    return forge


def _named(change: Callable[[str, str], str]) -> Forge:
    """In one of Microsoft's subscriptions, under a name made from that of our resource and that of its endpoint."""

    def forge(genuine: Genuine) -> tuple[str, str]:
        owner, _, endpoint = genuine.endpoint_name.partition(".")
        return private_endpoint(change(owner, endpoint), group=MANAGED_GROUP), ""

    return forge


def _says(change: Callable[[str], str]) -> Forge:
    """In one of Microsoft's subscriptions, with a message made from the genuine one."""

    def forge(genuine: Genuine) -> tuple[str, str]:
        return private_endpoint("evil.mpe", group=MANAGED_GROUP), change(genuine.message)

    return forge


def _id(change: Callable[[str], str | None]) -> Forge:
    def forge(genuine: Genuine) -> tuple[str | None, str]:
        return change(private_endpoint(genuine.endpoint_name, group=MANAGED_GROUP)), genuine.description

    return forge


def _elsewhere(name: str, forge: Forge) -> Forgery:
    return Forgery(name, forge, Fit.ELSEWHERE, Fit.ELSEWHERE)


def _nameless(name: str, change: Callable[[str], str | None]) -> Forgery:
    return Forgery(name, _id(change), Fit.NO_ID, Fit.NO_ID)


def _owner(name: str, change: Callable[[str, str], str]) -> Forgery:
    return Forgery(name, _named(change), Fit.OTHER_OWNER, Fit.OTHER_MESSAGE)


def _endpoint(name: str, change: Callable[[str, str], str]) -> Forgery:
    return Forgery(name, _named(change), Fit.OTHER_ENDPOINT, Fit.OTHER_MESSAGE)


def _message(name: str, change: Callable[[str], str]) -> Forgery:
    return Forgery(name, _says(change), Fit.OTHER_OWNER, Fit.OTHER_MESSAGE)


FORGERIES = (
    _elsewhere("in the attacker's subscription, in a group named like Microsoft's", _at(THEIRS)),
    _elsewhere("in the attacker's subscription, in the very group's name", _at(THEIRS, MANAGED_GROUP)),
    _elsewhere("in a subscription of our own", _at(OURS)),
    Forgery("in a subscription that ARM does not know", _at(ELSEWHERE), Fit.UNKNOWN, Fit.UNKNOWN),
    Forgery("through the attacker's own service in Microsoft's tenant", _at(SERVICES, "rg"), Fit.WHOLE, Fit.WHOLE),
    _nameless("without an id", lambda _: None),
    _nameless("with an empty id", lambda _: ""),
    _nameless("with words for an id", lambda _: "the one you are waiting for"),
    _nameless("with a slash too many", lambda known: f"{known}/"),
    _nameless("with a child's id", lambda known: f"{known}/manualPrivateLinkServiceConnections/link"),
    _nameless("with the id of another type", lambda known: known.replace("privateEndpoints", "privateLinkServices")),
    _nameless("with a subscription that is no GUID", lambda known: known.replace(SERVICES, f"{SERVICES}0")),
    _nameless("with a query behind the id", lambda known: f"{known}?x=1"),
    _owner("with our resource's name inside the attacker's", lambda owner, mpe: f"x{owner}.{mpe}"),
    _owner("with our resource's name before the attacker's", lambda owner, mpe: f"{owner}x.{mpe}"),
    _owner("with our resource's name as a first part", lambda owner, mpe: f"{owner}-dev.{mpe}"),
    _owner("with only the endpoint's name", lambda _, mpe: f"evil.{mpe}"),
    _owner("with our whole name behind a dot", lambda owner, mpe: f"evil.{owner}.{mpe}"),
    _owner("with our whole name as one part", lambda owner, mpe: f"{owner}-{mpe}"),
    _owner("with a Cyrillic look-alike of the name", lambda owner, mpe: f"{owner.replace('p', 'р')}.{mpe}"),
    _owner("with a long s in the name", lambda owner, mpe: f"{owner.replace('s', 'ſ').replace('d', 'ԁ')}.{mpe}"),
    _owner("with a name in full width", lambda owner, mpe: f"{chr(ord(owner[0]) + 0xFEE0)}{owner[1:]}.{mpe}"),
    _owner("with a zero-width joiner in the name", lambda owner, mpe: f"{owner[:2]}\u200d{owner[2:]}.{mpe}"),
    _endpoint("with more behind the endpoint's name", lambda owner, mpe: f"{owner}.{mpe}-2"),
    _endpoint("with more before the endpoint's name", lambda owner, mpe: f"{owner}.x{mpe}"),
    _endpoint("with a dot more", lambda owner, mpe: f"{owner}.{mpe}.{mpe}"),
    _endpoint("with a look-alike in the endpoint's name", lambda owner, mpe: f"{owner}.{mpe.replace('e', 'е')}"),
    _endpoint("with nothing behind the dot", lambda owner, _: f"{owner}."),
    _message("with a part of the message", lambda known: known[:-1]),
    _message("with more than the message", lambda known: f"{known}!"),
    _message("with the message in another case", str.swapcase),
    _message("with the message between spaces", lambda known: f" {known} "),
    _message("with the message and a zero-width space", lambda known: f"{known}\u200b"),
    _message("with the message in full width", lambda known: "".join(chr(ord(c) + 0xFEE0) for c in known)),
    _message("with a wildcard for a message", lambda _: "*"),
    _message("without a message", lambda _: ""),
    _message("with the app's own stamp for a message", lambda _: stamp("Approved", "allowed", "1")),
)  # fmt: skip
