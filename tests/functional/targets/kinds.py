"""The eight target types as a table: how each is made with an open firewall that has rules, and what closes it."""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.functional.estate import Request, Target
from tests.functional.world import World

Json = dict[str, Any]

ACLS = {"defaultAction": "Allow", "bypass": "AzureServices", "ipRules": [{"value": "203.0.113.0/24"}]}
RULE_SET = {
    "publicNetworkAccess": "Enabled",
    "defaultAction": "Allow",
    "trustedServiceAccessEnabled": True,
    "ipRules": [{"ipMask": "203.0.113.7", "action": "Allow"}],
    "virtualNetworkRules": [],
}
HUB_RULES = {
    "defaultAction": "Allow",
    "applyToBuiltInEventHubEndpoint": True,
    "ipRules": [{"filterName": "office", "action": "Allow", "ipMask": "203.0.113.7"}],
}
OFFICE = {"startIpAddress": "203.0.113.7", "endIpAddress": "203.0.113.9"}
AZURE = {"startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}  # noqa: S104  # "Allow Azure services"


@dataclass(frozen=True)
class Kind:
    """A target type.

    `properties` and `more` (child path -> properties) make its firewall; `wish` is the strictest that the type can do, and
    `closed` the members of the properties (by child path, "" the target) that then show it.
    """

    type: str
    version: str
    group: str
    wish: Json
    closed: dict[str, Json]
    properties: Json = field(default_factory=dict)
    more: dict[str, Json] = field(default_factory=dict)
    body: Json = field(default_factory=dict)

    def __str__(self) -> str:
        return self.type.rpartition(".")[2]

    def make(self, world: World, **properties: Any) -> Target:
        """A target of the type in our subscription, once it is ready."""
        target = Target(world.azure, f"{world.home.group}/providers/{self.type}/t{uuid.uuid4().hex[:18]}", self.version)
        body = {"location": "westeurope", **self.body, "properties": {**copy.deepcopy(self.properties), **properties}}
        world.azure.arm("PUT", target.id, self.version, body)
        for path, child in self.more.items():
            world.azure.arm("PUT", target.id + path, self.version, {"properties": child})
        world.time.advance(601)
        return target

    def shown(self, target: Target, path: str = "") -> Json:
        """What ARM shows of the target's firewall."""
        properties: Json = target.azure.arm("GET", target.id + path, self.version)["properties"]
        properties.pop("privateEndpointConnections", None)
        return properties

    def firewall(self, target: Target) -> dict[str, Json]:
        """Everything that is its firewall, to be compared."""
        paths = [path for path in self.closed if not path.startswith("/firewallRules/")]
        shown = {path: self.shown(target, path) for path in paths}
        if self.type == "Microsoft.Sql/servers":
            shown["rules"] = target.azure.arm("GET", f"{target.id}/firewallRules", self.version)["value"]
        for properties in shown.values():
            for name in ("provisioningState", "updatedAt", "lastUpdatedTime"):
                properties.pop(name, None) if isinstance(properties, dict) else None
        return shown

    def description(self, request: Request) -> str:
        """What the target shows beside the status of a connection."""
        shown = request.azure.arm("GET", request.connection_id, self.version)["properties"]
        return str(shown["privateLinkServiceConnectionState"]["description"])

    def is_closed(self, target: Target) -> bool:
        """Whether the target shows all that the wish asks for."""
        return all(
            {name: self.shown(target, path).get(name) for name in members} == members
            for path, members in self.closed.items()
        )


SELECTED_DENY = {"publicNetworkAccess": "selectedNetworks", "trustedServices": "deny", "settleSeconds": 60}
DISABLED = {"publicNetworkAccess": "disabled", "settleSeconds": 60}
CLOSED_RULE_SET = {**RULE_SET, "defaultAction": "Deny", "trustedServiceAccessEnabled": False}

STORAGE = Kind(
    "Microsoft.Storage/storageAccounts", "2023-05-01", "blob", SELECTED_DENY,
    {"": {"networkAcls": {"defaultAction": "Deny", "bypass": "None", "resourceAccessRules": [], "virtualNetworkRules": [],
                          "ipRules": [{"value": "203.0.113.0/24", "action": "Allow"}]}}},
    {"networkAcls": ACLS},
)  # fmt: skip
EVENT_HUBS = Kind(
    "Microsoft.EventHub/namespaces", "2024-01-01", "namespace", SELECTED_DENY,
    {"/networkRuleSets/default": CLOSED_RULE_SET}, more={"/networkRuleSets/default": RULE_SET},
)  # fmt: skip
SERVICE_BUS = Kind(
    "Microsoft.ServiceBus/namespaces", "2021-11-01", "namespace", SELECTED_DENY,
    {"/networkRuleSets/default": CLOSED_RULE_SET}, more={"/networkRuleSets/default": RULE_SET},
)  # fmt: skip
IOT_HUB = Kind(
    "Microsoft.Devices/IotHubs", "2023-06-30", "iotHub", {"publicNetworkAccess": "selectedNetworks", "settleSeconds": 60},
    {"": {"networkRuleSets": {**HUB_RULES, "defaultAction": "Deny"}}},
    {"networkRuleSets": HUB_RULES}, body={"sku": {"name": "S1"}},
)  # fmt: skip
KEY_VAULT = Kind(
    "Microsoft.KeyVault/vaults", "2023-07-01", "vault", SELECTED_DENY,
    {"": {"networkAcls": {**ACLS, "defaultAction": "Deny", "bypass": "None", "virtualNetworkRules": []}}},
    {"networkAcls": ACLS, "tenantId": str(uuid.uuid4()), "sku": {"family": "A", "name": "standard"}},
)  # fmt: skip
SQL = Kind(
    "Microsoft.Sql/servers", "2021-11-01", "sqlServer", {**DISABLED, "trustedServices": "deny"},
    {"": {"publicNetworkAccess": "Disabled"}, "/firewallRules/office": OFFICE},
    more={"/firewallRules/office": OFFICE, "/firewallRules/AllowAllWindowsAzureIps": AZURE},
)  # fmt: skip
KUSTO = Kind(
    "Microsoft.Kusto/clusters", "2023-08-15", "cluster", DISABLED,
    {"": {"publicNetworkAccess": "Disabled", "allowedIpRangeList": ["203.0.113.0/24"]}},
    {"allowedIpRangeList": ["203.0.113.0/24"]}, body={"sku": {"name": "Standard_E2a_v4", "tier": "Standard"}},
)  # fmt: skip
DIGITAL_TWINS = Kind(
    "Microsoft.DigitalTwins/digitalTwinsInstances", "2023-01-31", "digitalTwinsInstance", DISABLED,
    {"": {"publicNetworkAccess": "Disabled"}},
)  # fmt: skip

KINDS = [STORAGE, EVENT_HUBS, SERVICE_BUS, IOT_HUB, KEY_VAULT, SQL, KUSTO, DIGITAL_TWINS]
