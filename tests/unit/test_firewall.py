"""The difference of is and wanted: at least as strict as the wish, and never looser than before."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.firewall import Change, Firewall, FirewallWish, difference
from shared.model.target_types import TARGET_TYPES, TargetType

STORAGE = TARGET_TYPES["microsoft.storage/storageaccounts"]
EVENT_HUBS = TARGET_TYPES["microsoft.eventhub/namespaces"]
SQL = TARGET_TYPES["microsoft.sql/servers"]
KUSTO = TARGET_TYPES["microsoft.kusto/clusters"]
TWINS = TARGET_TYPES["microsoft.digitaltwins/digitaltwinsinstances"]
OPEN = Firewall("Enabled", "Allow", True, ("ip 203.0.113.7",))
SELECTED, DISABLED, DENY = FirewallWish("selectedNetworks"), FirewallWish("disabled"), FirewallWish(None, "deny")

firewalls = st.builds(
    Firewall,
    st.sampled_from(["Enabled", "Disabled", "SecuredByPerimeter"]),
    st.sampled_from(["Allow", "Deny"]),
    st.booleans(),
    st.sampled_from([(), ("ip 203.0.113.7",)]),
    st.booleans(),
)
wishes = st.builds(
    FirewallWish, st.sampled_from([None, "selectedNetworks", "disabled"]), st.sampled_from(["keep", "deny"])
)
types = st.sampled_from(list(TARGET_TYPES.values()))


@pytest.mark.parametrize(
    ("wish", "kind", "after"),
    [
        (SELECTED, STORAGE, replace(OPEN, default_action="Deny")),
        (DISABLED, STORAGE, replace(OPEN, public_network_access="Disabled")),
        (DENY, STORAGE, replace(OPEN, trusted_services=False)),
        (
            FirewallWish("selectedNetworks", "deny"),
            STORAGE,
            replace(OPEN, default_action="Deny", trusted_services=False),
        ),
        (SELECTED, SQL, None),
        (SELECTED, KUSTO, None),
        (FirewallWish(), STORAGE, None),
    ],
)
def test_what_is_asked_is_what_changes(wish: FirewallWish, kind: TargetType, after: Firewall | None) -> None:
    assert difference(OPEN, wish, kind) == Change(after)


@pytest.mark.parametrize("access", ["Disabled", "SecuredByPerimeter"])
def test_selected_networks_never_reopen_what_is_stricter(access: str) -> None:
    assert difference(replace(OPEN, public_network_access=access), SELECTED, STORAGE) == Change()


def test_two_places_that_disagree_are_brought_together_by_disabled() -> None:
    now = replace(OPEN, public_network_access="Disabled", consistent=False)
    assert difference(now, DISABLED, EVENT_HUBS).after == replace(now, consistent=True)


@pytest.mark.parametrize("kind", [EVENT_HUBS, KUSTO], ids=lambda kind: kind.name)
def test_a_type_that_stays_open_without_rules_refuses_selected_networks(kind: TargetType) -> None:
    change = difference(replace(OPEN, rules=()), SELECTED, kind)
    assert change.after is None
    assert "at least one ip or network rule" in str(change.problem)


def test_what_a_type_cannot_do_is_a_problem_and_not_a_change() -> None:
    assert "no selected networks" in str(difference(OPEN, SELECTED, TWINS).problem)
    assert "no trusted-services exception" in str(difference(OPEN, DENY, TWINS).problem)


@given(firewalls, wishes, types)
def test_nothing_is_ever_loosened_and_no_rule_is_ever_lost(now: Firewall, wish: FirewallWish, kind: TargetType) -> None:
    change = difference(now, wish, kind)
    after = change.after or now
    assert after.rules == now.rules
    assert after.public_network_access in (now.public_network_access, "Disabled")
    assert after.default_action in (now.default_action, "Deny")
    assert now.trusted_services or not after.trusted_services
    assert not (change.after and change.problem)


@given(firewalls, wishes, types)
def test_what_is_done_needs_not_be_done_again(now: Firewall, wish: FirewallWish, kind: TargetType) -> None:
    after = difference(now, wish, kind).after
    assert after is None or difference(after, wish, kind) == Change()


@given(firewalls)
def test_a_firewall_is_read_back_as_it_was_written(firewall: Firewall) -> None:
    assert Firewall.from_json(json.loads(json.dumps(firewall.whole()))) == firewall


@given(firewalls)
def test_of_a_firewall_that_was_shown_only_the_number_of_its_rules_is_read_back(firewall: Firewall) -> None:
    back = Firewall.from_json(json.loads(json.dumps(firewall.shown())))
    assert back.shown() == firewall.shown()
    assert set(back.rules) <= {"a rule"}


def test_a_whole_firewall_is_what_is_shown_of_it_rule_by_rule() -> None:
    assert OPEN.shown()["rules"] == 1
    assert OPEN.whole() == OPEN.shown() | {"rules": ["ip 203.0.113.7"]}
    assert replace(OPEN, consistent=False).whole()["consistent"] is False


@pytest.mark.parametrize(
    "found",
    [
        None, [], "Enabled", {}, {"publicNetworkAccess": "Enabled"}, OPEN.shown() | {"publicNetworkAccess": None},
        OPEN.shown() | {"defaultAction": 1}, OPEN.shown() | {"trustedServices": "yes"}, OPEN.shown() | {"rules": -1},
        OPEN.shown() | {"rules": True}, OPEN.shown() | {"rules": 10**12}, OPEN.shown() | {"rules": [1]},
        OPEN.shown() | {"rules": "all"}, OPEN.shown() | {"consistent": "yes"},
    ],
)  # fmt: skip
def test_what_is_no_firewall_is_not_read_as_one(found: object) -> None:
    with pytest.raises(ValueError, match="not a firewall"):
        Firewall.from_json(found)
