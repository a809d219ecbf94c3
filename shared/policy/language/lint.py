"""Warnings: what a valid policy says and probably does not mean. Pure.

Warns only of what is certain from the text: a rule is called dead when no request at all could make it match.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from shared.evidence.kinds import kind_of
from shared.model.requester import HOME, PrivateEndpointRequester, Requester, ServiceRequester
from shared.model.target_types import TARGET_TYPES, sub_resource_key
from shared.policy.language.document import Document
from shared.policy.language.findings import Place, Report, quoted
from shared.policy.language.records import Entry
from shared.policy.rules import Effect, Mode, Policy, Rule, Scope, Targets
from shared.resource_id import fold, parse

_STRENGTH = (Effect.ALLOW, Effect.DENY, Effect.REJECT)


def warn(document: Document, report: Report, today: date | None) -> None:
    """Put every warning into the report. Without `today` no rule has expired."""
    policy, entry = document.policy, document.entry
    _warn_requesters(policy, entry, report)
    beating = [rule for rule in policy.rules if rule.effect is not Effect.ALLOW]
    for rule, (_, rule_entry) in zip(policy.rules, entry.items("rules"), strict=True):
        reach = _Reach.of(rule.targets)
        if today and rule.expires and rule.expires < today:
            report.warning(rule_entry.place("expires"), f"the rule never matches: it expired on {rule.expires}")
        for place, what in _outside_scope(policy.scope, rule_entry):
            report.warning(place, f"outside scope, so the rule never matches there: {what}")
        for place, what in _contradictions(rule_entry):
            report.warning(place, f"the rule never matches: {what}")
        if rule.effect is Effect.ALLOW:
            _warn_limits(policy, rule, rule_entry, reach, report)
            _warn_unknown_sub_resources(policy, rule, rule_entry, reach, report)
        if not _has_sub_resource(rule, reach):
            report.warning(rule_entry.place("subResources"), "the rule never matches: no target type has any of these")
        shadow = next((other for other in beating if _shadows(other, rule, reach)), None)
        if shadow:
            what = f"{shadow.effect} rule {shadow.name} (line {shadow.line})"
            report.warning(rule_entry.node, f"the rule never matches: the {what} takes all of it")
        _warn_firewall(policy, rule, rule_entry, report)


def _warn_requesters(policy: Policy, entry: Entry, report: Report) -> None:
    used = {name for rule in policy.rules for name in rule.requesters or ()}
    for name, requester_entry in (entry["requesters"] or {}).items():
        requester = policy.requesters[name]
        if name not in used:
            report.warning(requester_entry.node, f"no rule uses the requester {name}")
        for place, what in _contradicting_requester(requester_entry):
            report.warning(place, f"the requester never matches: {what}")
        if (
            isinstance(requester, ServiceRequester)
            and kind_of(requester).tie.by_message
            and not requester.require_message
        ):
            message = "without requireMessage: true a copied request message can pass as the requester's own"
            report.warning(requester_entry.place("requireMessage"), message)


def _outside_scope(scope: Scope, rule: Entry) -> Iterator[tuple[Place, str]]:
    """The selectors' values that lie outside the scope for certain."""
    if scope.management_groups or not isinstance(rule["targets"], Entry):
        return
    subscriptions = scope.subscriptions | {parse(group).subscription_id for group in scope.resource_groups}
    for place, subscription in rule["targets"].items("subscriptions"):
        if subscription not in subscriptions:
            yield place, subscription
    for key in ("resourceGroups", "resources"):
        for place, resource in rule["targets"].items(key):
            if not scope.covers(resource):
                yield place, str(resource)


def _has_sub_resource(rule: Rule, reach: _Reach) -> bool:
    """Whether any target type that the rule can reach has one of its sub-resources."""
    types = [TARGET_TYPES[name] for name in reach.types or TARGET_TYPES]
    if not rule.sub_resources or not all(t.sub_resources for t in types):  # a type may not tell what it has
        return True
    return any(sub_resource_key(name) in rule.sub_resources for t in types for name in t.sub_resources)


