"""Firewalls on the wire: what they say in words, what is written to tighten them, and the way back. Pure."""

from __future__ import annotations

import pytest

from shared.model.firewall import Firewall
from shared.model.target_types import FirewallForm
from shared.targets.firewalls import FORMS
from shared.targets.firewalls.form import Request, same
from tests.unit.targets.resources import (
    CLUSTER,
    HUB,
    NAMESPACE,
    OPEN,
    RULE_SET,
    RULES,
    RULES_OF_A_NAMESPACE,
    SERVER,
    STORAGE,
    SUBNET,
    VAULT,
    Json,
    applied,
    resource,
    sql_rule,
)  # fmt: skip

each_form = pytest.mark.parametrize(("name", "parts"), OPEN, ids=lambda value: value if isinstance(value, str) else "")


def led(name: FirewallForm, parts: Json, wanted: Json) -> tuple[Json, list[Request]]:
    """The parts once every step is taken, and the steps."""
    form, steps = FORMS[name], []
    while (request := form.step(parts, wanted)) is not None:
        steps.append(request)
        parts = applied(parts, request)
        assert len(steps) < 9
    return parts, steps


@each_form
def test_what_has_reached_its_state_needs_no_request(name: FirewallForm, parts: Json) -> None:
    form = FORMS[name]
    assert form.step(parts, form.state(parts)) is None
    assert form.step(parts, form.tightened(form.state(parts), form.to_firewall(form.state(parts)))) is None


@each_form
def test_every_form_can_be_disabled_keeps_its_rules_and_comes_back_to_what_it_was(
    name: FirewallForm, parts: Json
) -> None:
    form = FORMS[name]
    before = form.state(parts)
    words = form.to_firewall(before)

    closed, there = led(name, parts, form.tightened(before, Firewall("Disabled", words.default_action,
                                                                      words.trusted_services, words.rules)))  # fmt: skip
    opened, back = led(name, closed, before)

    assert form.to_firewall(form.state(closed)).public_network_access == "Disabled"
    assert form.to_firewall(form.state(closed)).rules == words.rules
    assert same(form.state(opened), before)
    assert 1 <= len(there) == len(back) <= 2


@pytest.mark.parametrize(
    ("name", "parts", "words"),
    [
        (FirewallForm.STORAGE_ACLS, STORAGE, Firewall("Enabled", "Allow", True, (
            "ip 203.0.113.7", f"subnet {SUBNET}", "resource /subscriptions/s/x"))),
        (FirewallForm.STORAGE_ACLS, resource(), Firewall("Enabled", "Allow", True)),
        (FirewallForm.VAULT_ACLS, VAULT, Firewall("Enabled", "Allow", True, ("ip 203.0.113.0/24",))),
        (FirewallForm.VAULT_ACLS, resource(publicNetworkAccess="disabled", networkAcls={"bypass": "None",
            "defaultAction": "deny"}), Firewall("Disabled", "Deny", False)),
        (FirewallForm.RULE_SET, NAMESPACE, Firewall("Enabled", "Allow", True, ("ip 203.0.113.7", f"subnet {SUBNET}"))),
        (FirewallForm.RULE_SET, resource() | {RULE_SET: {"properties": {"publicNetworkAccess": "Disabled"}}},
            Firewall("Disabled", "Allow", False)),
        (FirewallForm.HUB_RULE_SETS, HUB, Firewall("Enabled", "Allow", None, ("ip 203.0.113.7",))),
        (FirewallForm.HUB_RULE_SETS, resource(), Firewall("Enabled", "Allow", None)),
        (FirewallForm.SERVER_RULES, SERVER, Firewall("Enabled", None, True, (
            "ip 203.0.113.7 to 203.0.113.9 (office)", f"subnet {SUBNET}"))),
        (FirewallForm.PUBLIC_ACCESS, CLUSTER, Firewall("Enabled", None, None, ("ip 203.0.113.0/24",))),
        (FirewallForm.PUBLIC_ACCESS, resource(publicNetworkAccess=None), Firewall("Enabled")),
    ],
)  # fmt: skip
def test_a_firewall_in_words(name: FirewallForm, parts: Json, words: Firewall) -> None:
    assert FORMS[name].to_firewall(FORMS[name].state(parts)) == words


