"""Who plays in the attack matrix: kinds of requesters of ours, and whoever passes for them. Nothing takes time here."""

from __future__ import annotations

import secrets
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from tests.attacks.services import Managed, Owner, twin_of
from tests.functional.estate import NETWORK, Json, Party, Target
from tests.functional.world import World

GUESSABLE = "Please approve."
"""The message of Data Explorer's own documentation."""


@dataclass
class Asked:
    """A private endpoint, managed or not, that somebody has asked for. `appear` and `withdraw` take no time."""

    id: str
    appear: Callable[[], object]
    withdraw: Callable[[], object]


def managed(one: Managed) -> Asked:
    """As a service makes it."""

    def withdraw() -> None:
        one.delete()
        one.hurry()

    return Asked(one.id, one.hurry, withdraw)


def person(party: Party, target: Target, group: str, *, name: str, message: str) -> Asked:
    """As people make it: it is at its target as soon as it is made."""
    scope = f"/subscriptions/{party.subscription}/resourceGroups/rg/providers/Microsoft.Network/privateEndpoints"
    made = f"{scope}/{name}"
    return Asked(
        made,
        lambda: party.endpoint(target, group, message=message, name=name),
        lambda: party.azure.arm("DELETE", made, NETWORK, tenant=party.tenant),
    )


@dataclass
class Kind(ABC):
    """One kind of requester, in one world."""

    world: World

    by_message = False
    random = False
    service = ""

    @abstractmethod
    def requester(self, **more: object) -> Json:
        """As a policy names it."""

    @abstractmethod
    def ask(self, target: Target, group: str, name: str, message: str) -> Asked:
        """We ask; nothing is there before it appears."""

    @abstractmethod
    def twin(self, target: Target, group: str, name: str, message: str) -> Asked:
        """Somebody asks for what looks like ours in everything that an attacker can choose."""

    def message(self) -> str:
        """What we write to the target's owner."""
        return secrets.token_urlsafe(18) if self.random else GUESSABLE

    @cached_property
    def attacker(self) -> Party:
        """Somebody with a tenant of their own."""
        return self.world.stranger()


@dataclass
class ServiceKind(Kind):
    """A service of Azure's that makes private endpoints for a resource of ours."""

    region: str = "westeurope"

    @cached_property
    def owner(self) -> Owner:
        """Our cluster, workspace or factory."""
        return Owner.make(self.world.azure, self.service, self.world.home.subscription, region=self.region)

    @cached_property
    def theirs(self) -> Owner:
        """The attacker's."""
        return twin_of(self.owner)

    def requester(self, **more: object) -> Json:
        """See `Kind`."""
        required = {"requireMessage": True} if self.random else {}
        return self.owner.requester(**{**required, **more})

    def ask(self, target: Target, group: str, name: str, message: str) -> Asked:
        """See `Kind`."""
        return managed(self.owner.ask(target, group, name=name, message=message))

    def twin(self, target: Target, group: str, name: str, message: str) -> Asked:
        """See `Kind`. Names are unique within a service only, so a name is taken by a resource of another service's."""
        return managed(self.theirs.ask(target, group, name=name, message=message))


class Kusto(ServiceKind):
    """A cluster whose messages anybody may guess."""

    service = "kusto"
    by_message = True


class KustoRandom(ServiceKind):
    """A cluster whose rule asks for random messages."""

    service = "kusto"
    by_message = True
    random = True


class Synapse(ServiceKind):
    """A workspace."""

    service = "synapse"


class DataFactory(ServiceKind):
    """A factory."""

    service = "dataFactory"


@dataclass
class People(Kind):
    """Private endpoints of a partner's, each in a subscription of its own."""

    tenant: str = field(default_factory=lambda: str(uuid.uuid4()))
    parties: list[Party] = field(default_factory=list)

    def party(self, tenant: str = "") -> Party:
        """The next subscription."""
        made = Party(self.world.azure, tenant or self.tenant)
        self.parties.append(made)
        return made

    def ask(self, target: Target, group: str, name: str, message: str) -> Asked:
        """See `Kind`."""
        return person(self.party(), target, group, name=name, message=message)

    def twin(self, target: Target, group: str, name: str, message: str) -> Asked:
        """See `Kind`: all of it but the subscription, which nobody can choose."""
        return person(Party(self.world.azure, self.attacker.tenant), target, group, name=name, message=message)


class PeopleBySubscription(People):
    """Named by their subscriptions."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.named = [Party(world.azure, self.tenant) for _ in range(60)]
        self.known = list(self.named)

    def party(self, tenant: str = "") -> Party:
        """The next of the subscriptions that the policy names; of another tenant: one that it does not name."""
        return super().party(tenant) if tenant else self.known.pop()

    def requester(self, **more: object) -> Json:
        """See `Kind`."""
        return {"service": "privateEndpoint", "subscriptions": [one.subscription for one in self.named], **more}


class PeopleByTenant(People):
    """Named by nothing but their tenant."""

    def requester(self, **more: object) -> Json:
        """See `Kind`."""
        return {"service": "privateEndpoint", "tenants": [self.tenant], **more}


KINDS: dict[str, type[Kind]] = {
    "kusto": Kusto,
    "kusto-random": KustoRandom,
    "synapse": Synapse,
    "dataFactory": DataFactory,
    "people-by-subscription": PeopleBySubscription,
    "people-by-tenant": PeopleByTenant,
}
