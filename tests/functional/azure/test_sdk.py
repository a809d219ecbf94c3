"""ARM turned hostile, as the management SDKs meet it: they would follow what leads elsewhere, and register providers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.errors import ApproverError, PermanentError, TransientError
from shared.model.connection import Connection
from shared.model.target_types import TARGET_TYPES
from shared.resource_id import ResourceId, parse
from shared.targets.base import Adapter
from shared.targets.event_hubs import EventHubsNamespaces
from shared.targets.firewalls.form import Request
from shared.targets.sdk import ManagementClients
from shared.targets.storage import StorageAccounts
from tests.functional.azure.hostile import ARM_SCOPE, Identity, Reply, Server

GROUP = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers"
TARGETS = {
    "storage": parse(f"{GROUP}/Microsoft.Storage/storageAccounts/account"),
    "event hubs": parse(f"{GROUP}/Microsoft.EventHub/namespaces/namespace"),
}
LISTED = Connection("/c", None, "Pending", "", None)

Act = Callable[[Adapter, ResourceId], Any]
ACTS: dict[str, Act] = {
    "list": lambda adapter, target: adapter.connections(target),
    "get": lambda adapter, target: adapter.get(target),
    "connection": lambda adapter, target: adapter.get_connection(target, "c"),
    "put": lambda adapter, target: adapter.decide(target, LISTED, "Approved", "by us"),
    "firewall": lambda adapter, target: adapter.send(target, Request("PATCH", "", {"properties": {}})),
}
acts = pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
reads = pytest.mark.parametrize("act", [ACTS[name] for name in ("list", "get", "connection")])
targets = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


@pytest.fixture
def adapter(target: ResourceId, service: Server, identity: Identity) -> Adapter:
    clients = ManagementClients(identity, service.url, "https://management.azure.com")
    kind = TARGET_TYPES[target.type.lower()]
    return (StorageAccounts if "Storage" in target.type else EventHubsNamespaces)(kind, clients)


@targets
def test_a_list_says_how_many_pages_it_had(target: ResourceId, adapter: Adapter, service: Server) -> None:
    last = {"value": [{"id": f"{target}/privateEndpointConnections/2"}]}
    first = {"value": [{"id": f"{target}/privateEndpointConnections/1"}], "nextLink": f"{service.url}/second?a=b"}
    service.answer = lambda asked: Reply(body=last if asked.path.startswith("/second") else first)
    listed = adapter.get_all(target, "/privateEndpointConnections")
    assert ([item["id"][-1] for item in listed], listed.pages) == (["1", "2"], 2)
    assert [connection.id[-1] for connection in adapter.connections(target)] == ["1", "2"]


@targets
def test_a_next_link_to_another_host_is_not_followed(
    target: ResourceId, adapter: Adapter, service: Server, elsewhere: Server
) -> None:
    service.answer = lambda _: Reply(body={"value": [], "nextLink": f"{elsewhere.url}/next"})
    with pytest.raises(PermanentError) as raised:
        adapter.connections(target)
    assert raised.value.code == "ForeignUrl"
    assert (len(service.asked), elsewhere.asked) == (1, [])


@targets
def test_a_list_without_end_is_an_error(target: ResourceId, adapter: Adapter, service: Server) -> None:
    service.answer = lambda _: Reply(body={"value": [{"id": "/c"}] * 1000, "nextLink": f"{service.url}/again"})
    with pytest.raises(PermanentError, match="does not end"):
        adapter.connections(target)


@targets
@acts
@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_is_neither_followed_nor_an_answer(
    act: Act, target: ResourceId, adapter: Adapter, status: int, service: Server, elsewhere: Server
) -> None:
    service.answer = lambda _: Reply(status, {"value": []}, {"Location": f"{elsewhere.url}/x"})
    with pytest.raises(PermanentError):
        act(adapter, target)
    assert (len(service.asked), elsewhere.asked) == (1, [])


@targets
@acts
def test_a_challenge_gets_no_token_for_another_resource(
    act: Act, target: ResourceId, adapter: Adapter, service: Server, identity: Identity
) -> None:
    challenge = 'Bearer authorization_uri="https://login.windows.net/t", resource_id="https://vault.azure.net"'
    service.answer = lambda _: Reply(401, {}, {"WWW-Authenticate": challenge})
    with pytest.raises(PermanentError):
        act(adapter, target)
    assert set(identity.scopes) == {ARM_SCOPE}
    assert {asked.token for asked in service.asked} == {f"token-for-{ARM_SCOPE}"}


@targets
@acts
def test_a_resource_provider_is_never_registered(
    act: Act, target: ResourceId, adapter: Adapter, service: Server
) -> None:
    body = {"error": {"code": "MissingSubscriptionRegistration", "message": "The subscription is not registered."}}
    service.answer = lambda _: Reply(409, body)
    with pytest.raises(ApproverError):
        act(adapter, target)
    assert [path for path in service.paths if "register" in path] == []
    assert len(service.asked) == 1


@targets
@reads
@pytest.mark.parametrize(
    "reply", [Reply(204), Reply(200), Reply(200, b"<html>"), Reply(200, "text"), Reply(200, 7), Reply(202, {})], ids=str
)
def test_what_is_no_answer_may_be_one_the_next_time(
    act: Act, target: ResourceId, adapter: Adapter, reply: Reply, service: Server
) -> None:
    service.answer = lambda _: reply
    with pytest.raises(TransientError):
        act(adapter, target)
