"""A policy document: text in, a valid policy or every finding out. Pure.

Decides what several keys together may say; what each may say by itself is declared in `schema`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.model.firewall import FirewallWish
from shared.model.requester import (
    MICROSOFT_TENANTS,
    PRIVATE_ENDPOINT,
    PrivateEndpointRequester,
    Requester,
    ServiceRequester,
)
from shared.model.target_types import TargetType, target_type
from shared.policy.language import schema
from shared.policy.language.findings import Finding, InvalidPolicyError, Report, quoted
from shared.policy.language.records import Entry
from shared.policy.language.yaml_nodes import Mapping, parse
from shared.policy.rules import Effect, Mode, Policy, Rule, Scope, Targets
from shared.resource_id import fold


@dataclass(frozen=True, slots=True)
class Document:
    """A valid policy and the entries it was made of, which know their lines."""

    policy: Policy
    entry: Entry


def load(text: bytes | str) -> Policy:
    """The policy of a text.

    Raises:
        InvalidPolicyError: it is not valid, with every error that was found.
    """
    report = Report()
    document = read(text, report)
    if document is None:
        raise InvalidPolicyError(report.ordered(), text_hash(text))
    return document.policy


def check(text: bytes | str, today: date | None = None) -> list[Finding]:
    """Every error and, of a valid policy, every warning, in the order of the text.

    `today` tells which rules have expired; without it none has.
    """
    from shared.policy.language import lint

    report = Report()
    document = read(text, report)
    if document:
        lint.warn(document, report, today)
    return report.ordered()


def text_hash(text: bytes | str) -> str:
    """The SHA-256 of the text (UTF-8) in hexadecimal."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).hexdigest()


def read(text: bytes | str, report: Report) -> Document | None:
    """The document, or None with the errors in the report."""
    root = parse(text, report)
    if root is None:
        return None
    entry = schema.POLICY.read(root, report)
    if entry:
        requesters = entry["requesters"] or {}
        for requester in filter(None, requesters.values()):
            _check_tenants(requester, report)
        _check_rules(entry, requesters, report)
    if entry is None or report.failed:
        return None
    return Document(_policy(entry, text_hash(text)), entry)


def _check_tenants(requester: Entry, report: Report) -> None:
    if requester["service"] != PRIVATE_ENDPOINT:
        return
    for place, tenant in requester.items("tenants"):
        if tenant in MICROSOFT_TENANTS:
            report.error(place, "this tenant of Microsoft holds the managed private endpoints of every customer")


def _check_rules(policy: Entry, requesters: dict[str, Entry | None], report: Report) -> None:
    first_line: dict[str, int] = {}
    for _, rule in policy.items("rules"):
        name = rule["name"]
        if name in first_line:
            report.error(rule.place("name"), f"another rule has the name {name}: line {first_line[name]}")
        elif name is not None:
            first_line[name] = rule.place("name").line
        _check_requesters(rule, requesters, report)
        _check_tags(rule, report)
        _check_firewall(rule, report)


def _check_requesters(rule: Entry, requesters: dict[str, Entry | None], report: Report) -> None:
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


def _check_firewall(rule: Entry, report: Report) -> None:
    firewall, targets = rule["firewall"], rule["targets"]
    if firewall is None or not isinstance(targets, Entry):
        return
    named = {name: target_type(name) for _, name in targets.items("types")}
    named |= {resource.type: target_type(resource.type) for _, resource in targets.items("resources")}
    for known in {t.name: t for t in named.values() if t}.values():
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


def _policy(entry: Entry, text_hash: str) -> Policy:
    return Policy(
        hash=text_hash,
        mode=Mode(entry["mode"]),
        scope=_scope(entry["scope"]),
        requesters={name: _requester(name, value) for name, value in (entry["requesters"] or {}).items()},
        rules=tuple(_rule(rule) for rule in entry["rules"]),
    )


def _scope(entry: Entry) -> Scope:
    return Scope(_set(entry["subscriptions"]), _keys(entry["resourceGroups"]), _set(entry["managementGroups"]))


def _requester(name: str, entry: Entry) -> Requester:
    service = entry["service"]
    if service == PRIVATE_ENDPOINT:
        return PrivateEndpointRequester(
            name,
            _set(entry["tenants"]),
            _set(entry["subscriptions"]),
            _keys(entry["resourceGroups"]),
            _keys(entry["privateEndpoints"]),
        )
    named = _set(entry["endpointTenants"])
    return ServiceRequester(
        name, service, entry["resource"], bool(entry["requireMessage"]), named or MICROSOFT_TENANTS, bool(named)
    )


def _rule(entry: Entry) -> Rule:
    requesters = entry["requesters"]
    return Rule(
        name=entry["name"],
        effect=Effect(entry["effect"]),
        requesters=None if requesters == (schema.ANY,) else requesters,
        targets=_targets(entry["targets"]) if isinstance(entry["targets"], Entry) else Targets(),
        sub_resources=_set(entry["subResources"]),
        firewall=_firewall(entry["firewall"]) if entry["firewall"] else None,
        owner=entry["owner"],
        expires=entry["expires"],
        max_connections=entry["maxConnections"],
        mode=Mode(entry["mode"] or Mode.ENFORCE),
        line=entry.node.line,
    )


def _targets(entry: Entry) -> Targets:
    return Targets(
        frozenset(fold(name) for name in entry["types"] or ()),
        _set(entry["subscriptions"]),
        _keys(entry["resourceGroups"]),
        _keys(entry["resources"]),
        dict(entry["tags"] or {}),
    )


def _firewall(entry: Entry) -> FirewallWish:
    return FirewallWish(entry["publicNetworkAccess"], entry["trustedServices"], entry["settleSeconds"])


def _set(values: tuple[str, ...] | None) -> frozenset[str]:
    return frozenset(values or ())


def _keys(resources: tuple[Any, ...] | None) -> frozenset[str]:
    return frozenset(resource.key for resource in resources or ())
