"""Warnings: what a valid policy says and probably does not mean. Pure.

Warns only of what is certain from the text: a rule is called dead when no request at all could make it match.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from shared.policy.document import Document
from shared.policy.findings import Place, Report, quoted
from shared.policy.model import Effect, Mode, Policy, Rule, Scope, Service, ServiceRequester, Targets
from shared.policy.records import Entry
from shared.resource_id import ResourceId, fold, parse
from shared.targets.types import TARGET_TYPES, sub_resource_key

_STRENGTH = (Effect.ALLOW, Effect.DENY, Effect.REJECT)


def warn(document: Document, report: Report, today: date | None) -> None:
    """Put every warning into the report. Without `today` no rule has expired."""
    policy, entry = document.policy, document.entry
    _warn_requesters(policy, entry, report)
    beating = [rule for rule in policy.rules if rule.effect is not Effect.ALLOW]
    for rule, (_, rule_entry) in zip(policy.rules, entry.items("rules"), strict=True):
        if today and rule.expires and rule.expires < today:
            report.warning(rule_entry.place("expires"), f"the rule never matches: it expired on {rule.expires}")
        for place, what in _outside_scope(policy.scope, rule_entry):
            report.warning(place, f"outside scope, so the rule never matches there: {what}")
        if not _has_sub_resource(rule):
            report.warning(rule_entry.place("subResources"), "the rule never matches: no target type has any of these")
        shadow = next((other for other in beating if _shadows(other, rule)), None)
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
            requester.service is Service.KUSTO
            and isinstance(requester, ServiceRequester)
            and not requester.require_message
        ):
            message = "without requireMessage: true a copied request message can pass as the cluster's own"
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


def _has_sub_resource(rule: Rule) -> bool:
    """Whether any target type that the rule can reach has one of its sub-resources."""
    types = [TARGET_TYPES[name] for name in _types(rule.targets) or TARGET_TYPES]
    if not rule.sub_resources or not all(t.sub_resources for t in types):  # a type may not tell what it has
        return True
    return any(sub_resource_key(name) in rule.sub_resources for t in types for name in t.sub_resources)


def _shadows(other: Rule, rule: Rule) -> bool:
    """Whether a stronger rule matches whatever this one matches, for as long as it does."""
    return (
        _STRENGTH.index(other.effect) > _STRENGTH.index(rule.effect)
        and (other.expires is None or (rule.expires is not None and rule.expires <= other.expires))
        and (other.mode is Mode.ENFORCE or rule.mode is Mode.AUDIT)
        and (
            other.requesters is None or (rule.requesters is not None and set(rule.requesters) <= set(other.requesters))
        )
        and (not other.sub_resources or (bool(rule.sub_resources) and rule.sub_resources <= other.sub_resources))
        and _covers(other.targets, rule.targets)
    )


def _covers(wide: Targets, narrow: Targets) -> bool:
    """Whether every target that the narrow selectors accept is accepted by the wide ones."""
    return (
        _within(_types(narrow), wide.types)
        and _within(_subscriptions(narrow), wide.subscriptions)
        and _within(_groups(narrow), wide.resource_groups)
        and _within(narrow.resources, wide.resources)
        and _tags(wide) <= _tags(narrow)
    )


def _within(narrow: frozenset[str], wide: frozenset[str]) -> bool:
    return not wide or (bool(narrow) and narrow <= wide)


def _types(targets: Targets) -> frozenset[str]:
    return targets.types or _of(targets.resources, lambda resource: fold(resource.type))


def _subscriptions(targets: Targets) -> frozenset[str]:
    return targets.subscriptions or _of(_groups(targets), lambda resource: resource.subscription_id)


def _groups(targets: Targets) -> frozenset[str]:
    return targets.resource_groups or _of(targets.resources, lambda resource: resource.group.key)


def _tags(targets: Targets) -> set[tuple[str, str]]:
    return {(fold(name), value) for name, value in targets.tags.items()}


def _of(ids: frozenset[str], part: Callable[[ResourceId], str]) -> frozenset[str]:
    return frozenset(part(parse(text)) for text in ids)


def _warn_firewall(policy: Policy, rule: Rule, entry: Entry, report: Report) -> None:
    if rule.effect is not Effect.ALLOW:
        for key in ("firewall", "maxConnections"):
            if entry[key] is not None:
                report.warning(entry.place(key), f"only an allow rule has a use for {key}")
    elif rule.firewall and rule.firewall.public_network_access is None and rule.firewall.trusted_services == "keep":
        report.warning(entry.place("firewall"), "this section asks for nothing")
    elif rule.firewall and rule.firewall.trusted_services == "deny":
        clusters = [n for n in rule.requesters or () if policy.requesters[n].service is Service.KUSTO]
        if clusters:
            message = (
                f"Data Explorer ({', '.join(map(quoted, clusters))}) may rely on the exception that this removes: ingestion "
                "with its managed identity stops, and so do Event Grid deliveries and diagnostic logs to the target"
            )
            report.warning(entry["firewall"].place("trustedServices"), message)
