"""A policy document: text in, a valid policy or every finding out. Pure.

What each key may say by itself is declared in `schema`, what several may say together is `refusals`' to decide.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from shared.model.firewall import FirewallWish
from shared.model.requester import (
    MICROSOFT_TENANTS,
    PRIVATE_ENDPOINT,
    PrivateEndpointRequester,
    Requester,
    ServiceRequester,
)
from shared.policy.language import schema
from shared.policy.language.findings import InvalidPolicyError, Report
from shared.policy.language.records import Entry
from shared.policy.language.refusals import refuse
from shared.policy.language.yaml_nodes import parse
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
    shown = text if isinstance(text, str) else text.decode("utf-8", "replace")
    return replace(document.policy, text=shown)


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
        refuse(entry, report)
    if entry is None or report.failed:
        return None
    return Document(_policy(entry, text_hash(text)), entry)


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
