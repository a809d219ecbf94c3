"""From the event to the approval, through the Functions host, the queue, the ledger and the local Azure.

The local Azure answers at once, so the time is the product's and the host's. The host polls the queue every 0.1 to 2 s, as
Azure's does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figure import Figure, median
from local.azure.client import LocalClient
from local.azure.identity import APP_CLIENT
from local.azure.process import AzureProcess
from local.azure.tenants import HOME_TENANT, principal
from local.host.process import HostProcess
from local.stories import estate
from local.stories.expect import eventually, expect

_SAMPLES = 20
_NEVER = "0 0 0 29 2 *"
_POLICY = f"""\
version: 1
mode: enforce
scope: {{subscriptions: [{estate.SUBSCRIPTION}]}}
requesters:
  partner: {{service: privateEndpoint, subscriptions: [{estate.PARTNER_SUBSCRIPTION}], tenants: [{estate.PARTNER_TENANT}]}}
rules:
  - {{name: partner-reads, effect: allow, requesters: [partner], targets: {{types: [Microsoft.Storage/storageAccounts]}}}}
"""


def run() -> Iterator[Figure]:
    """Seconds from a private endpoint's PUT to Approved at its target, and ARM calls of the app for each approval."""
    with TemporaryDirectory(prefix="bench-") as folder, AzureProcess(time_scale=0.001, webhook="") as azure:
        policy = Path(folder) / "policy.yaml"
        policy.write_text(_POLICY, "utf-8")
        settings = {**azure.settings, "POLICY_PATH": str(policy), "SWEEP_SCHEDULE": _NEVER}
        with HostProcess(settings) as host:
            estate.build(azure.client)
            estate.subscribe(azure.client, host.url)
            first, *others = [_approval(azure.client, number) for number in range(_SAMPLES + 1)]
            calls = azure.client.local("GET", f"calls?principal={principal(HOME_TENANT, APP_CLIENT)}")
    yield Figure("approval: first one after the start", round(first, 3), "s")
    yield median("approval: each further one", others, "s")
    yield Figure("approval: ARM calls for each", round(len(calls) / (_SAMPLES + 1), 2), "calls", _SAMPLES + 1)


def _approval(client: LocalClient, number: int) -> float:
    """Ask for a connection to a new account, wait for its approval; answers the seconds."""
    account = f"{estate.SHARE}{number}"
    body = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    client.arm("PUT", account, body, client=estate.ENGINEER, api_version=estate.version_of(account)).ok()
    endpoint, asked = estate.private_endpoint(estate.PARTNER_SUBSCRIPTION, f"pe{number}", account, "blob")
    version = estate.version_of(endpoint)
    began = time.perf_counter()
    client.arm("PUT", endpoint, asked, tenant=estate.PARTNER_TENANT, client=estate.ENGINEER, api_version=version).ok()
    eventually(lambda: _approved(client, account), seconds=60, pause=0.02)
    return time.perf_counter() - began


def _approved(client: LocalClient, account: str) -> None:
    path, version = f"{account}/privateEndpointConnections", estate.version_of(account)
    found = client.arm("GET", path, client=estate.ENGINEER, api_version=version).ok()["value"]
    states = [one["properties"]["privateLinkServiceConnectionState"]["status"] for one in found]
    expect(states == ["Approved"], f"the connections of {account} are {states}")
