"""The next request to a firewall from each reading anew: towards a wish, and back to what was. Pure."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.firewall import Firewall, FirewallWish
from shared.model.target_types import TARGET_TYPES, TargetType
from shared.targets.adapter import FirewallReading
from shared.targets.firewall_steps import FirewallStep, change_of, next_restoring, next_tightening, restored
from shared.targets.firewalls import FORMS
from shared.targets.firewalls.form import Request, between, same
from tests.unit.targets.resources import (
    HUB,
    OPEN,
    RULE_SET,
    RULES,
    SERVER,
    STORAGE,
    Json,
    applied,
    resource,
    sql_rule,
)  # fmt: skip

STORAGE_TYPE = TARGET_TYPES["microsoft.storage/storageaccounts"]
EVENT_HUBS = TARGET_TYPES["microsoft.eventhub/namespaces"]
SQL = TARGET_TYPES["microsoft.sql/servers"]
HUBS = TARGET_TYPES["microsoft.devices/iothubs"]
DISABLED, DENY = FirewallWish("disabled"), FirewallWish(None, "deny")
SELECTED, BOTH = FirewallWish("selectedNetworks"), FirewallWish("disabled", "deny")
EXCEPTION = sql_rule("AllowAllWindowsAzureIps", "0.0.0.0", "0.0.0.0")  # noqa: S104
Change = Callable[[Json], Json]


def read(kind: TargetType, parts: Json) -> FirewallReading:
    form = FORMS[kind.firewall]
    state = form.state(parts)
    return FirewallReading(form.to_firewall(state), state, parts, form.obstacle(parts))


def taken(kind: TargetType, parts: Json, wish: FirewallWish, take: Callable[[Json, Request], Json] = applied,
          meanwhile: Change = lambda parts: parts) -> Iterator[tuple[Request, Json]]:  # fmt: skip
    """Every request towards the wish, with what is there after it; others may change that before it is read again."""
    while (request := next_tightening(kind, read(kind, parts), wish).request) is not None:
        parts = meanwhile(take(parts, request))
        yield request, parts


def filled_in(parts: Json, request: Request) -> Json:
    """What a storage account makes of a write: every rule that it keeps gets the default of `action`, asked for or not."""
    after = applied(parts, request)
    acls = after[""]["properties"]["networkAcls"]
    acls["ipRules"] = [{"action": "Allow", **rule} for rule in acls["ipRules"]]
    return after


def followed(parts: Json, request: Request) -> Json:
    """A namespace that takes over the public access of its rule set."""
    after = applied(parts, request)
    if request.path == RULE_SET and request.body:
        after[""]["properties"]["publicNetworkAccess"] = request.body["properties"]["publicNetworkAccess"]
    return after


def namespace(namespace: str, rule_set: str, **rules: Any) -> Json:
    kept = {"publicNetworkAccess": rule_set, "defaultAction": "Deny", "trustedServiceAccessEnabled": True,
            "ipRules": [{"ipMask": "203.0.113.7", "action": "Allow"}], "virtualNetworkRules": []}  # fmt: skip
    return resource(publicNetworkAccess=namespace) | {RULE_SET: {"properties": kept | rules}}


def test_a_firewall_is_closed_one_request_after_another_and_then_nothing_is_left() -> None:
    requests, parts = zip(*taken(SQL, SERVER, BOTH), strict=True)
    assert [(r.method, r.path) for r in requests] == [("PATCH", ""), ("DELETE", f"{RULES}/AllowAllWindowsAzureIps")]
    assert next_tightening(SQL, read(SQL, parts[-1]), BOTH) == FirewallStep()
    assert next_tightening(SQL, read(SQL, parts[-1]), BOTH).reached


def test_a_sql_rule_that_a_person_adds_while_public_access_is_closed_stays() -> None:
    added = sql_rule("home", "203.0.113.99", "203.0.113.99")

    def add(parts: Json) -> Json:
        return parts | {RULES: [*(rule for rule in parts[RULES] if rule["name"] != "home"), added]}

    requests, parts = zip(*taken(SQL, SERVER, BOTH, meanwhile=add), strict=True)

    assert added in parts[-1][RULES]
    assert not any("home" in request.path for request in requests)


def test_a_rule_that_a_person_removes_while_the_namespace_is_closed_stays_away() -> None:
    def remove(parts: Json) -> Json:
        after = copy.deepcopy(parts)
        after[RULE_SET]["properties"]["ipRules"] = []
        return after

    *_, (_, after) = taken(EVENT_HUBS, namespace("Enabled", "Enabled"), BOTH, meanwhile=remove)

    assert after[RULE_SET]["properties"]["ipRules"] == []


def test_the_exceptions_rule_goes_also_where_public_access_is_disabled_already() -> None:
    half_way = SERVER | resource(publicNetworkAccess="Disabled")
    gone = Request("DELETE", f"{RULES}/AllowAllWindowsAzureIps")
    assert next_tightening(SQL, read(SQL, half_way), BOTH).request == gone
    assert next_tightening(SQL, read(SQL, half_way), DENY).request == gone
    assert next_tightening(SQL, read(SQL, half_way), DISABLED).reached, "nobody asks for the exception any more"


def test_a_provider_that_adds_a_field_to_every_rule_gets_one_request_and_no_second() -> None:
    listed = copy.deepcopy(STORAGE)
    listed[""]["properties"]["networkAcls"]["ipRules"] = [{"value": "203.0.113.7"}]

    (only,) = taken(STORAGE_TYPE, listed, SELECTED, filled_in)

    assert only[1][""]["properties"]["networkAcls"]["ipRules"] == [{"value": "203.0.113.7", "action": "Allow"}]


def test_a_firewall_is_restored_whatever_a_provider_has_added_to_its_rules() -> None:
    listed = copy.deepcopy(STORAGE)
    listed[""]["properties"]["networkAcls"]["ipRules"] = [{"value": "203.0.113.7"}, {"value": "203.0.113.8"}]
    before = read(STORAGE_TYPE, listed).state
    (_, closed), = taken(STORAGE_TYPE, listed, SELECTED, filled_in)  # fmt: skip
    closed[""]["properties"]["networkAcls"]["ipRules"].pop()
    assert not restored(STORAGE_TYPE, read(STORAGE_TYPE, closed), before)

    step = next_restoring(STORAGE_TYPE, read(STORAGE_TYPE, closed), before)
    assert step.request
    opened = filled_in(closed, step.request)

    assert read(STORAGE_TYPE, opened).state != before, "the rules have a field more"
    assert next_restoring(STORAGE_TYPE, read(STORAGE_TYPE, opened), before).reached
    assert restored(STORAGE_TYPE, read(STORAGE_TYPE, opened), before)


def test_a_write_that_does_not_show_would_be_asked_for_again_and_is_known_by_its_digest() -> None:
    first = next_tightening(EVENT_HUBS, read(EVENT_HUBS, namespace("Enabled", "Enabled")), BOTH).request
    added = namespace("Enabled", "Enabled", ipRules=[{"ipMask": "203.0.113.7", "action": "Allow", "new": 1}])
    again = next_tightening(EVENT_HUBS, read(EVENT_HUBS, added), BOTH).request
    assert first
    assert again
    assert first.body != again.body
    assert first.digest == again.digest


@pytest.mark.parametrize(("one", "other"), [("Enabled", "SecuredByPerimeter"), ("SecuredByPerimeter", "Enabled")])
@pytest.mark.parametrize("take", [applied, followed])
def test_a_perimeter_is_not_loosened_where_namespace_and_rule_set_disagree(
    one: str, other: str, take: Callable[[Json, Request], Json]
) -> None:
    parts = namespace(one, other)
    assert read(EVENT_HUBS, parts).firewall.public_network_access == "SecuredByPerimeter"
    assert next_tightening(EVENT_HUBS, read(EVENT_HUBS, parts), SELECTED).reached

    ((request, after),) = taken(EVENT_HUBS, parts, DENY, take)

    assert request.path == RULE_SET
    assert after[RULE_SET]["properties"]["publicNetworkAccess"] == "SecuredByPerimeter"
    assert after[RULE_SET]["properties"]["trustedServiceAccessEnabled"] is False
    if take is applied:
        assert after[""]["properties"]["publicNetworkAccess"] == one, "nobody asked for public access"


@pytest.mark.parametrize(
    ("one", "other"), [("Enabled", "SecuredByPerimeter"), ("SecuredByPerimeter", "Disabled"), ("Disabled", "Enabled")]
)
@pytest.mark.parametrize("take", [applied, followed])
def test_places_that_disagree_are_both_closed_where_the_wish_asks_for_it(
    one: str, other: str, take: Callable[[Json, Request], Json]
) -> None:
    *_, (_, after) = taken(EVENT_HUBS, namespace(one, other), DISABLED, take)
    words = read(EVENT_HUBS, after).firewall
    assert (words.public_network_access, words.consistent) == ("Disabled", True)


@pytest.mark.parametrize("take", [applied, followed])
def test_places_that_disagreed_are_put_back_as_the_stricter_one(take: Callable[[Json, Request], Json]) -> None:
    form = FORMS[EVENT_HUBS.firewall]
    seen = namespace("Disabled", "Disabled")
    wanted = form.restorable(form.state(namespace("SecuredByPerimeter", "Enabled")))
    parts = seen
    while (request := next_restoring(EVENT_HUBS, read(EVENT_HUBS, parts), wanted).request) is not None:
        parts = take(parts, request)
        assert between(form.state(parts), form.state(seen), wanted)
    words = read(EVENT_HUBS, parts).firewall
    assert (words.public_network_access, words.consistent) == ("SecuredByPerimeter", True)


def test_what_cannot_be_done_is_a_problem_and_no_request() -> None:
    assert "at least one" in str(next_tightening(HUBS, read(HUBS, resource()), SELECTED).problem)
    secret = {"routing": {"endpoints": {"eventHubs": [{"connectionString": "SharedAccessKey=****;"}]}}}
    masked = read(HUBS, resource(**secret))
    assert "masked" in str(next_tightening(HUBS, masked, DISABLED).problem)
    assert "masked" in str(change_of(HUBS, masked, DISABLED).problem)
    assert "masked" in str(next_restoring(HUBS, masked, {"publicNetworkAccess": "Disabled"}).problem)
    assert next_tightening(HUBS, masked, FirewallWish()).reached, "nothing is asked of it"
    assert next_restoring(HUBS, masked, masked.state).reached


def test_words_that_no_request_can_bring_about_are_a_problem_and_not_done() -> None:
    closed = read(HUBS, resource(publicNetworkAccess="Disabled"))
    odd = replace(closed, firewall=Firewall("Enabled", "Allow", None))
    assert "no request" in str(next_tightening(HUBS, odd, DISABLED).problem)


def test_a_hubs_rule_sets_keep_what_this_app_does_not_know() -> None:
    parts = copy.deepcopy(HUB)
    parts[""]["properties"]["networkRuleSets"]["later"] = 1
    request = next_tightening(HUBS, read(HUBS, parts), SELECTED).request
    assert request
    assert request.body
    assert request.body["properties"]["networkRuleSets"] == {
        **parts[""]["properties"]["networkRuleSets"],
        "defaultAction": "Deny",
    }


types_and_parts = st.sampled_from(
    [(kind, parts) for kind in TARGET_TYPES.values() for form, parts in OPEN if form is kind.firewall]
)
accesses = st.sampled_from([None, "Enabled", "Disabled", "SecuredByPerimeter"])
wishes = st.builds(
    FirewallWish, st.sampled_from([None, "selectedNetworks", "disabled"]), st.sampled_from(["keep", "deny"])
)
RANKS = {"Enabled": 0, "SecuredByPerimeter": 1, "Disabled": 2}


@given(types_and_parts, wishes, accesses, accesses, st.sampled_from([applied, followed]), st.booleans())
def test_every_form_comes_to_what_is_asked_writes_nothing_twice_and_loosens_nothing(
    typed: tuple[TargetType, Json],
    wish: FirewallWish,
    access: str | None,
    other: str | None,
    take: Callable[[Json, Request], Json],
    without_exception: bool,  # hypothesis passes it by position
) -> None:
    kind, parts = copy.deepcopy(typed)
    if access is not None:
        parts[""]["properties"]["publicNetworkAccess"] = access
    if other is not None and RULE_SET in parts:
        parts[RULE_SET]["properties"]["publicNetworkAccess"] = other
    if without_exception and RULES in parts:
        parts[RULES].remove(EXCEPTION)
    before = read(kind, parts)
    written: list[str] = []
    last = before
    for request, after in taken(kind, parts, wish, take):
        written.append(request.digest)
        now = read(kind, after)
        assert RANKS[now.firewall.public_network_access] >= RANKS[last.firewall.public_network_access]
        assert now.firewall.rules == before.firewall.rules
        assert (now.firewall.default_action, last.firewall.default_action) != ("Allow", "Deny")
        assert last.firewall.trusted_services or not now.firewall.trusted_services
        last = now
    assert len(set(written)) == len(written) <= 2
    end = change_of(kind, last, wish)
    assert end.after is None
    assert end.problem == change_of(kind, before, wish).problem


@given(types_and_parts, wishes)
def test_every_form_comes_back_from_what_was_asked(typed: tuple[TargetType, Json], wish: FirewallWish) -> None:
    kind, parts = copy.deepcopy(typed)
    form = FORMS[kind.firewall]
    wanted = form.restorable(form.state(parts))
    assert same(wanted, form.state(parts))
    for _, after in taken(kind, parts, wish):
        parts = after
    seen = form.state(parts)
    while (request := next_restoring(kind, read(kind, parts), wanted).request) is not None:
        parts = applied(parts, request)
        assert between(form.state(parts), seen, wanted)
    assert restored(kind, read(kind, parts), wanted)
