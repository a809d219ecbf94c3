"""What single types do differently, and what single resources cannot do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.functional.estate import Target
from tests.functional.targets.kinds import (
    AZURE,
    DIGITAL_TWINS,
    IOT_HUB,
    KEY_VAULT,
    KINDS,
    KUSTO,
    SERVICE_BUS,
    SQL,
    STORAGE,
    Kind,
)
from tests.functional.targets.test_operations import review_and_die
from tests.functional.world import World, allow

SELECTED = {"publicNetworkAccess": "selectedNetworks", "settleSeconds": 60}


def outcome(world: World, target: Target, kind: Kind, **wish: Any) -> dict[str, Any]:
    """What becomes of the firewall when the hub is approved and asks for that."""
    world.policy({"hub": world.hub.requester()}, allow("hub", firewall=wish))
    request = world.hub.endpoint(target, kind.group)
    world.wake(target)
    world.later(300)
    assert request.status == "Approved"
    (decision,) = world.recorded(target, "approved")
    firewall: dict[str, Any] = decision["firewall"]
    return firewall


def test_an_iot_hub_with_masked_secrets_is_approved_and_left_alone_and_why_is_told(world: World) -> None:
    string = "DefaultEndpointsProtocol=https;AccountName=files;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net"
    files = {"$default": {"sasTtlAsIso8601": "PT1H", "connectionString": string, "containerName": "files"}}
    hub = IOT_HUB.make(world, storageEndpoints=files)

    told = outcome(world, hub, IOT_HUB, **IOT_HUB.wish)

    assert told["outcome"] == "failed"
    assert "storageEndpoints" in told["problem"]
    assert "masked" in told["preflight"][0]
    assert [path for method, path in world.writes() if "privateEndpointConnections" not in path] == []
    (kept,) = [r for r in world.client.local("GET", "snapshot")["state"]["resources"] if r["id"] == hub.id]
    assert kept["body"]["properties"]["storageEndpoints"] == files
    assert world.alert_types() == ["FirewallFailed"]


def test_an_iot_hub_whose_list_comes_bare_is_read_all_the_same(world: World) -> None:
    hub = IOT_HUB.make(world)
    world.client.local("PUT", "quirks", {"iotHubBareList": True})
    try:
        told = outcome(world, hub, IOT_HUB, **IOT_HUB.wish)
    finally:
        world.client.local("PUT", "quirks", {"iotHubBareList": False})

    assert told["outcome"] == "tightened"


def test_an_iot_hub_that_somebody_changes_meanwhile_is_read_again_and_nothing_is_lost(world: World) -> None:
    hub = IOT_HUB.make(world)
    world.policy({"hub": world.hub.requester()}, allow("hub", firewall=IOT_HUB.wish))
    world.hub.endpoint(hub, "iotHub")
    world.wake(hub)
    world.fault("PUT", hub.id, status=412, code="412001", times=1)

    world.later(300)

    assert IOT_HUB.is_closed(hub)
    assert world.alerts() == []


@pytest.mark.parametrize(
    ("kind", "properties"), [(IOT_HUB, {"networkRuleSets": None}), (KUSTO, {"allowedIpRangeList": []})], ids=str
)
def test_selected_networks_without_any_rule_cannot_be_had(world: World, kind: Kind, properties: dict[str, Any]) -> None:
    target = kind.make(world, **properties)

    told = outcome(world, target, kind, **SELECTED)

    assert told["outcome"] == "failed"
    assert "at least one ip or network rule" in told["problem"]
    assert world.alert_types() == ["FirewallFailed"]


@pytest.mark.parametrize("kind", [SQL, KUSTO], ids=str)
def test_where_rules_always_count_selected_networks_is_nothing_to_do(world: World, kind: Kind) -> None:
    target = kind.make(world)

    told = outcome(world, target, kind, **SELECTED)

    assert (told["outcome"], told["before"]) == ("unchanged", told["after"])


def test_a_digital_twin_that_a_rule_reaches_by_chance_is_told_what_it_cannot_do(world: World) -> None:
    target = DIGITAL_TWINS.make(world)

    told = outcome(world, target, DIGITAL_TWINS, **SELECTED)

    assert told["outcome"] == "failed"
    assert "no selected networks" in told["problem"]


@pytest.mark.parametrize("kind", [KUSTO, DIGITAL_TWINS, IOT_HUB], ids=str)
def test_a_type_without_trusted_services_is_told_so(world: World, kind: Kind) -> None:
    target = kind.make(world)

    told = outcome(world, target, kind, trustedServices="deny", settleSeconds=60)

    assert told["outcome"] == "failed"
    assert "no trusted-services exception" in told["problem"]


def test_a_vault_that_was_never_given_acls_gets_them_whole(world: World) -> None:
    vault = KEY_VAULT.make(world, networkAcls=None)

    told = outcome(world, vault, KEY_VAULT, **SELECTED)

    assert told["outcome"] == "tightened"
    assert KEY_VAULT.shown(vault)["networkAcls"] == {
        "bypass": "AzureServices", "defaultAction": "Deny", "ipRules": [], "virtualNetworkRules": [],
    }  # fmt: skip


def test_two_requests_to_one_vault_are_approved_one_after_the_other(world: World) -> None:
    vault = KEY_VAULT.make(world)
    world.policy({"hub": world.hub.requester()}, allow("hub", firewall=KEY_VAULT.wish))
    requests = [world.hub.endpoint(vault, "vault") for _ in range(2)]

    world.wake(vault)
    world.later(300)

    assert [request.status for request in requests] == ["Approved", "Approved"]
    assert KEY_VAULT.is_closed(vault)
    assert world.alerts() == []


def test_azures_own_range_is_the_exception_of_a_sql_server_under_any_name_and_other_rules_stay(world: World) -> None:
    server = SQL.make(world)
    world.azure.arm("PUT", f"{server.id}/firewallRules/azure%20services", SQL.version, {"properties": AZURE})
    subnet = f"{world.home.group}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
    rule = {"properties": {"virtualNetworkSubnetId": subnet}}
    world.azure.arm("PUT", f"{server.id}/virtualNetworkRules/office-net", SQL.version, rule)

    told = outcome(world, server, SQL, trustedServices="deny", settleSeconds=60)

    rules = world.azure.arm("GET", f"{server.id}/firewallRules", SQL.version)["value"]
    assert [rule["name"] for rule in rules] == ["office"]
    assert told["after"] == {
        "publicNetworkAccess": "Enabled", "defaultAction": None, "trustedServices": False, "rules": 2,
    }  # fmt: skip
    assert any(subnet in sentence and "office" in sentence for sentence in told["preflight"])
    assert "other tenants" in " ".join(told["preflight"])


def test_a_sql_server_that_refuses_to_be_closed_is_told_in_its_own_words(world: World) -> None:
    server = SQL.make(world)
    words = "Unable to set Deny Public Network Access to Yes since there is no private endpoint enabled"
    world.fault("PATCH", server.id, status=400, code="42102", message=words)

    told = outcome(world, server, SQL, **SQL.wish)

    assert told["outcome"] == "failed"
    assert "42102" in told["problem"]
    assert words in told["problem"]


def test_a_service_bus_namespace_with_a_closed_rule_set_is_not_opened_by_taking_the_exception_away(
    world: World,
) -> None:
    namespace = SERVICE_BUS.make(world)
    path = "/networkRuleSets/default"
    rules = SERVICE_BUS.shown(namespace, path) | {"publicNetworkAccess": "Disabled"}
    world.azure.arm("PUT", namespace.id + path, SERVICE_BUS.version, {"properties": rules})

    told = outcome(world, namespace, SERVICE_BUS, publicNetworkAccess="selectedNetworks", trustedServices="deny",
                   settleSeconds=60)  # fmt: skip

    assert (told["outcome"], told["after"]["publicNetworkAccess"]) == ("tightened", "Disabled")
    assert SERVICE_BUS.shown(namespace, path) == rules | {"trustedServiceAccessEnabled": False}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_missing_permission_is_named_and_the_request_stays_pending(world: World, kind: Kind) -> None:
    target = kind.make(world)
    permission = f"{kind.type}/privateEndpointConnections/write"
    world.policy({"hub": world.hub.requester()}, allow("hub", firewall=kind.wish))
    request = world.hub.endpoint(target, kind.group)
    world.client.local("POST", "access", {"permission": permission, "scope": target.id})

    world.wake(target)
    world.later(120)

    assert request.status == "Pending"
    (alert,) = world.alerts()
    assert alert["type"].endswith("ApprovalFailed")
    assert permission.lower() in alert["data"]["recommendedAction"].lower()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_deny_policy_that_wants_the_private_endpoints_id_is_satisfied(world: World, kind: Kind) -> None:
    target = kind.make(world)
    field = "properties.privateEndpoint.id"
    world.client.local("POST", "denyPolicies", {
        "type": f"{kind.type}/privateEndpointConnections", "scope": target.id, "if": [{"field": field, "exists": False}],
    })  # fmt: skip
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    request = world.hub.endpoint(target, kind.group)

    world.wake(target)
    world.later(120)

    assert request.status == "Approved"


@pytest.mark.parametrize("kind", [IOT_HUB, SQL, KUSTO, DIGITAL_TWINS], ids=str)
def test_an_operation_that_fails_is_told_with_what_arm_says_of_it(world: World, kind: Kind) -> None:
    target = kind.make(world)
    world.policy({"hub": world.hub.requester()}, allow("hub", firewall=kind.wish))
    request = world.hub.endpoint(target, kind.group)
    review_and_die(world, target, "event")
    fail_operations_of(world, target)

    world.sweep()

    assert request.status == "Pending"
    (decision,) = world.recorded(target)
    assert (decision["outcome"], decision["applied"]) == ("failed", False)
    assert "SubnetGone: the subnet is not there" in decision["problem"]
    assert world.alert_types() == ["ApprovalFailed"]
    assert world.intents() == []


def fail_operations_of(world: World, target: Target) -> None:
    """What ARM is working on at the target fails, and leaves the connection as it was."""
    snapshot = world.client.local("GET", "snapshot")
    running = [
        o for o in snapshot["state"]["operations"] if target.id.lower() in o["resource"].lower() and not o["ended_at"]
    ]
    assert running
    for operation in running:
        error = {"code": "SubnetGone", "message": "the subnet is not there"}
        operation.update(status="Failed", ended_at=operation["started_at"], error=error)
    for connection in snapshot["state"]["connections"]:
        if connection["target"].lower() == target.id.lower() and connection["provisioning"] == "Approving":
            connection["provisioning"] = "Ready"
    ids = {operation["id"] for operation in running}
    jobs = [job for job in snapshot["jobs"] if not ids & {str(argument) for argument in job}]
    world.client.local("PUT", "snapshot", snapshot | {"jobs": jobs})


def test_storage_keeps_every_word_of_the_bypass_that_is_not_asked_about(world: World) -> None:
    account = STORAGE.make(world, networkAcls={"defaultAction": "Deny", "bypass": "Logging, Metrics, AzureServices"})

    told = outcome(world, account, STORAGE, trustedServices="deny", settleSeconds=60)

    assert told["outcome"] == "tightened"
    assert STORAGE.shown(account)["networkAcls"]["bypass"] == "Logging, Metrics"
