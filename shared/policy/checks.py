"""The checks of one rule on one connection, in the order in which decisions show them. Pure.

Each function answers the first check that fails, or None. Three-valued on purpose: a value that is not
known fails an allow rule, satisfies a deny rule, and makes a reject rule `uncertain`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache

from shared.evidence.proof import unknown_tenant
from shared.model.check import Certainty, Check, FailedCheck
from shared.model.connection import Connection
from shared.model.requester import HOME, MICROSOFT_TENANTS, PrivateEndpointRequester
from shared.model.situation import Situation, Target
from shared.model.target_types import sub_resource_key
from shared.policy.rules import Effect, Rule
from shared.resource_id import fold

_SHOWN = 5


def one_of(values: frozenset[str]) -> str:
    """A selector's values for a reason text: at most five, and how many more."""
    shown = sorted(values)[:_SHOWN]
    more = len(values) - len(shown)
    return ("one of " if len(values) > 1 else "") + ", ".join(shown) + (f" and {more} more" if more else "")


def private_endpoint_checks(
    requester: PrivateEndpointRequester,
    connection: Connection,
    situation: Situation,
    *,
    allow: bool,
    managed: frozenset[str] = MICROSOFT_TENANTS,
) -> tuple[FailedCheck | None, FailedCheck | None]:
    """What a `privateEndpoint` requester's selectors say: (the selector that failed, the tenant that failed).

    The tenant is evidence, not a selector, where the subscription says that the connection passes for this requester's.
    For allow rules it is never unknown and never one of `managed`, in which services keep every customer's endpoints.
    """
    endpoint = connection.private_endpoint
    if endpoint is None:
        expected = "the id of a private endpoint"
        return FailedCheck(Check.PRIVATE_ENDPOINT, expected, connection.private_endpoint_id, Certainty.UNKNOWN), None
    tenant = _tenant_check(requester, connection, situation, managed if allow else None)
    selectors = (
        (Check.SUBSCRIPTION, requester.subscriptions, endpoint.subscription_id),
        (Check.RESOURCE_GROUP, requester.resource_groups, endpoint.group.key),
        (Check.PRIVATE_ENDPOINT, requester.private_endpoints, endpoint.key),
    )
    failed = next((FailedCheck(c, one_of(v), f) for c, v, f in selectors if v and not holds(v, f, exactly=allow)), None)
    named = requester.subscriptions or requester.resource_groups or requester.private_endpoints
    if tenant is not None and failed is None and (tenant.unknown or named):
        return None, tenant
    # An allow rule names its first failed check; a deny or reject rule is ruled out only by one that fails for certain.
    return (tenant or failed if allow else failed or tenant), None


def _tenant_check(
    requester: PrivateEndpointRequester, connection: Connection, situation: Situation, managed: frozenset[str] | None
) -> FailedCheck | None:
    """`managed`: for an allow rule, the tenants that are nobody's own; None for a deny or reject rule."""
    tenant, home = situation.tenant_of(connection), situation.home_tenant
    wanted = frozenset(t for t in requester.tenants if t != HOME) | (
        {home} if HOME in requester.tenants and home else set()
    )
    if tenant is None and (managed is not None or requester.tenants):
        return unknown_tenant(one_of(wanted) or "a tenant that is known", connection, situation)
    if requester.tenants and tenant not in wanted:
        expected = one_of(wanted) or "the app's own tenant"
        if HOME in requester.tenants and home is None:
            later = situation.target.id.subscription_id in situation.unread_tenants
            return FailedCheck(Check.TENANT, expected, tenant, Certainty.WAITING if later else Certainty.UNKNOWN)
        return FailedCheck(Check.TENANT, expected, tenant)
    if managed is not None and tenant in managed:
        return FailedCheck(
            Check.TENANT, "not a tenant in which services keep every customer's private endpoints", tenant
        )
    return None


def holds(values: frozenset[str], key: str, *, exactly: bool) -> bool:
    """Whether a selector's values hold an id (folded).

    Allow rules compare exactly. Azure may take letters beyond ASCII for the same in another case, so what denies or rejects
    takes them for the same too: there a look-alike must not slip through.
    """
    return key in values or (not exactly and key.casefold() in _casefolded(values))


@lru_cache(maxsize=4096)
def _casefolded(values: frozenset[str]) -> frozenset[str]:
    return frozenset(value.casefold() for value in values)


def target_checks(rule: Rule, target: Target) -> FailedCheck | None:
    """The first target selector that does not accept the target."""
    selected, resource = rule.targets, target.id
    exactly = rule.effect is Effect.ALLOW
    if selected.types and fold(resource.type) not in selected.types:
        return FailedCheck(Check.TARGET_TYPE, one_of(selected.types), resource.type)
    if selected.subscriptions and resource.subscription_id not in selected.subscriptions:
        return FailedCheck(Check.TARGET_SUBSCRIPTION, one_of(selected.subscriptions), resource.subscription_id)
    if selected.resource_groups and not holds(selected.resource_groups, resource.group.key, exactly=exactly):
        return FailedCheck(Check.TARGET_RESOURCE_GROUP, one_of(selected.resource_groups), str(resource.group))
    if selected.resources and not holds(selected.resources, resource.key, exactly=exactly):
        return FailedCheck(Check.TARGET_RESOURCE, one_of(selected.resources), str(resource))
    same = fold if exactly else str.casefold
    return _tag_check(selected.tags, target.tags, same) if selected.tags else None


def _tag_check(
    wanted: Mapping[str, str], tags: Mapping[str, str] | None, same: Callable[[str], str]
) -> FailedCheck | None:
    """Tag names compare without case (as in Azure), values with case."""
    if tags is None:
        return FailedCheck(Check.TARGET_TAG, ", ".join(f"{k}={v}" for k, v in wanted.items()), None, Certainty.UNKNOWN)
    present = {same(k): v for k, v in tags.items()}
    for key, value in wanted.items():
        if present.get(same(key)) != value:
            return FailedCheck(Check.TARGET_TAG, f"{key}={value}", present.get(same(key), "no such tag"))
    return None


def sub_resource_check(rule: Rule, sub_resources: frozenset[str] | None) -> FailedCheck | None:
    """Whether the rule accepts every sub-resource that the connection may be for; None means not known."""
    allowed = frozenset(map(sub_resource_key, rule.sub_resources))
    if not allowed or (sub_resources is not None and sub_resources <= allowed):
        return None
    if sub_resources is None:
        return FailedCheck(Check.SUB_RESOURCE, one_of(rule.sub_resources), None, Certainty.UNKNOWN)
    return FailedCheck(Check.SUB_RESOURCE, one_of(rule.sub_resources), ", ".join(sorted(sub_resources)))


def limit_checks(rule: Rule, today: date, approved: int) -> FailedCheck | None:
    """Whether the rule still matches: not expired, and fewer Approved connections of its own than it may have."""
    if rule.expires is not None and today > rule.expires:
        return FailedCheck(Check.EXPIRES, f"a day up to {rule.expires.isoformat()}", today.isoformat())
    if rule.max_connections is not None and approved >= rule.max_connections:
        return FailedCheck(Check.MAX_CONNECTIONS, f"fewer than {rule.max_connections} approved", str(approved))
    return None
