"""Warnings: what a valid policy says and probably does not mean. Pure.

Warns only of what is certain from the text: a rule is called dead when no request at all could make it match.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from shared.evidence.kinds import kind_of
from shared.model.requester import Requester, ServiceRequester
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
    elif rule.firewall and rule.firewall.trusted_services == "deny":
        users = [n for n in rule.requesters or () if _uses_trusted_services(policy.requesters[n])]
        if users:
            message = (
                f"{', '.join(map(quoted, users))} may rely on the exception that this removes: a cluster's ingestion with "
                "its managed identity stops, and so do Event Grid deliveries and diagnostic logs to the target"
            )
            report.warning(entry["firewall"].place("trustedServices"), message)


def _uses_trusted_services(requester: Requester) -> bool:
    return isinstance(requester, ServiceRequester) and kind_of(requester).uses_trusted_services
