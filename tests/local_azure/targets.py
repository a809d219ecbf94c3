"""The eight target types, as a table: how each is made, and how it differs."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kind:
    """A target type. `success` is the provisioning state of a settled connection, None where it has none."""

    type: str
    version: str
    group: str
    success: str | None
    body: dict[str, Any]
    put_status: int
    decision_status: int
    shown_group: str = ""
    prefix: str = "t"

    def __str__(self) -> str:
        return self.type

    def id_in(self, resource_group: str) -> str:
        return f"{resource_group}/providers/{self.type}/{self.prefix}{uuid.uuid4().hex[:18]}"


LOCATION = {"location": "westeurope"}
KINDS = [
    Kind("Microsoft.Storage/storageAccounts", "2023-05-01", "blob", "Succeeded", LOCATION, 202, 200),
    Kind("Microsoft.EventHub/namespaces", "2024-01-01", "namespace", "Succeeded", LOCATION, 201, 202, "groupIds"),
    Kind("Microsoft.ServiceBus/namespaces", "2021-11-01", "namespace", "Succeeded", LOCATION, 201, 202, "groupIds"),
    Kind("Microsoft.Devices/IotHubs", "2023-06-30", "iotHub", None, {**LOCATION, "sku": {"name": "S1"}}, 201, 201),
    Kind(
        "Microsoft.KeyVault/vaults",
        "2023-07-01",
        "vault",
        "Succeeded",
        {**LOCATION, "properties": {"tenantId": str(uuid.uuid4()), "sku": {"family": "A", "name": "standard"}}},
        201,
        200,
    ),
    Kind("Microsoft.Sql/servers", "2021-11-01", "sqlServer", "Ready", LOCATION, 202, 202, "groupIds"),
    Kind(
        "Microsoft.Kusto/clusters",
        "2023-08-15",
        "cluster",
        "Succeeded",
        {**LOCATION, "sku": {"name": "Standard_E2a_v4", "tier": "Standard"}},
        201,
        200,
        "groupId",
    ),
    Kind(
        "Microsoft.DigitalTwins/digitalTwinsInstances", "2023-01-31", "API", "Succeeded", LOCATION, 201, 202, "groupIds"
    ),
]
BY_TYPE = {kind.type: kind for kind in KINDS}
