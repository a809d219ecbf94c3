"""What a decision says of the firewall before it is closed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model.connection import Connection
from shared.model.firewall import Change, Firewall, FirewallWish, difference
from shared.model.target_types import TARGET_TYPES, TargetType
from shared.review.preflight import preflight

STORAGE = TARGET_TYPES["microsoft.storage/storageaccounts"]
SQL = TARGET_TYPES["microsoft.sql/servers"]
KUSTO = TARGET_TYPES["microsoft.kusto/clusters"]
NOW = Firewall("Enabled", "Allow", True, ("ip 203.0.113.7", "subnet office"))
SELECTED, DISABLED = FirewallWish("selectedNetworks"), FirewallWish("disabled")
DENY = FirewallWish(None, "deny")


def told(
    wish: FirewallWish, now: Firewall = NOW, kind: TargetType = STORAGE, *connections: Connection
) -> tuple[str, ...]:
    return preflight(now, difference(now, wish, kind), kind, connections)


def test_selected_networks_end_public_access_in_general_and_rules_stay() -> None:
    assert told(SELECTED) == (
        "Public access in general goes: only what a rule names, and private endpoints, reach the target.",
        "These rules stay and keep their access: ip 203.0.113.7, subnet office.",
        "The trusted-services exception stays.",
    )


def test_disabled_leaves_only_private_endpoints_and_is_reported_to_stop_trusted_services_too() -> None:
    access, rules, trusted = told(DISABLED)
    assert access == "Public access goes, all of it: only private endpoints reach the target."
    assert "without effect" in rules
    assert "reported to stop trusted services" in trusted
    assert "Event Grid deliveries" in trusted


def test_what_stops_with_the_exception_is_named() -> None:
    trusted = told(DENY)[-1]
    assert trusted.startswith("Trusted Azure services are cut off. What used the exception stops: ")
    for use in ("diagnostic logs", "Event Grid deliveries", "Data Explorer's ingestion with its managed identity"):
        assert use in trusted


def test_the_exception_of_a_sql_server_lets_other_tenants_in() -> None:
    assert "other tenants" in told(DENY, replace(NOW, default_action=None), SQL)[-1]


def test_a_type_without_the_exception_says_nothing_of_it() -> None:
    sentences = told(DISABLED, Firewall("Enabled", rules=("ip 203.0.113.7",)), KUSTO)
    assert not any("rusted" in sentence for sentence in sentences)


def test_connections_that_are_still_pending_are_named() -> None:
    pending = Connection("/t/privateEndpointConnections/later", "/pe", "Pending")
    approved = Connection("/t/privateEndpointConnections/done", "/pe", "Approved")
    assert told(SELECTED, NOW, STORAGE, pending, approved)[-1] == (
        "Still Pending, and without access until approved: later."
    )


def test_of_many_rules_only_some_are_named() -> None:
    now = replace(NOW, rules=tuple(f"ip 203.0.113.{i}" for i in range(25)))
    assert told(SELECTED, now)[1].endswith("ip 203.0.113.9 and 15 more.")


def test_without_a_rule_nobody_is_let_in() -> None:
    assert told(SELECTED, replace(NOW, rules=()))[1] == "There are no ip or network rules that let anybody in."


def test_nothing_to_do_and_nothing_that_can_be_done_are_said_too() -> None:
    assert told(SELECTED, replace(NOW, default_action="Deny")) == (
        "Nothing changes: the firewall is as strict as the rule asks.",
    )
    assert preflight(NOW, Change(problem="it is locked"), STORAGE, ()) == (
        "The firewall cannot be tightened: it is locked.",
    )


@pytest.mark.parametrize("name", ["<b>x</b>", "a\nb"])
def test_a_requesters_words_in_a_connections_name_are_one_line_without_markup(name: str) -> None:
    sentence = told(SELECTED, NOW, STORAGE, Connection(f"/t/c/{name}", "/pe", "Pending"))[-1]
    assert not set("<>\n") & set(sentence)
