"""Firewalls on the wire: what they say in words, what is written to tighten them, and the way back. Pure."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from shared.model.firewall import Firewall
from shared.model.target_types import FirewallForm
from shared.targets.firewalls import FORMS
from shared.targets.firewalls.form import Request, same

Json = dict[str, Any]
RULES, NETWORKS, RULE_SET = "/firewallRules", "/virtualNetworkRules", "/networkRuleSets/default"
ANY = "0.0.0.0"  # noqa: S104  # the range that stands for Azure itself
SUBNET = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/virtualNetworks/v/subnets/s"


def resource(**properties: Any) -> dict[str, Any]:
    return {"": {"properties": properties}}


STORAGE = resource(
    networkAcls={
        "defaultAction": "Allow",
        "bypass": "Logging, Metrics, AzureServices",
        "ipRules": [{"value": "203.0.113.7", "action": "Allow"}],
        "virtualNetworkRules": [{"id": SUBNET, "action": "Allow", "state": "Succeeded"}],
        "resourceAccessRules": [{"tenantId": "t", "resourceId": "/subscriptions/s/x"}],
    },
)
VAULT = resource(publicNetworkAccess="Enabled", networkAcls={"bypass": "AzureServices", "defaultAction": "Allow",
                                                              "ipRules": [{"value": "203.0.113.0/24"}]})  # fmt: skip
RULES_OF_A_NAMESPACE = {"publicNetworkAccess": "Enabled", "defaultAction": "Allow", "trustedServiceAccessEnabled": True,
                        "ipRules": [{"ipMask": "203.0.113.7", "action": "Allow"}],
                        "virtualNetworkRules": [{"subnet": {"id": SUBNET}}]}  # fmt: skip
NAMESPACE = resource(publicNetworkAccess="Enabled") | {RULE_SET: {"properties": RULES_OF_A_NAMESPACE}}
HUB: dict[str, Json] = {
    "": {
        "etag": "AAA=",
        "location": "westeurope",
        "sku": {"name": "S1"},
        "properties": {
            "hostName": "h",
            "networkRuleSets": {
                "defaultAction": "Allow",
                "applyToBuiltInEventHubEndpoint": True,
                "ipRules": [{"filterName": "office", "action": "Allow", "ipMask": "203.0.113.7"}],
            },
        },
    }
}


def sql_rule(name: str, first: str, last: str) -> Json:
    return {"name": name, "properties": {"startIpAddress": first, "endIpAddress": last}}


SERVER = resource(publicNetworkAccess="Enabled") | {
    RULES: [
        sql_rule("office", "203.0.113.7", "203.0.113.9"),
        sql_rule("AllowAllWindowsAzureIps", ANY, ANY),
    ],
    NETWORKS: [{"name": "net", "properties": {"virtualNetworkSubnetId": SUBNET}}],
}
CLUSTER = resource(publicNetworkAccess="Enabled", allowedIpRangeList=["203.0.113.0/24"])
TWIN = resource()

OPEN: list[tuple[FirewallForm, Json]] = [
    (FirewallForm.STORAGE_ACLS, STORAGE),
    (FirewallForm.VAULT_ACLS, VAULT),
    (FirewallForm.RULE_SET, NAMESPACE),
    (FirewallForm.HUB_RULE_SETS, HUB),
    (FirewallForm.SERVER_RULES, SERVER),
    (FirewallForm.PUBLIC_ACCESS, CLUSTER),
    (FirewallForm.PUBLIC_ACCESS, TWIN),
]
each_form = pytest.mark.parametrize(("name", "parts"), OPEN, ids=lambda value: value if isinstance(value, str) else "")


def applied(parts: Json, request: Request) -> Json:
    """The parts after ARM took a request, for the forms whose writes are plain merges or replacements."""
    after = copy.deepcopy(parts)
    if request.path.startswith(f"{RULES}/"):
        name = request.path.removeprefix(f"{RULES}/")
        after[RULES] = [rule for rule in after[RULES] if rule["name"] != name]
        if request.body:
            after[RULES].append({"name": name, **request.body})
    elif request.path:
        after[request.path] = request.body
    elif request.method == "PUT":
        after[""] = request.body
    else:
        properties = (request.body or {})["properties"]
        merged = {**after[""]["properties"], **properties}
        if "networkAcls" in properties:
            merged["networkAcls"] = {**(after[""]["properties"].get("networkAcls") or {}), **properties["networkAcls"]}
        after[""]["properties"] = merged
    return after


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
                 {"If-Match": "AAA="})),
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


def test_states_are_the_same_in_any_order_and_case() -> None:
    one = {"rules": [{"id": "/Subnets/A"}, {"id": "/subnets/b"}], "access": "Enabled"}
    other = {"access": "enabled", "rules": [{"id": "/subnets/B"}, {"id": "/subnets/a"}]}
    assert same(one, other)
    assert not same(one, other | {"rules": [{"id": "/subnets/a"}]})