def _contradictions(rule: Entry) -> Iterator[tuple[Place, str]]:
    """Target selectors of which no target fulfils two: a resource tells its type, group and subscription itself."""
    targets = rule["targets"]
    if not isinstance(targets, Entry):
        return
    types = {fold(name) for _, name in targets.items("types")}
    groups = {group.key for _, group in targets.items("resourceGroups")}
    subscriptions = {name for _, name in targets.items("subscriptions")}
    for key, wanted, told in (
        ("types", types, lambda r: fold(r.type)),
        ("resourceGroups", groups, lambda r: r.group.key),
        ("subscriptions", subscriptions, lambda r: r.subscription_id),
    ):
        resources = targets.items("resources")
        if wanted and resources and not any(told(resource) in wanted for _, resource in resources):
            yield targets.place("resources"), f"none of these resources is of its {key}"
    inside = [group for _, group in targets.items("resourceGroups") if group.subscription_id in subscriptions]
    if subscriptions and groups and not inside:
        yield targets.place("resourceGroups"), "none of these groups is in its subscriptions"


def _contradicting_requester(entry: Entry) -> Iterator[tuple[Place, str]]:
    """As for targets: a private endpoint's id tells its group and its subscription."""
    groups, subscriptions = entry.items("resourceGroups"), {name for _, name in entry.items("subscriptions")}
    endpoints = entry.items("privateEndpoints")
    if subscriptions and groups and not any(group.subscription_id in subscriptions for _, group in groups):
        yield entry.place("resourceGroups"), "none of these groups is in its subscriptions"
    if subscriptions and endpoints and not any(e.subscription_id in subscriptions for _, e in endpoints):
        yield entry.place("privateEndpoints"), "none of these private endpoints is in its subscriptions"
    keys = {group.key for _, group in groups}
    if keys and endpoints and not any(e.group.key in keys for _, e in endpoints):
        yield entry.place("privateEndpoints"), "none of these private endpoints is in its resource groups"


def _warn_limits(policy: Policy, rule: Rule, entry: Entry, reach: _Reach, report: Report) -> None:
    """A limit is of no use beside an allow rule that takes all of its requests without one."""
    for key, value in (("maxConnections", rule.max_connections), ("expires", rule.expires)):
        if value is None:
            continue
        broader = next((other for other in policy.rules if other is not rule and _lifts(other, key, rule, reach)), None)
        if broader:
            what = f"the allow rule {broader.name} (line {broader.line}) takes all of these requests without it"
            report.warning(entry.place(key), f"this limit keeps nobody out: {what}")


def _lifts(other: Rule, key: str, rule: Rule, reach: _Reach) -> bool:
    """Whether an allow rule that has no such limit, or a later day, matches whatever this one does."""
    if other.effect is not Effect.ALLOW or (other.mode is Mode.AUDIT and rule.mode is Mode.ENFORCE):
        return False
    if other.max_connections is not None:
        return False
    if other.expires is not None and (key != "expires" or rule.expires is None or other.expires <= rule.expires):
        return False
    return (
        set(rule.requesters or ()) <= set(other.requesters or ())
        and _within(rule.sub_resources, other.sub_resources)
        and reach.within(other.targets)
    )


SHOWS_NO_SUB_RESOURCE = frozenset(
    {"microsoft.storage/storageaccounts", "microsoft.devices/iothubs", "microsoft.keyvault/vaults"}
)
"""Types whose connections are known to tell no sub-resource (the providers' own OpenAPI and recorded answers)."""


def _warn_unknown_sub_resources(policy: Policy, rule: Rule, entry: Entry, reach: _Reach, report: Report) -> None:
    """Another tenant's private endpoints cannot be read, so what they ask for is known from the target or not at all."""
    if not rule.sub_resources or not reach.types or not reach.types <= SHOWS_NO_SUB_RESOURCE:
        return
    strangers = [n for n in rule.requesters or () if _of_another_tenant(policy.requesters[n])]
    if strangers:
        message = (
            f"the rule never matches requests of {', '.join(map(quoted, strangers))}: private endpoints of another tenant "
            "cannot be read, and these targets do not show what is asked for"
        )
        report.warning(entry.place("subResources"), message)


