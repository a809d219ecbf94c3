"""Every provider's answers against the official OpenAPI files, where those are beside the repository.

What the real services are known to answer beside their own OpenAPI (docs/azure-on-the-wire.md) is an exception by
name; nothing else is.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local.azure.client import Reply
from tests.local_azure.conftest import KUSTO, NETWORK, Estate
from tests.local_azure.openapi import Operation, differences, operations
from tests.local_azure.targets import KINDS, Kind
from tests.local_azure.test_requesters import FACTORY, SYNAPSE_DATA, Workspace, wanted
from tests.local_azure.test_targets import make, pending

SPECS = Path(__file__).parents[3] / "shared" / "azure" / "specs"
pytestmark = pytest.mark.skipif(
    not SPECS.is_dir(),
    reason="NOT CHECKED AGAINST THE OFFICIAL OPENAPI: there is no ../shared/azure/specs",
)

EXCEPTIONS = {  # "METHOD path status difference" -> why the real service is not as its OpenAPI says
    r".*/Microsoft.EventHub/.*\.groupIds: not in the schema": "Event Hubs returns groupIds, as recorded",
    r".*/IotHubs/\w+/privateEndpointConnections 200 : dict instead of array": "a list has {value}, as recorded",
    r".*/IotHubs/.* 404 \.code: int instead of string": "IoT Hub's own errors have integer codes",
    r".*/IotHubs/\w+ 404 \.error: not in the schema": "that a hub is not there is said by ARM itself",
    r".*/storageAccounts/\w+ 404 status 404 is none of .*": "the OpenAPI names no errors of most storage operations",
    r".*/managedPrivateEndpoints.*\.location: not in the schema": "the Data Explorer guide shows DummyLocation",
    r"GET .*/vaults/\w+/privateEndpointConnections 200 \.nextLink: null": "so it is in the official example",
    r"PUT .*/Clusters/.* 200 \.properties\.properties: not in the schema": "your own body once more, as recorded",
    r"PUT .*/Clusters/.* 200 \.properties\.privateLinkServiceConnectionState: missing": "the same",
}


@pytest.fixture(scope="module")
def official() -> list[Operation]:
    return list(operations(SPECS))


class Checked:
    """Replies, each compared with the schema of its operation."""

    def __init__(self, official: list[Operation]) -> None:
        self._official = official
        self.found: list[str] = []
        self.checked = 0

    def add(self, method: str, url: str, reply: Reply) -> None:
        parts = urlsplit(url)
        version = parts.query.partition("api-version=")[2].partition("&")[0]
        matching = [
            one
            for one in self._official
            if one.method == method and one.version == version and one.pattern.fullmatch(parts.path.rstrip("/"))
        ]
        name = f"{method} {parts.path} {reply.status}"
        if not matching:
            return
        self.checked += 1
        answers = matching[0].answers
        status = str(reply.status) if str(reply.status) in answers or reply.status < 400 else "default"
        if status not in answers:
            self._note(name, f"status {reply.status} is none of {sorted(answers)}")
            return
        schema = answers[status]
        if schema is not None and reply.body is not None:
            for difference in differences(reply.body, schema):
                self._note(name, difference)

    def _note(self, name: str, difference: str) -> None:
        line = f"{name} {difference}"
        if not any(re.fullmatch(pattern, line) for pattern in EXCEPTIONS):
            self.found.append(line)


@pytest.fixture
def checked(official: list[Operation]) -> Iterator[Checked]:
    """Compares what it is given; the test fails at its end if anything differs, or nothing was compared."""
    comparison = Checked(official)
    yield comparison
    assert comparison.checked > 0
    assert not comparison.found, "\n".join(comparison.found)


@pytest.fixture
def ours(home: Estate, checked: Checked) -> Estate:
    """A new subscription of the home tenant, whose every answer is compared."""
    return replace(home, watch=checked.add)


@pytest.fixture
def theirs(stranger: Estate, checked: Checked) -> Estate:
    """A stranger's new subscription, whose every answer is compared."""
    return replace(stranger, watch=checked.add)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_targets_answers_are_as_the_openapi_says(ours: Estate, theirs: Estate, kind: Kind) -> None:
    target, connection = pending(ours, theirs, kind)
    for path in (target, target.rpartition("/")[0], f"{target}/privateLinkResources", connection["id"]):
        ours.arm("GET", path, kind.version).ok()
    ours.arm("PATCH", target, kind.version, {"tags": {"a": "b"}}).ok()
    ours.pass_time(120)
    ours.decide(connection, "Approved", kind.version).ok()
    ours.arm("GET", target, kind.version).ok()
    ours.pass_time(60)
    ours.connections(target, kind.version)
    theirs.arm("GET", connection["properties"]["privateEndpoint"]["id"], NETWORK).ok()
    ours.arm("DELETE", connection["id"], kind.version).ok()
    ours.pass_time(60)
    ours.arm("DELETE", target, kind.version).ok()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.type != "Microsoft.ServiceBus/namespaces"], ids=str)
