"""The estate of the benchmarks: storage accounts of ours, those who ask for connections to them, and the policy."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.azure.client import LocalClient
from local.azure.identity import APP_CLIENT
from local.azure.process import AzureProcess
from local.azure.tenants import HOME_TENANT, principal
from local.stories import estate
from local.stories.expect import eventually, expect

NEVER = "0 0 0 29 2 *"
"""A SWEEP_SCHEDULE: on the 29th of February."""

APP = principal(HOME_TENANT, APP_CLIENT)
"""The app's identity in the local Azure's record of calls."""

SETTLE_SECONDS = 5
"""Between the approval of the cluster's connection and its firewall: longer than a review takes on a busy machine."""

_PLENTY = {"size": 1_000_000, "refill": 1_000_000}
_ACCOUNT = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
_POLICY = f"""\
version: 1
mode: enforce
scope: {{subscriptions: [{estate.SUBSCRIPTION}]}}
requesters:
  partner: {{service: privateEndpoint, subscriptions: [{estate.PARTNER_SUBSCRIPTION}], tenants: [{estate.PARTNER_TENANT}]}}
  adx: {{service: kusto, resource: {estate.CLUSTER}}}
rules:
  - name: partner-reads
    effect: allow
    requesters: [partner]
    targets: {{types: [Microsoft.Storage/storageAccounts]}}
  - name: adx-reads
    effect: allow
    requesters: [adx]
    targets: {{types: [Microsoft.Storage/storageAccounts]}}
    firewall: {{publicNetworkAccess: selectedNetworks, settleSeconds: {SETTLE_SECONDS}}}
"""


def settings_of(azure: AzureProcess, folder: Path) -> dict[str, str]:
    """The app's settings for a local Azure. Writes the policy into the folder; the timer never fires by itself."""
    policy = folder / "policy.yaml"
    policy.write_text(_POLICY, "utf-8")
    return {**azure.settings, "POLICY_PATH": str(policy), "SWEEP_SCHEDULE": NEVER}


@dataclass(frozen=True, slots=True)
class Estate:
    """Storage accounts named by the caller, and requests for connections to them. Every answer is checked."""

    client: LocalClient

    def without_throttling(self) -> None:
        """ARM throttles nobody: it is the product that is measured."""
        kinds = self.client.local("GET", "throttling")
        self.client.local("PUT", "throttling", dict.fromkeys(kinds, _PLENTY))

    def account(self, name: str) -> str:
        """Make a storage account, open to the public as a new one is; answers its id."""
        account = f"{estate.SHARE}{name}"
        self._put(account, _ACCOUNT)
        return account

    def ask(self, account: str, name: str) -> None:
        """The partner, whom the policy knows, makes a private endpoint that waits for approval."""
        self._ask(account, name, estate.PARTNER_SUBSCRIPTION, estate.PARTNER_TENANT)

    def ask_as_stranger(self, account: str, name: str) -> None:
        """Somebody whom the policy does not know does the same."""
        self._ask(account, name, estate.ATTACKER_SUBSCRIPTION, estate.ATTACKER_TENANT)

    def cluster(self) -> None:
        """Make the Data Explorer cluster of the policy."""
        self._put(estate.CLUSTER, estate.CLUSTER_BODY)

    def ask_from_cluster(self, account: str, name: str) -> None:
        """The cluster gets a managed private endpoint with a random message; returns when it is ready."""
        endpoint = f"{estate.CLUSTER}/managedPrivateEndpoints/{name}"
        asked = {"privateLinkResourceId": account, "groupId": "blob", "requestMessage": secrets.token_urlsafe(18)}
        self._put(endpoint, {"properties": asked})

        def ready() -> None:
            shown = self._get(endpoint)["properties"]["provisioningState"]
            expect(shown == "Succeeded", f"{endpoint} is {shown}, not Succeeded")

        eventually(ready, seconds=30, pause=0.1)

    def expect_status(self, account: str, status: str) -> None:
        """Raise `StoryError` unless the account has one connection, in this state."""
        shown = self._get(account, "/privateEndpointConnections")["value"]
        states = [one["properties"]["privateLinkServiceConnectionState"]["status"] for one in shown]
        expect(states == [status], f"the connections of {account} are {states}, not one that is {status}")

    def closed(self, account: str) -> bool:
        """Whether the account's firewall lets nobody in but whom its rules name."""
        return bool(self._get(account)["properties"]["networkAcls"]["defaultAction"] == "Deny")

    def _ask(self, account: str, name: str, subscription: str, tenant: str) -> None:
        endpoint, body = estate.private_endpoint(subscription, name, account, "blob")
        self._put(endpoint, body, tenant)

    def _put(self, resource: str, body: object, tenant: str = HOME_TENANT) -> None:
        version = estate.version_of(resource)
        self.client.arm("PUT", resource, body, tenant=tenant, client=estate.ENGINEER, api_version=version).ok()

    def _get(self, resource: str, below: str = "") -> Any:
        version = estate.version_of(resource)
        return self.client.arm("GET", resource + below, client=estate.ENGINEER, api_version=version).ok()
