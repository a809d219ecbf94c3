"""Resources with open firewalls as ARM answers them, one for each form, and what a write makes of them."""

from __future__ import annotations

import copy
from typing import Any

from shared.model.target_types import FirewallForm
from shared.targets.firewalls.form import Request

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
