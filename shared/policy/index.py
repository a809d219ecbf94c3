"""Which rules a connection can concern at all, so that a policy of a thousand rules is decided in about a millisecond. Pure.

An index is exact in one direction only: a rule that it leaves out fails for certain at its requesters. Whatever is not
certain (no parsable private endpoint, an unknown tenant) keeps the rule in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from shared.evidence.kinds import kind_of
from shared.model.requester import HOME, PrivateEndpointRequester, Requester
from shared.resource_id import ResourceId, fold


class PolicyIndex:
    """The rules of one policy by what their requesters ask for."""

    def __init__(self, rules: Iterable[tuple[str, ...] | None], requesters: Iterable[Requester]) -> None:
        """`rules`: of each rule the names of its requesters, None for any."""
        self._always: list[str] = []
        self._by_subscription: defaultdict[str, list[str]] = defaultdict(list)
        self._by_tenant: defaultdict[str, list[str]] = defaultdict(list)
        self._by_owner: defaultdict[str, list[str]] = defaultdict(list)
        for requester in requesters:
            self._add(requester)
        self._rules_of: defaultdict[str, list[int]] = defaultdict(list)
        self._all: list[int] = []
        self._of_any: list[int] = []
        for i, names in enumerate(rules):
            self._all.append(i)
            if names is None:
                self._of_any.append(i)
            for name in names or ():
                self._rules_of[name].append(i)

    def _add(self, requester: Requester) -> None:
        if isinstance(requester, PrivateEndpointRequester):
            if requester.subscriptions:
                for subscription in requester.subscriptions:
                    self._by_subscription[subscription].append(requester.name)
            elif requester.resource_groups or requester.private_endpoints or HOME in requester.tenants:
                self._always.append(requester.name)
            else:
                for tenant in requester.tenants:
                    self._by_tenant[tenant].append(requester.name)
        elif owner := kind_of(requester).tie.owner(requester.resource):
            self._by_owner[owner].append(requester.name)
        else:
            for tenant in requester.endpoint_tenants:
                self._by_tenant[tenant].append(requester.name)

    def candidates(self, endpoint: ResourceId | None, tenant: str | None, claiming: Iterable[str] = ()) -> list[int]:
        """The places (in the file's order) of the rules that a private endpoint of that tenant can concern.

        `claiming`: requesters that it concerns by what it carries, wherever it lives.
        """
        if endpoint is None:
            return self._all
        names = [*claiming, *self._always, *self._by_subscription.get(endpoint.subscription_id, ())]
        names += self._by_owner.get(fold(endpoint.name.partition(".")[0]), ())
        if tenant is None:
            names += [name for group in self._by_tenant.values() for name in group]
        else:
            names += self._by_tenant.get(tenant, ())
        return sorted({i for name in names for i in self._rules_of.get(name, ())} | set(self._of_any))
