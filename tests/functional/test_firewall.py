"""The firewall is closed last, once, and never further open than it was."""

from __future__ import annotations

import pytest

from tests.functional.estate import Json, Target
from tests.functional.world import World, allow

IP_RULE = {"value": "203.0.113.7", "action": "Allow"}


def hub_asks(world: World, **firewall: object) -> None:
    """A policy that approves the hub and asks for a firewall."""
    world.policy({"hub": world.hub.requester()}, allow("hub", firewall={"settleSeconds": 60, **firewall}))


def tightened(world: World, target: Target) -> Json:
    """What became of the firewall, as the decision tells it."""
    (decision,) = world.recorded(target, "approved")
    firewall: Json = decision["firewall"]
    return firewall


def test_the_firewall_is_not_touched_before_the_settling_time_is_over(world: World) -> None:
    account = world.storage_account()
    hub_asks(world, publicNetworkAccess="selectedNetworks")
    world.hub.endpoint(account, "blob")

    world.wake(account)
    world.later(55)
    world.sweep()
    world.wake(account)
    assert world.calls("PATCH") == []
    assert tightened(world, account)["outcome"] == "deferred"
    world.later(6)

    assert len(world.calls("PATCH")) == 1
    assert account.firewall["defaultAction"] == "Deny"


def test_ip_rules_and_the_words_of_the_bypass_that_are_not_asked_about_stay(world: World) -> None:
    acls = {"defaultAction": "Allow", "bypass": "Logging, Metrics, AzureServices", "ipRules": [IP_RULE]}
    account = world.storage_account(networkAcls=acls)
    hub_asks(world, publicNetworkAccess="selectedNetworks", trustedServices="deny")
    world.hub.endpoint(account, "blob")

    world.wake(account)
    world.later(61)

    assert account.firewall["defaultAction"] == "Deny"
    assert account.firewall["bypass"] == "Logging, Metrics"
    assert [rule["value"] for rule in account.firewall["ipRules"]] == ["203.0.113.7"]
    before, after = tightened(world, account)["before"], tightened(world, account)["after"]
    assert (before["defaultAction"], after["defaultAction"]) == ("Allow", "Deny")
    assert (before["trustedServices"], after["trustedServices"]) == (True, False)


def test_a_disabled_target_is_not_opened_to_selected_networks(world: World) -> None:
    account = world.storage_account(publicNetworkAccess="Disabled")
    hub_asks(world, publicNetworkAccess="selectedNetworks")
    world.hub.endpoint(account, "blob")

    world.wake(account)
    world.later(61)

    assert account.firewall["publicNetworkAccess"] == "Disabled"
    assert world.calls("PATCH") == []
    assert tightened(world, account)["outcome"] == "unchanged"


def test_a_firewall_that_is_as_asked_is_read_and_not_written(world: World) -> None:
    account = world.storage_account(networkAcls={"defaultAction": "Deny"})
    hub_asks(world, publicNetworkAccess="selectedNetworks")
    world.hub.endpoint(account, "blob")

    world.wake(account)
    world.later(61)

    assert world.calls("PATCH") == []
    assert tightened(world, account)["outcome"] == "unchanged"
    assert world.intents() == []


def test_several_approvals_ask_together_for_the_strictest_and_are_one_write(world: World) -> None:
    account = world.storage_account()
    world.policy(
        {"hub": world.hub.requester(), "partner": world.partner.requester()},
        allow("hub", firewall={"publicNetworkAccess": "selectedNetworks", "settleSeconds": 30}),
        allow("partner", firewall={"publicNetworkAccess": "disabled", "settleSeconds": 30}),
    )
    world.hub.endpoint(account, "blob")
    world.partner.endpoint(account, "blob")

    world.wake(account)
    world.later(120)

    assert account.firewall["publicNetworkAccess"] == "Disabled"
    assert len(world.calls("PATCH")) == 1
    assert {d["firewall"]["outcome"] for d in world.recorded(account, "approved")} == {"tightened"}


def test_an_approval_that_is_unfinished_delays_the_firewall_and_strangers_do_not(world: World) -> None:
    namespace = world.namespace()
    hub_asks(world, publicNetworkAccess="disabled")
    world.hub.endpoint(namespace, "namespace")
    world.wake(namespace)
    world.later(20)
    world.stranger().endpoint(namespace, "namespace")
    second = world.hub.endpoint(namespace, "namespace")
    world.throttle("PUT", "/privateEndpointConnections/", 100, times=2)

    world.wake(namespace)  # the second approval is throttled, and again when the first one's firewall falls due
    world.later(80)
    assert namespace.firewall["namespace"] == "Enabled"
    world.later(60)

    assert second.status == "Approved"
    world.later(120)
    assert namespace.firewall["namespace"] == "Disabled"


