"""A policy, a request that it approves and cases that it passes, for tests of the command line."""

from __future__ import annotations

from typing import Any

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
STORAGE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/data"
MESSAGE = "0123456789abcdef0123456789abcdef"
POLICY = f"""\
version: 1
mode: enforce
scope: {{subscriptions: [{SUBSCRIPTION}]}}
requesters:
  adx:
    service: kusto
    resource: /subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Kusto/clusters/adx
    requireMessage: true
  hub: {{service: privateEndpoint, tenants: home}}
rules:
  - name: adx-reads
    effect: allow
    requesters: [adx]
    targets: any
    firewall: {{publicNetworkAccess: selectedNetworks}}
  - name: hub-reads
    effect: allow
    requesters: [hub]
    targets: any
"""


def private_endpoint(name: str = "pe-1", subscription: str = "4" * 8) -> str:
    whole = f"{subscription}-4444-4444-4444-444444444444"
    return f"/subscriptions/{whole}/resourceGroups/x/providers/Microsoft.Network/privateEndpoints/{name}"


def genuine(**changes: Any) -> dict[str, Any]:
    """A request of the cluster, with its endpoint."""
    endpoint = {"requester": "adx", "name": "mpe", "targetId": STORAGE, "subResource": "blob", "requestMessage": MESSAGE,
                "provisioningState": "Succeeded"}  # fmt: skip
    return {
        "targetId": STORAGE,
        "privateEndpointId": private_endpoint(),
        "tenantId": "33e01921-4d64-4f8c-a055-5bdaffd5e33d",
        "requestMessage": MESSAGE,
        "endpoints": [endpoint],
    } | changes


CASES = f"""\
- name: the cluster's own request
  request:
    targetId: {STORAGE}
    privateEndpointId: {private_endpoint()}
    tenantId: 33e01921-4d64-4f8c-a055-5bdaffd5e33d
    requestMessage: {MESSAGE}
    endpoints:
      - requester: adx
        name: mpe
        targetId: {STORAGE}
        subResource: blob
        requestMessage: {MESSAGE}
        provisioningState: Succeeded
  expect: approved
- name: a stranger
  request: {{targetId: {STORAGE}, privateEndpointId: {private_endpoint("x")}, tenantId: {SUBSCRIPTION}, endpoints: []}}
  expect: {{outcome: held, rule: null, check: tenant}}
"""