@pytest.mark.parametrize(
    ("name", "parts", "wanted", "request_"),
    [
        (FirewallForm.STORAGE_ACLS, STORAGE, Firewall("Enabled", "Deny", True),
         Request("PATCH", body={"properties": {"networkAcls": {"defaultAction": "Deny"}}})),
        (FirewallForm.STORAGE_ACLS, STORAGE, Firewall("Enabled", "Allow", False),
         Request("PATCH", body={"properties": {"networkAcls": {"defaultAction": "Allow", "bypass": "Logging, Metrics"}}})),
        (FirewallForm.STORAGE_ACLS, STORAGE, Firewall("Disabled", "Allow", True),
         Request("PATCH", body={"properties": {"publicNetworkAccess": "Disabled"}})),
        (FirewallForm.VAULT_ACLS, VAULT, Firewall("Enabled", "Deny", False),
         Request("PATCH", body={"properties": {"publicNetworkAccess": "Enabled", "networkAcls": {
             "bypass": "None", "defaultAction": "Deny", "ipRules": [{"value": "203.0.113.0/24"}],
             "virtualNetworkRules": []}}})),
        (FirewallForm.RULE_SET, NAMESPACE, Firewall("Enabled", "Deny", True),
         Request("PUT", RULE_SET, {"properties": {**RULES_OF_A_NAMESPACE, "defaultAction": "Deny"}})),
        (FirewallForm.HUB_RULE_SETS, HUB, Firewall("Disabled", "Allow"),
         Request("PUT", "", {**HUB[""], "properties": {**HUB[""]["properties"], "publicNetworkAccess": "Disabled"}},
                 {"If-Match": "AAA="}, {"publicNetworkAccess": "Disabled"})),
        (FirewallForm.SERVER_RULES, SERVER, Firewall("Enabled", None, False),
         Request("DELETE", f"{RULES}/AllowAllWindowsAzureIps")),
        (FirewallForm.PUBLIC_ACCESS, CLUSTER, Firewall("Disabled"),
         Request("PATCH", body={"properties": {"publicNetworkAccess": "Disabled"}})),
    ],
)  # fmt: skip
def test_only_what_must_be_sent_is_sent(name: FirewallForm, parts: Json, wanted: Firewall, request_: Request) -> None:
    form = FORMS[name]
    assert form.step(parts, form.tightened(form.state(parts), wanted)) == request_


def test_a_namespace_that_does_not_follow_its_rule_set_is_written_too() -> None:
    parts = resource(publicNetworkAccess="Enabled") | {RULE_SET: {"properties": {"publicNetworkAccess": "Disabled"}}}
    form = FORMS[FirewallForm.RULE_SET]
    assert not form.to_firewall(form.state(parts)).consistent

    wanted = form.tightened(form.state(parts), Firewall("Disabled", "Allow", False))

    assert form.step(parts, wanted) == Request("PATCH", body={"properties": {"publicNetworkAccess": "Disabled"}})


@pytest.mark.parametrize("access", ["Enabled", "Disabled"])
def test_a_namespace_whose_two_places_disagree_is_closed_in_both_by_any_write(access: str) -> None:
    other = "Disabled" if access == "Enabled" else "Enabled"
    rules = {**RULES_OF_A_NAMESPACE, "publicNetworkAccess": other}
    parts = resource(publicNetworkAccess=access) | {RULE_SET: {"properties": rules}}
    form = FORMS[FirewallForm.RULE_SET]
    words = form.to_firewall(form.state(parts))

    closed, _ = led(FirewallForm.RULE_SET, parts, form.tightened(form.state(parts), Firewall(
        words.public_network_access, "Deny", False)))  # fmt: skip

    assert closed[RULE_SET]["properties"]["publicNetworkAccess"] == "Disabled"


def test_a_sql_rules_name_may_be_any_text() -> None:
    parts = SERVER | {RULES: [sql_rule("from the/office", "203.0.113.7", "203.0.113.7")]}
    request = FORMS[FirewallForm.SERVER_RULES].step(
        parts, {"publicNetworkAccess": "Enabled", "rules": {}, "subnets": []}
    )
    assert request == Request("DELETE", f"{RULES}/from%20the%2Foffice")


@pytest.mark.parametrize(
    ("properties", "where"),
    [
        ({"storageEndpoints": {"$default": {"connectionString": "AccountName=a;AccountKey=****"}}}, "storageEndpoints"),
        ({"routing": {"endpoints": {"eventHubs": [{"connectionString": "SharedAccessKey=****;"}]}}}, "routing"),
    ],
)
def test_a_hub_with_masked_secrets_must_not_be_written(properties: Json, where: str) -> None:
    obstacle = FORMS[FirewallForm.HUB_RULE_SETS].obstacle(resource(**properties))
    assert obstacle is not None
    assert f"the hub's {where} hold" in obstacle


@each_form
def test_nothing_keeps_an_ordinary_resource_from_being_written(name: FirewallForm, parts: Json) -> None:
    assert FORMS[name].obstacle(parts) is None
