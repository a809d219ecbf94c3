"""What several keys of a policy together may not say. Pure.

Refused is what lets in more than it says, and what can never be done; what is only improbable is `lint`'s to warn of.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.model.requester import HOME, MICROSOFT_TENANTS, PRIVATE_ENDPOINT
from shared.model.target_types import TARGET_TYPES, TargetType, sub_resource_key, target_type
from shared.policy.language import schema
from shared.policy.language.findings import Report, quoted
from shared.policy.language.records import Entry
from shared.policy.language.yaml_nodes import Mapping
from shared.policy.rules import Effect
from shared.resource_id import fold

_Requesters = dict[str, Entry | None]


def refuse(policy: Entry, report: Report) -> None:
    """Report every error that is not a single key's."""
    requesters: _Requesters = policy["requesters"] or {}
    _check_resources(requesters, report)
    _check_tenants(requesters, report)
    _check_rules(policy, requesters, report)


def _check_resources(requesters: _Requesters, report: Report) -> None:
    """One resource is one requester: each name would have its own idea of whose connections there are."""
    first: dict[str, str] = {}
    for name, requester in requesters.items():
        resource = requester["resource"] if requester else None
        if requester is None or resource is None:
            continue
        other = first.setdefault(resource.key.casefold(), name)
        if other != name:
            report.error(requester.place("resource"), f"the requester {quoted(other)} names this resource already")


def _check_tenants(requesters: _Requesters, report: Report) -> None:
    """Nobody is known by a tenant in which services keep every customer's private endpoints."""
    keepers = dict.fromkeys(MICROSOFT_TENANTS, "")
    for name, requester in requesters.items():
        keepers |= {t: name for t in (requester["endpointTenants"] if requester else None) or () if t not in keepers}
    for requester in filter(None, requesters.values()):
        if requester["service"] != PRIVATE_ENDPOINT:
            continue
        for place, tenant in requester.items("tenants"):
            if tenant == HOME or tenant not in keepers:
                continue
            keeper = f"of the endpointTenants of {quoted(keepers[tenant])}" if keepers[tenant] else "of Microsoft"
            report.error(place, f"this tenant {keeper} holds the managed private endpoints of every customer")


def _check_rules(policy: Entry, requesters: _Requesters, report: Report) -> None:
    first_line: dict[str, int] = {}
    for _, rule in policy.items("rules"):
        name = rule["name"]
        if name in first_line:
            report.error(rule.place("name"), f"another rule has the name {name}: line {first_line[name]}")
        elif name is not None:
            first_line[name] = rule.place("name").line
        _check_requesters(rule, requesters, report)
        _check_sub_resources(rule, report)
        _check_tags(rule, report)
        _check_firewall(rule, report)


def _check_requesters(rule: Entry, requesters: _Requesters, report: Report) -> None:
    allows = rule["effect"] == Effect.ALLOW
    if allows and rule["requesters"] == (schema.ANY,) and not rule.items("requesters"):
        report.error(rule.place("requesters"), "an allow rule names its requesters: any is only for deny and reject")
    for place, name in rule.items("requesters"):
        requester = requesters.get(name)
        if name not in requesters:
            report.unknown(place, "requester", name, tuple(requesters))
        elif requester and rule["effect"] and not allows and requester["service"] != PRIVATE_ENDPOINT:
            what = f"{name} is a {requester['service']} requester"
            report.error(place, f"{what}: a {rule['effect']} rule names only privateEndpoint requesters, or any")


def _check_tags(rule: Entry, report: Report) -> None:
    tags = rule["targets"].node.entries.get("tags") if isinstance(rule["targets"], Entry) else None
    names = list(tags.keys.values()) if isinstance(tags, Mapping) else []
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(fold(name.text), name.text)
        if other != name.text:
            report.error(name, f"Azure knows no difference between the tags {quoted(other)} and {quoted(name.text)}")


def _check_sub_resources(rule: Entry, report: Report) -> None:
    """A deny or reject rule about a sub-resource that does not exist would keep nobody out."""
    if rule["effect"] in (None, Effect.ALLOW):
        return
    types = list(_named_types(rule["targets"])) or list(TARGET_TYPES.values())
    if not all(t.sub_resources for t in types):  # a type may not tell what it has
        return
    known = {sub_resource_key(name) for t in types for name in t.sub_resources}
    for place, name in rule.items("subResources"):
        if name not in known:
            shown = sorted({name for t in types for name in t.sub_resources})
            report.error(place, f"no target type of this rule has a sub-resource {quoted(name)}", shown)


def _named_types(targets: object) -> Iterator[TargetType]:
    """The target types that a rule names, in `types` or by an id in `resources`."""
    if not isinstance(targets, Entry):
        return
    named = {name: target_type(name) for _, name in targets.items("types")}
    named |= {resource.type: target_type(resource.type) for _, resource in targets.items("resources")}
    yield from {t.name: t for t in named.values() if t}.values()


def _check_firewall(rule: Entry, report: Report) -> None:
    firewall = rule["firewall"]
    if firewall is None:
        return
    for known in _named_types(rule["targets"]):
        for key, wish in impossible(firewall["publicNetworkAccess"], firewall["trustedServices"], known):
            report.error(firewall.place(key), f"{known.name} cannot do {key}: {wish}")


def impossible(access: str | None, trusted_services: str | None, known: TargetType) -> Iterator[tuple[str, str]]:
    """The firewall wishes (key and value) that a type can never fulfil."""
    if access == "selectedNetworks" and not known.selected_networks:
        yield "publicNetworkAccess", access
    if access == "disabled" and not known.disabled:
        yield "publicNetworkAccess", access
    if trusted_services == "deny" and not known.trusted_services:
        yield "trustedServices", trusted_services