def test_an_approval_that_never_finishes_delays_the_firewall_for_an_hour_at_most(world: World) -> None:
    account = world.storage_account()
    hub_asks(world, publicNetworkAccess="selectedNetworks")
    world.hub.endpoint(account, "blob")
    world.wake(account)
    world.hub.endpoint(account, "table")
    world.throttle("PUT", "/privateEndpointConnections/", 290, times=100)

    world.wake(account)
    world.later(50 * 60)
    assert account.firewall["defaultAction"] == "Allow"
    world.later(20 * 60)

    assert account.firewall["defaultAction"] == "Deny"


def test_event_hubs_echo_every_rule_and_close_namespace_and_rule_set(world: World) -> None:
    namespace = world.namespace(
        publicNetworkAccess="Enabled",
        defaultAction="Allow",
        trustedServiceAccessEnabled=True,
        ipRules=[{"ipMask": "203.0.113.0/24", "action": "Allow"}],
    )
    hub_asks(world, publicNetworkAccess="selectedNetworks")
    world.hub.endpoint(namespace, "namespace")

    world.wake(namespace)
    world.later(120)

    firewall = namespace.firewall
    assert (firewall["defaultAction"], firewall["publicNetworkAccess"], firewall["namespace"]) == (
        "Deny", "Enabled", "Enabled",
    )  # fmt: skip
    assert [rule["ipMask"] for rule in firewall["ipRules"]] == ["203.0.113.0/24"]
    assert firewall["trustedServiceAccessEnabled"] is True


def test_event_hubs_without_a_rule_cannot_be_closed_to_selected_networks_and_that_is_alerted(world: World) -> None:
    namespace = world.namespace()
    hub_asks(world, publicNetworkAccess="selectedNetworks")
    request = world.hub.endpoint(namespace, "namespace")

    world.wake(namespace)
    world.later(120)

    assert request.status == "Approved"
    assert tightened(world, namespace)["outcome"] == "failed"
    (alert,) = world.alerts()
    assert (alert["type"], alert["subject"]) == ("PrivateEndpointApprover.FirewallFailed", namespace.id)

    rules = {"ipRules": [{"ipMask": "203.0.113.7"}], "publicNetworkAccess": "Enabled", "defaultAction": "Allow"}
    world.azure.arm("PUT", f"{namespace.id}/networkRuleSets/default", namespace.version, {"properties": rules})
    world.later(3600)
    world.sweep()

    assert namespace.firewall["defaultAction"] == "Deny"
    assert tightened(world, namespace)["outcome"] == "tightened"


def test_a_lock_fails_the_firewall_which_is_tried_again_by_the_sweep_an_hour_later(world: World) -> None:
    account = world.storage_account()
    hub_asks(world, publicNetworkAccess="disabled")
    world.hub.endpoint(account, "blob")
    world.wake(account)
    world.client.local("POST", "locks", {"name": "freeze", "scope": account.id, "level": "ReadOnly"})
    world.later(61)
    world.sweep()
    assert len(world.calls("PATCH")) == 1
    assert world.alert_types() == ["FirewallFailed"]
    world.client.local("DELETE", "locks/freeze")

    world.later(3600)
    world.sweep()

    assert account.firewall["publicNetworkAccess"] == "Disabled"
    assert world.intents() == []


def test_a_throttled_firewall_write_is_sent_again_later(world: World) -> None:
    account = world.storage_account()
    hub_asks(world, publicNetworkAccess="disabled")
    world.hub.endpoint(account, "blob")
    world.throttle("PATCH", account.id, 45)

    world.wake(account)
    world.later(61)
    assert account.firewall["publicNetworkAccess"] == "Enabled"
    world.later(46)

    assert account.firewall["publicNetworkAccess"] == "Disabled"
    assert world.alerts() == []


@pytest.mark.parametrize("what", ["rule", "connection"])
def test_a_firewall_is_left_alone_when_rule_or_connection_is_gone_before_it_is_due(world: World, what: str) -> None:
    account = world.storage_account()
    hub_asks(world, publicNetworkAccess="disabled")
    request = world.hub.endpoint(account, "blob")
    world.wake(account)

    if what == "rule":
        world.policy({"hub": world.hub.requester()}, allow("hub"))
    else:
        request.delete()
    world.later(120)

    assert account.firewall["publicNetworkAccess"] == "Enabled"
    assert world.intents() == []


def test_a_rejection_never_touches_the_firewall(world: World) -> None:
    account = world.storage_account()
    hub_asks(world, publicNetworkAccess="disabled")
    world.hub.endpoint(account, "blob").decide("Rejected")

    world.wake(account)
    world.later(120)

    assert world.writes() == []
