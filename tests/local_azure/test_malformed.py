"""Nothing that a client sends breaks a provider: malformed bodies are answered, and what is there can still be read."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.azure.process import AzureProcess
from tests.local_azure.conftest import Estate
from tests.local_azure.targets import KINDS, Kind
from tests.local_azure.test_targets import pending

NAMES = st.sampled_from(
    [
        *(
            "properties",
            "location",
            "sku",
            "tags",
            "identity",
            "networkAcls",
            "ipRules",
            "virtualNetworkRules",
            "status",
        ),
        *("privateLinkServiceConnectionState", "description", "privateEndpoint", "id", "publicNetworkAccess", "values"),
        *("networkRuleSets", "name", "routing", "storageEndpoints", "defaultAction", "subnet", "bypass", "ipMask"),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-1, 5) | st.sampled_from(["", "x", "Approved", "Deny", "Disabled"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=4))
BODIES = st.dictionaries(NAMES, VALUES, max_size=4) | st.builds(lambda inner: {"properties": inner}, VALUES)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@settings(max_examples=6, deadline=None)
@given(bodies=st.lists(BODIES, min_size=1, max_size=4))
def test_no_body_breaks_a_target(azure: AzureProcess, kind: Kind, bodies: list[Any]) -> None:
    home, stranger = Estate(azure.client), Estate(azure.client, tenant=str(uuid.uuid4()))
    target, connection = pending(home, stranger, kind)
    firewall = {"Microsoft.Sql/servers": "/firewallRules"}.get(kind.type, "/networkRuleSets/default")
    for body in bodies:
        for method, path in (("PUT", target), ("PATCH", target), ("PUT", connection["id"]), ("PUT", target + firewall)):
            reply = home.arm(method, path, kind.version, body)
            assert reply.status != 500, (method, path, body)
    assert home.arm("GET", target, kind.version).status == 200
    assert len(home.connections(target, kind.version)) == 1