def _of_another_tenant(requester: Requester) -> bool:
    return isinstance(requester, PrivateEndpointRequester) and bool(requester.tenants) and HOME not in requester.tenants


@dataclass(frozen=True, slots=True)
class _Reach:
    """What a rule's target selectors say in every part: a resource also tells its group, subscription and type."""

    types: frozenset[str]
    subscriptions: frozenset[str]
    groups: frozenset[str]
    resources: frozenset[str]
    tags: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, targets: Targets) -> _Reach:
        """The selectors, completed where others imply them; what stays empty is anything."""
        resources = [parse(text) for text in targets.resources]
        groups = targets.resource_groups or frozenset(resource.group.key for resource in resources)
        return cls(
            targets.types or frozenset(fold(resource.type) for resource in resources),
            targets.subscriptions or frozenset(parse(group).subscription_id for group in groups),
            groups,
            targets.resources,
            _tags(targets),
        )

    def within(self, wide: Targets) -> bool:
        """Whether every target that it reaches is accepted by the wide selectors."""
        return (
            _within(self.resources, wide.resources)
            and _within(self.types, wide.types)
            and _within(self.subscriptions, wide.subscriptions)
            and _within(self.groups, wide.resource_groups)
            and _tags(wide) <= self.tags
        )


def _shadows(other: Rule, rule: Rule, reach: _Reach) -> bool:
    """Whether a stronger rule matches whatever this one matches, for as long as it does."""
    return (
        _STRENGTH.index(other.effect) > _STRENGTH.index(rule.effect)
        and (other.expires is None or (rule.expires is not None and rule.expires <= other.expires))
        and (other.mode is Mode.ENFORCE or rule.mode is Mode.AUDIT)
        and _within(frozenset(rule.requesters or ()), frozenset(other.requesters or ()))
        and _within(rule.sub_resources, other.sub_resources)
        and reach.within(other.targets)
    )


def _within(narrow: frozenset[str], wide: frozenset[str]) -> bool:
    """Whether the wide selector accepts all that the narrow one does; an empty one accepts anything."""
    return not wide or (bool(narrow) and narrow <= wide)


def _tags(targets: Targets) -> frozenset[tuple[str, str]]:
    return frozenset((fold(name), value) for name, value in targets.tags.items())


def _warn_firewall(policy: Policy, rule: Rule, entry: Entry, report: Report) -> None:
    if rule.effect is not Effect.ALLOW:
        for key in ("firewall", "maxConnections"):
            if entry[key] is not None:
                report.warning(entry.place(key), f"only an allow rule has a use for {key}")
    elif rule.firewall and rule.firewall.public_network_access is None and rule.firewall.trusted_services == "keep":
        report.warning(entry.place("firewall"), "this section asks for nothing")
    elif rule.firewall:
        _warn_selected_networks(rule, entry, report)
        _warn_trusted_services(policy, rule, entry, report)


def _warn_selected_networks(rule: Rule, entry: Entry, report: Report) -> None:
    types = [TARGET_TYPES[name] for name in sorted(_Reach.of(rule.targets).types) if name in TARGET_TYPES]
    needing = [t.name for t in types if t.selected_needs_rule]
    if needing and rule.firewall and rule.firewall.public_network_access == "selectedNetworks":
        place = entry["firewall"].place("publicNetworkAccess")
        message = (
            "without an ip or network rule of its own a target of this type stays open, and the app says so (failed)"
        )
        report.warning(place, f"{', '.join(needing)}: {message}")


def _warn_trusted_services(policy: Policy, rule: Rule, entry: Entry, report: Report) -> None:
    if rule.firewall and rule.firewall.trusted_services == "deny":
        users = [n for n in rule.requesters or () if _uses_trusted_services(policy.requesters[n])]
        if users:
            message = (
                f"{', '.join(map(quoted, users))} may rely on the exception that this removes: a cluster's ingestion with "
                "its managed identity stops, and so do Event Grid deliveries and diagnostic logs to the target"
            )
            report.warning(entry["firewall"].place("trustedServices"), message)


def _uses_trusted_services(requester: Requester) -> bool:
    return isinstance(requester, ServiceRequester) and kind_of(requester).uses_trusted_services
