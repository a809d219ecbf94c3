"""One local Azure for all tests here, as a child process; every test has a subscription of its own.

Delays are Azure's own: nothing that takes time happens until a test lets time pass.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from local.azure.client import LocalClient, Reply
from local.azure.process import AzureProcess

STORAGE, EVENT_HUBS, KUSTO, NETWORK = "2023-05-01", "2024-01-01", "2023-08-15", "2024-01-01"


def until(condition: Callable[[], Any], seconds: float = 20) -> Any:
    """Wait until the condition holds and answer its value; the test fails if it never does."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.01)
    return value


@dataclass(frozen=True)
class Estate:
    """A subscription of a tenant, and ordinary ARM calls in it."""

    client: LocalClient
    tenant: str = ""
    subscription: str = field(default_factory=lambda: str(uuid.uuid4()))
    watch: Callable[[str, str, Reply], None] = lambda _method, _path, _reply: None

    @property
    def group(self) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/rg"

    def arm(self, method: str, path: str, version: str, body: Any = None, **headers: str) -> Reply:
        reply = self.client.arm(method, path, body, tenant=self.tenant, api_version=version, headers=headers)
        self.watch(method, f"{path}?api-version={version}", reply)
        return reply

    def storage(self, **properties: Any) -> str:
        account = f"{self.group}/providers/Microsoft.Storage/storageAccounts/st{uuid.uuid4().hex[:20]}"
        body = {
            "location": "westeurope",
            "sku": {"name": "Standard_LRS"},
            "kind": "StorageV2",
            "properties": properties,
        }
        assert self.arm("PUT", account, STORAGE, body).status == 202
        return account

    def namespace(self) -> str:
        namespace = f"{self.group}/providers/Microsoft.EventHub/namespaces/eh-{uuid.uuid4().hex[:20]}"
        assert self.arm("PUT", namespace, EVENT_HUBS, {"location": "westeurope"}).status == 201
        return namespace

    def cluster(self) -> str:
        cluster = f"{self.group}/providers/Microsoft.Kusto/clusters/adx{uuid.uuid4().hex[:10]}"
        body = {"location": "westeurope", "sku": {"name": "Standard_E2a_v4", "tier": "Standard"}}
        assert self.arm("PUT", cluster, KUSTO, body).status == 201
        return cluster

    def endpoint(
        self, target: str, group: str, *, message: str = "please", manual: bool = True, name: str = ""
    ) -> Reply:
        endpoint = f"{self.group}/providers/Microsoft.Network/privateEndpoints/{name or 'pe-' + uuid.uuid4().hex[:8]}"
        link = {"privateLinkServiceId": target, "groupIds": [group], "requestMessage": message}
        kind = "manualPrivateLinkServiceConnections" if manual else "privateLinkServiceConnections"
        subnet = f"{self.group}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
        properties = {"subnet": {"id": subnet}, kind: [{"name": "link", "properties": link}]}
        return self.arm("PUT", endpoint, NETWORK, {"location": "westeurope", "properties": properties})

    def connections(self, target: str, version: str) -> list[Any]:
        found = self.arm("GET", f"{target}/privateEndpointConnections", version).ok()["value"]
        assert isinstance(found, list)
        return found

    def decide(self, connection: Any, status: str, version: str, description: str = "by the test") -> Reply:
        state = {"status": status, "description": description}
        endpoint = connection["properties"]["privateEndpoint"]
        body = {"properties": {"privateEndpoint": endpoint, "privateLinkServiceConnectionState": state}}
        return self.arm("PUT", connection["id"], version, body)

    def pass_time(self, seconds: float) -> None:
        """Let that many of Azure's seconds pass; what is due in them has happened afterwards."""
        self.client.local("POST", "clock", {"advanceSeconds": seconds})

    def calls(self, method: str = "", part: str = "") -> list[Any]:
        """The ARM calls about this subscription that were counted."""
        found = self.client.local("GET", f"calls?method={method}&pathContains={part}")
        return [call for call in found if self.subscription in call["path"]]


@pytest.fixture(scope="session")
def azure() -> Iterator[AzureProcess]:
    with AzureProcess(time_scale=1, webhook="", azurite=False) as running:
        yield running


@pytest.fixture
def home(azure: AzureProcess) -> Estate:
    """A new subscription of the app's own tenant."""
    return Estate(azure.client)


@pytest.fixture
def stranger(azure: AzureProcess) -> Estate:
    """A new subscription of a tenant that nobody knows."""
    return Estate(azure.client, tenant=str(uuid.uuid4()))


class Webhook:
    """A webhook that keeps what it gets; `answers` are its next statuses, 202 after them."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.validation = "echo"
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                webhook.handle(self)

            def do_OPTIONS(self) -> None:
                webhook.handle(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        content = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((request.command, headers, content))
        status, body = (self.answers.pop(0) if self.answers else 202), b""
        if headers.get("aeg-event-type") == "SubscriptionValidation":
            status, body = self._consent(content)
        request.send_response(status)
        if request.command == "OPTIONS" and self.validation == "echo":
            request.send_header("WebHook-Allowed-Origin", headers["webhook-request-origin"])
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _consent(self, content: bytes) -> tuple[int, bytes]:
        if self.validation != "echo":
            return 200, b"{}"
        code = content.partition(b'"validationCode": "')[2].partition(b'"')[0]
        return 200, b'{"validationResponse": "' + code + b'"}'

    def notifications(self) -> list[tuple[dict[str, str], bytes]]:
        return [(h, content) for _, h, content in self.requests if h.get("aeg-event-type") == "Notification"]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    hook = Webhook()
    yield hook
    hook.close()