def test_what_a_client_did_wrong_is_answered_in_the_openapis_shape(ours: Estate, kind: Kind) -> None:
    target = make(ours, kind)
    ours.arm("GET", f"{target}x", kind.version)
    ours.arm("PUT", f"{target}/privateEndpointConnections/nobody", kind.version, {})


def test_firewalls_are_as_the_openapi_says(ours: Estate) -> None:
    kinds = {kind.type: kind for kind in KINDS}
    acls = {"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.7"}], "virtualNetworkRules": [{"id": "/subnet"}]}
    for name in ("Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"):
        target = make(ours, kinds[name])
        ours.arm("PATCH", target, kinds[name].version, {"properties": {"networkAcls": acls}}).ok()
    hubs = kinds["Microsoft.EventHub/namespaces"]
    rules = f"{make(ours, hubs)}/networkRuleSets"
    some = {
        "defaultAction": "Deny",
        "ipRules": [{"ipMask": "10.0.0.0/8"}],
        "virtualNetworkRules": [{"subnet": {"id": "/s"}}],
    }
    ours.arm("PUT", f"{rules}/default", hubs.version, {"properties": some}).ok()
    for path in (rules, f"{rules}/default"):
        ours.arm("GET", path, hubs.version).ok()
    sql = kinds["Microsoft.Sql/servers"]
    rules = f"{make(ours, sql)}/firewallRules"
    one = {"properties": {"startIpAddress": "203.0.113.1", "endIpAddress": "203.0.113.9"}}
    ours.arm("PUT", f"{rules}/one", sql.version, one).ok()
    ours.arm("PUT", rules, sql.version, {"values": [{"name": "two", **one}]}).ok()
    for path in (rules, f"{rules}/two"):
        ours.arm("GET", path, sql.version).ok()
    ours.arm("DELETE", f"{rules}/two", sql.version).ok()


def test_a_clusters_managed_endpoints_are_as_the_openapi_says(ours: Estate) -> None:
    account, cluster = ours.storage(), ours.cluster()
    endpoint = f"{cluster}/managedPrivateEndpoints/mpe"
    for body in (wanted(account, requestMessage="m"), wanted(account, requestMessage="n")):
        ours.arm("PUT", endpoint, KUSTO, body).ok()
    ours.pass_time(200)
    for path in (endpoint, endpoint.rpartition("/")[0]):
        ours.arm("GET", path, KUSTO).ok()
    ours.arm("DELETE", endpoint, KUSTO).ok()


def test_a_factorys_managed_endpoints_are_as_the_openapi_says(ours: Estate) -> None:
    account = ours.storage()
    factory = f"{ours.group}/providers/Microsoft.DataFactory/factories/fac{uuid.uuid4().hex[:12]}"
    network = f"{factory}/managedVirtualNetworks/default"
    endpoint = f"{network}/managedPrivateEndpoints/mpe"
    ours.arm("PUT", factory, FACTORY, {"location": "westeurope"}).ok()
    ours.arm("PUT", network, FACTORY, {"properties": {}}).ok()
    ours.arm("PUT", endpoint, FACTORY, wanted(account)).ok()
    for seconds in (0, 100):
        ours.pass_time(seconds)
        for path in (factory, network, network.rpartition("/")[0], endpoint, endpoint.rpartition("/")[0]):
            ours.arm("GET", path, FACTORY).ok()
    ours.arm("DELETE", endpoint, FACTORY).ok()


def test_a_workspaces_managed_endpoints_are_as_the_openapi_says(home: Estate, checked: Checked) -> None:
    account, workspace = home.storage(), Workspace(home)
    base = f"/managedVirtualNetworks/default/managedPrivateEndpoints{{}}?api-version={SYNAPSE_DATA}"
    checked.add("PUT", base.format("/mpe"), workspace.call("PUT", "/mpe", wanted(account)))
    for seconds in (0, 100):
        home.pass_time(seconds)
        checked.add("GET", base.format("/mpe"), workspace.call("GET", "/mpe"))
        checked.add("GET", base.format(""), workspace.call("GET"))
    checked.add("DELETE", base.format("/mpe"), workspace.call("DELETE", "/mpe"))


def test_a_wrong_answer_would_be_noticed(official: list[Operation]) -> None:
    comparison = Checked(official)
    path = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a?api-version=2023-05-01"
    comparison.add("GET", path, Reply(200, {"id": 5, "location": "x", "nonsense": None, "sku": {}}, {}))
    assert {line.partition(" 200 ")[2] for line in comparison.found} == {
        ".id: int instead of string",
        ".nonsense: not in the schema",
        ".sku.name: missing",
    }
