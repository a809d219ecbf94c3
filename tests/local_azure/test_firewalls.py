"""How the firewalls of the target types are read and written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_azure.conftest import Estate
from tests.local_azure.targets import BY_TYPE, Kind
from tests.local_azure.test_targets import make, pending, settled

STORAGE = BY_TYPE["Microsoft.Storage/storageAccounts"]
SQL = BY_TYPE["Microsoft.Sql/servers"]
IOT = BY_TYPE["Microsoft.Devices/IotHubs"]
KUSTO = BY_TYPE["Microsoft.Kusto/clusters"]
VAULT = BY_TYPE["Microsoft.KeyVault/vaults"]
TWINS = BY_TYPE["Microsoft.DigitalTwins/digitalTwinsInstances"]
NAMESPACES = [BY_TYPE["Microsoft.EventHub/namespaces"], BY_TYPE["Microsoft.ServiceBus/namespaces"]]
RULE = {"ipMask": "10.0.0.0/8", "action": "Allow"}


def properties(home: Estate, target: str, kind: Kind) -> dict[str, Any]:
    found = home.arm("GET", target, kind.version).ok()["properties"]
    assert isinstance(found, dict)
    return found


def test_storage_rules_merge_field_by_field(home: Estate) -> None:
    acls = {"bypass": "Logging, AzureServices", "defaultAction": "Allow", "ipRules": [{"value": "203.0.113.7"}]}
    account = home.storage(networkAcls=acls)
    home.arm("PATCH", account, STORAGE.version, {"properties": {"networkAcls": {"defaultAction": "Deny"}}}).ok()
    found = properties(home, account, STORAGE)["networkAcls"]
    assert (found["defaultAction"], found["bypass"]) == ("Deny", "Logging, AzureServices")
    assert found["ipRules"] == [{"value": "203.0.113.7", "action": "Allow"}]


def test_a_list_of_storage_rules_that_is_sent_replaces_the_old_one(home: Estate) -> None:
    account = home.storage(networkAcls={"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.7"}]})
    home.arm(
        "PATCH", account, STORAGE.version, {"properties": {"networkAcls": {"defaultAction": "Deny", "ipRules": []}}}
    )
    assert properties(home, account, STORAGE)["networkAcls"]["ipRules"] == []


def test_a_new_storage_account_says_nothing_of_public_access(home: Estate) -> None:
    account = home.storage()
    assert "publicNetworkAccess" not in properties(home, account, STORAGE)
    home.arm("PATCH", account, STORAGE.version, {"properties": {"publicNetworkAccess": "Disabled"}}).ok()
    assert properties(home, account, STORAGE)["publicNetworkAccess"] == "Disabled"


@pytest.mark.parametrize("kind", NAMESPACES, ids=str)
def test_a_rule_set_replaces_and_opens_a_closed_namespace_again(home: Estate, kind: Kind) -> None:
    target = make(home, kind)
    rules = f"{target}/networkRuleSets/default"
    home.arm("PATCH", target, kind.version, {"properties": {"publicNetworkAccess": "Disabled"}}).ok()
    assert properties(home, rules, kind)["publicNetworkAccess"] == "Disabled"
    home.arm("PUT", rules, kind.version, {"properties": {"defaultAction": "Deny", "ipRules": [RULE]}}).ok()
    found = properties(home, rules, kind)
    assert (found["publicNetworkAccess"], found["defaultAction"], found["ipRules"]) == ("Enabled", "Deny", [RULE])
    assert properties(home, target, kind)["publicNetworkAccess"] == "Enabled"
    home.arm("PUT", rules, kind.version, {"properties": {"publicNetworkAccess": "Enabled"}}).ok()
    assert properties(home, rules, kind)["ipRules"] == []


def test_a_vaults_rules_are_replaced_as_a_whole(home: Estate) -> None:
    vault = make(home, VAULT)
    assert "networkAcls" not in properties(home, vault, VAULT)
    first = {"defaultAction": "Allow", "bypass": "None", "ipRules": [{"value": "203.0.113.7"}]}
    home.arm("PATCH", vault, VAULT.version, {"properties": {"networkAcls": first}}).ok()
    assert properties(home, vault, VAULT)["networkAcls"]["ipRules"] == [{"value": "203.0.113.7/32"}]
    home.arm("PATCH", vault, VAULT.version, {"properties": {"networkAcls": {"defaultAction": "Deny"}}}).ok()
    found = properties(home, vault, VAULT)["networkAcls"]
    assert found == {"bypass": "AzureServices", "defaultAction": "Deny", "ipRules": [], "virtualNetworkRules": []}


def test_sql_cannot_be_closed_before_a_private_endpoint_works(home: Estate, stranger: Estate) -> None:
    server, connection = pending(home, stranger, SQL)
    closing = {"properties": {"publicNetworkAccess": "Disabled"}}
    refused = home.arm("PATCH", server, SQL.version, closing)
    assert (refused.status, refused.body["error"]["code"]) == (400, "42102")
    home.decide(connection, "Approved", SQL.version).ok()
    settled(home, SQL, server, "Approved")
    reply = home.arm("PATCH", server, SQL.version, closing)
    assert reply.status == 202
    assert home.client.arm("GET", reply.headers["location"]).status == 202
    home.pass_time(60)
    assert home.client.arm("GET", reply.headers["location"]).ok()["properties"]["publicNetworkAccess"] == "Disabled"


def test_sql_firewall_rules_come_and_go_and_a_put_on_all_replaces_them(home: Estate) -> None:
    rules = f"{make(home, SQL)}/firewallRules"
    address = "0.0.0.0"  # noqa: S104  # SQL's name for Azure's own services, not a listener
    azure = {"properties": {"startIpAddress": address, "endIpAddress": address}}
    assert home.arm("PUT", f"{rules}/AllowAllWindowsAzureIps", SQL.version, azure).status == 201
    assert home.arm("PUT", f"{rules}/AllowAllWindowsAzureIps", SQL.version, azure).status == 200
    home.arm("PUT", f"{rules}/office", SQL.version, azure).ok()
    home.arm("PUT", rules, SQL.version, {"values": [{"name": "only", **azure}]}).ok()
    assert [rule["name"] for rule in home.arm("GET", rules, SQL.version).ok()["value"]] == ["only"]
    assert [home.arm("DELETE", f"{rules}/only", SQL.version).status for _ in range(2)] == [200, 204]


def test_sql_network_rules_name_their_subnet(home: Estate) -> None:
    rules = f"{make(home, SQL)}/virtualNetworkRules"
    subnet = {"virtualNetworkSubnetId": f"{home.group}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"}
    assert home.arm("PUT", f"{rules}/net", SQL.version, {"properties": {}}).status == 400
    assert home.arm("PUT", f"{rules}/net", SQL.version, {"properties": subnet}).status == 201
    assert home.arm("PUT", f"{rules}/net", SQL.version, {"properties": subnet}).status == 200
    assert home.arm("GET", f"{rules}/net", SQL.version).ok()["properties"].items() >= subnet.items()
    assert [rule["name"] for rule in home.arm("GET", rules, SQL.version).ok()["value"]] == ["net"]
    assert [home.arm("DELETE", f"{rules}/net", SQL.version).status for _ in range(2)] == [200, 204]


def test_an_iot_hub_changes_only_as_a_whole_and_with_its_etag(home: Estate) -> None:
    hub = make(home, IOT)
    shown = home.arm("GET", hub, IOT.version).ok()
    assert not {"publicNetworkAccess", "networkRuleSets"} & set(shown["properties"])
    assert home.arm("PATCH", hub, IOT.version, {"properties": {}}).body["code"] == 400003
    shown["properties"]["publicNetworkAccess"] = "Disabled"
    assert home.arm("PUT", hub, IOT.version, shown, **{"If-Match": "wrong"}).status == 412
    assert home.arm("PUT", hub, IOT.version, shown, **{"If-Match": shown["etag"]}).status == 200
    busy = home.arm("PUT", hub, IOT.version, shown, **{"If-Match": "*"})
    assert (busy.status, busy.body["code"]) == (409, 409002)
    home.pass_time(60)
    assert properties(home, hub, IOT)["publicNetworkAccess"] == "Disabled"


def test_an_iot_hub_masks_its_secrets_and_stores_a_mask_that_is_sent(home: Estate) -> None:
    hub = IOT.id_in(home.group)
    secret = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0"  # noqa: S105  # of an account that is not there
    uploads = {"$default": {"sasTtlAsIso8601": "PT1H", "connectionString": secret, "containerName": "c"}}
    home.arm("PUT", hub, IOT.version, {**IOT.body, "properties": {"storageEndpoints": uploads}}).ok()
    shown = home.arm("GET", hub, IOT.version).ok()
    masked = shown["properties"]["storageEndpoints"]["$default"]["connectionString"]
    assert masked.endswith("AccountName=a;AccountKey=****")

    def kept() -> str:
        resources = home.client.local("GET", "snapshot")["state"]["resources"]
        (found,) = [one for one in resources if one["id"] == hub]
        return str(found["body"]["properties"]["storageEndpoints"]["$default"]["connectionString"])

    assert kept() == secret
    home.pass_time(600)
    home.arm("PUT", hub, IOT.version, shown, **{"If-Match": shown["etag"]}).ok()
    assert kept() == masked


@pytest.mark.parametrize("kind", [KUSTO, TWINS], ids=str)
def test_a_patch_of_public_access_is_long_running(home: Estate, kind: Kind) -> None:
    target = make(home, kind)
    reply = home.arm("PATCH", target, kind.version, {"properties": {"publicNetworkAccess": "Disabled"}})
    assert (reply.status, reply.body["properties"]["provisioningState"]) == (202, "Updating")
    assert home.arm("PATCH", target, kind.version, {"properties": {}}).status == 409
    home.pass_time(120)
    found = properties(home, target, kind)
    assert (found["publicNetworkAccess"], found["provisioningState"]) == ("Disabled", "Succeeded")
    assert home.client.arm("GET", reply.headers["azure-asyncoperation"]).ok()["status"] == "Succeeded"


def test_a_clusters_etag_is_looked_at(home: Estate) -> None:
    cluster = make(home, KUSTO)
    etag = home.arm("GET", cluster, KUSTO.version).ok()["etag"]
    change = {"properties": {"allowedIpRangeList": ["203.0.113.0/24"]}}
    assert home.arm("PATCH", cluster, KUSTO.version, change, **{"If-Match": '"old"'}).status == 412
    assert home.arm("PATCH", cluster, KUSTO.version, change, **{"If-Match": etag}).status == 202
