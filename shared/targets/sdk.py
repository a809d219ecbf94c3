"""What the adapters on Microsoft's management SDKs share: clients, connections, plain bodies and translated errors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.exceptions import AzureError

from shared.arm import CLIENT_OPTIONS, retry_policy, translate
from shared.errors import NotFoundError
from shared.evidence.model import Connection
from shared.resource_id import ResourceId, fold
from shared.targets.adapter import Operation

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

Client = TypeVar("Client")

DONE = ("succeeded", "ready", "failed", "canceled", "disconnected", "")
"""Words of `provisioningState` that say that no operation runs; types without the field say nothing (facts)."""


class ManagementClients:
    """One SDK client for each kind and subscription: they keep their connections, and building one costs milliseconds."""

    def __init__(self, credential: TokenCredential, endpoint: str, audience: str) -> None:
        self._credential = credential
        self._endpoint = endpoint
        self._scopes = [f"{audience}/.default"]
        self._clients: dict[tuple[type, str], Any] = {}
        self._lock = Lock()

    def get(self, kind: type[Client], subscription_id: str, api_version: str) -> Client:
        """The client of that kind for the subscription."""
        with self._lock:
            key = (kind, subscription_id)
            if key not in self._clients:
                make: Any = kind
                self._clients[key] = make(
                    self._credential, subscription_id, base_url=self._endpoint, credential_scopes=self._scopes,
                    api_version=api_version, retry_policy=retry_policy(), **CLIENT_OPTIONS,
                )  # fmt: skip
            client: Client = self._clients[key]
            return client


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Translate an SDK's errors; `what` names the operation and the resource."""
    try:
        yield
    except AzureError as error:
        raise translate(error, what) from error


class SdkAdapter(ABC):
    """The half of a `TargetAdapter` that all SDKs have in common; a subclass adds its client and its firewall."""

    put = "create_or_update"
    """What the SDK calls the PUT of a connection."""

    def __init__(self, clients: ManagementClients) -> None:
        self._clients = clients

    @abstractmethod
    def client(self, target: ResourceId) -> Any:
        """The SDK's client for the target's subscription."""

    @abstractmethod
    def resource(self, target: ResourceId) -> dict[str, Any]:
        """The target itself, as JSON."""

    def connections(self, target: ResourceId) -> tuple[Connection, ...]:
        """See `TargetAdapter`."""
        with calling(f"list the private endpoint connections of {target}"):
            found = self.client(target).private_endpoint_connections.list(target.resource_group, target.name)
            return tuple(connection_of(plain(item)) for item in found)

    def connection(self, target: ResourceId, listed: Connection) -> Connection | None:
        """See `TargetAdapter`."""
        operations = self.client(target).private_endpoint_connections
        try:
            with calling(f"read the connection {listed.id}"):
                return connection_of(plain(operations.get(target.resource_group, target.name, listed.name)))
        except NotFoundError:
            return None

    def decide(self, target: ResourceId, listed: Connection, status: str, description: str) -> Operation | None:
        """See `TargetAdapter`."""
        put = getattr(self.client(target).private_endpoint_connections, self.put)
        body = decided_body(listed, status, description)
        with calling(f"set the connection {listed.id} to {status}"):
            operation: Operation | None = put(target.resource_group, target.name, listed.name, body, cls=operation_of)
            return operation

    def tags(self, target: ResourceId) -> Mapping[str, str]:
        """See `TargetAdapter`."""
        return self.resource(target).get("tags") or {}


def plain(model: Any) -> dict[str, Any]:
    """An SDK's model as the JSON that came over the wire, unknown fields included."""
    body: dict[str, Any] = model.as_dict()
    return body


def operation_of(response: Any, _model: Any, _headers: Any) -> Operation | None:
    """A `cls` callback of the SDKs: the operation that a write started, None where it was synchronous."""
    http = response.http_response
    url = http.headers.get("Azure-AsyncOperation") or http.headers.get("Location")
    if not url:
        return None
    wait = http.headers.get("Retry-After", "")
    return Operation(url, float(wait) if wait.isdigit() else None)


def connection_of(body: dict[str, Any]) -> Connection:
    """A connection from its JSON, whichever type's (facts: "A connection")."""
    properties = body.get("properties") or {}
    state = properties.get("privateLinkServiceConnectionState") or {}
    groups = properties.get("groupIds") or ([properties["groupId"]] if properties.get("groupId") else [])
    return Connection(
        id=body["id"],
        private_endpoint_id=_text((properties.get("privateEndpoint") or {}).get("id")) or None,
        status=_text(state.get("status")),
        description=_text(state.get("description")),
        sub_resource=groups[0] if len(groups) == 1 else None,
        provisioned=fold(properties.get("provisioningState") or "") in DONE,
        body=body,
    )


def _text(value: Any) -> str:
    """A text of ARM's; "" where it is null, or something else altogether."""
    return value if isinstance(value, str) else ""


def decided_body(listed: Connection, status: str, description: str) -> dict[str, Any]:
    """The whole connection as it was listed, with another status and description.

    `privateEndpoint.id` is echoed: the Cloud Adoption Framework's deny policy refuses a PUT without it.
    """
    properties = dict(listed.body.get("properties") or {})
    state = dict(properties.get("privateLinkServiceConnectionState") or {})
    properties["privateLinkServiceConnectionState"] = {**state, "status": status, "description": description}
    return {**listed.body, "properties": properties}
