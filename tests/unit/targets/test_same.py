"""When two firewalls say the same, when our own requests explain one, and when a write is the same write again. Pure."""

from __future__ import annotations

from typing import Any

import pytest

from shared.targets.firewalls.form import Request, between, rule_in_words, same

SUBNET = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
RESOURCE = "/subscriptions/*/resourceGroups/*/providers/Microsoft.Synapse/workspaces/*"


def acls(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"networkAcls": {"defaultAction": "Deny", "ipRules": list(rules)}}


def test_states_are_the_same_in_any_order_and_case() -> None:
    one = {"rules": [{"id": "/Subnets/A"}, {"id": "/subnets/b"}], "access": "Enabled"}
    other = {"access": "enabled", "rules": [{"id": "/subnets/B"}, {"id": "/subnets/a"}]}
    assert same(one, other)
    assert not same(one, other | {"rules": [{"id": "/subnets/a"}]})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"value": "203.0.113.7"}, {"value": "203.0.113.7", "action": "Allow"}),
        ({"value": "203.0.113.7"}, {"value": "203.0.113.7/32"}),
        ({"ipMask": "203.0.113.0/24"}, {"ipMask": "203.0.113.0/24", "action": "Allow", "filterName": "x"}),
        ({"id": SUBNET, "action": "Allow", "state": "Succeeded"}, {"id": SUBNET.lower()}),
        ({"subnet": {"id": SUBNET}}, {"subnet": {"id": SUBNET, "new": 1}, "ignoreMissingVnetServiceEndpoint": False}),
        ({"tenantId": "t", "resourceId": RESOURCE}, {"tenantId": "T", "resourceId": RESOURCE, "added": True}),
    ],
)
def test_rules_are_the_same_by_what_they_name_whatever_a_provider_adds(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert same(acls(one), acls(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"value": "203.0.113.7"}, {"value": "203.0.113.8"}),
        ({"value": "203.0.113.0/24"}, {"value": "203.0.113.0/25"}),
        ({"id": SUBNET}, {"id": f"{SUBNET}2"}),
        ({"tenantId": "t", "resourceId": RESOURCE}, {"tenantId": "another", "resourceId": RESOURCE}),
        ({"unknown": 1}, {"unknown": 2}),
    ],
)
def test_rules_that_name_something_else_are_not_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert not same(acls(one), acls(other))
    assert not same(acls(one, other), acls(one))


def test_the_words_of_a_bypass_are_the_same_in_any_order() -> None:
    assert same({"bypass": "Logging, AzureServices"}, {"bypass": "azureservices,Logging"})
    assert not same({"bypass": "Logging, AzureServices"}, {"bypass": "Logging"})


def test_what_is_absent_is_as_good_as_empty_and_not_as_good_as_false() -> None:
    assert same({"access": "Enabled"}, {"access": "Enabled", "ranges": [], "other": None})
    assert not same({"trusted": None}, {"trusted": False})


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"value": "203.0.113.7"}, "ip 203.0.113.7"),
        ({"ipMask": "203.0.113.8"}, "ip 203.0.113.8"),
        ({"id": SUBNET}, f"subnet {SUBNET}"),
        ({"subnet": {"id": SUBNET}}, f"subnet {SUBNET}"),
        ({"tenantId": "t", "resourceId": RESOURCE}, f"resource {RESOURCE}"),
        ({"x": 1}, "a rule"),
    ],
)
def test_a_rule_is_told_by_what_it_names(rule: dict[str, Any], words: str) -> None:
    assert rule_in_words(rule) == words


def sql(access: str, *rules: str, **more: Any) -> dict[str, Any]:
    ranges = {"office": ["203.0.113.7", "203.0.113.9"], "azure": ["0.0.0.0", "0.0.0.0"], "new": ["203.0.113.1"] * 2}  # noqa: S104
    return {"publicNetworkAccess": access, "rules": {name: ranges[name] for name in rules}, "subnets": []} | more


@pytest.mark.parametrize(
    ("now", "explained"),
    [
        (sql("Disabled", "office"), True),
        (sql("Enabled", "office"), True),
        (sql("Disabled", "office", "azure"), True),
        (sql("Enabled", "office", "azure"), True),
        (sql("SecuredByPerimeter", "office"), False),
        (sql("Disabled"), False),
        (sql("Disabled", "azure"), False),
        (sql("Disabled", "office", "new"), False),
        (sql("Enabled", "office", "azure", "new"), False),
        (sql("Disabled", "office", subnets=[SUBNET]), False),
        (sql("Disabled", rules={"office": ["203.0.113.7", "203.0.113.99"]}), False),
    ],
)
def test_our_own_steps_explain_a_sql_server_whose_every_rule_is_as_it_was_seen_or_is_wanted(
    now: dict[str, Any], *, explained: bool
) -> None:
    assert between(now, sql("Disabled", "office"), sql("Enabled", "office", "azure")) is explained


@pytest.mark.parametrize(
    ("now", "explained"),
    [
        (("Deny", "7"), True),
        (("Allow", "7"), True),
        (("Deny", "7", "8"), True),
        (("Allow", "8", "7"), True),
        (("Deny",), False),
        (("Deny", "8"), False),
        (("Allow", "7", "8", "9"), False),
    ],
)
def test_our_own_steps_explain_a_list_of_rules_only_as_a_whole(now: tuple[str, ...], *, explained: bool) -> None:
    def state(action: str, *ends: str) -> dict[str, Any]:
        return {"networkAcls": {"defaultAction": action, "ipRules": [{"value": f"203.0.113.{end}"} for end in ends]}}

    assert between(state(*now), state("Deny", "7"), state("Allow", "7", "8")) is explained


def test_members_that_one_of_the_states_does_not_have_are_looked_at_too() -> None:
    seen, wanted = {"access": "Disabled"}, {"access": "Enabled", "networkRuleSets": {"defaultAction": "Deny"}}
    assert between(wanted, seen, wanted)
    assert between({"access": "Enabled"}, seen, wanted)
    assert between({"access": "Enabled", "ranges": []}, seen, wanted)
    assert not between({"access": "Enabled", "networkRuleSets": {"defaultAction": "Allow"}}, seen, wanted)
    assert not between({"access": "Enabled", "ranges": ["203.0.113.7"]}, seen, wanted)


def test_the_digest_of_a_request_is_that_of_what_it_asks() -> None:
    plain = Request("PUT", "/rules", {"properties": acls({"value": "203.0.113.7"})})
    added = Request("PUT", "/rules", {"properties": acls({"action": "Allow", "value": "203.0.113.7"})})
    tagged = Request("PUT", "/rules", plain.body, {"If-Match": "new"})
    assert len(plain.digest) == 32
    assert plain.digest == added.digest == tagged.digest
    others = [
        Request("PUT", "/rules", {"properties": acls({"value": "203.0.113.8"})}),
        Request("PATCH", "/rules", plain.body),
        Request("PUT", "/other", plain.body),
        Request("DELETE", "/rules"),
    ]
    assert len({plain.digest, *(other.digest for other in others)}) == 5


def test_the_digest_of_a_whole_hub_is_that_of_the_part_that_changes() -> None:
    asks = {"publicNetworkAccess": "Disabled"}
    one = Request("PUT", body={"etag": "1", "properties": {"state": "Active", **asks}}, asks=asks)
    again = Request("PUT", body={"etag": "2", "properties": {"state": "Transitioning", **asks}}, asks=asks)
    other = Request("PUT", body=one.body, asks={"publicNetworkAccess": "Enabled"})
    assert one.digest == again.digest != other.digest
