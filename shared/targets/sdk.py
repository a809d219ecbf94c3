"""What the adapters on Microsoft's management SDKs share: clients, plain bodies and translated errors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.exceptions import AzureError
from azure.core.pipeline.policies import ContentDecodePolicy

from shared.azure.arm import Listed, collect, translate
from shared.azure.operations import Operation
from shared.azure.pinned import PinnedTransport, policies
from shared.errors import TransientError
from shared.model.target_types import TargetType
from shared.resource_id import ResourceId
from shared.targets.base import Adapter, operation_of

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

Client = TypeVar("Client")


class ManagementClients:
    """One SDK client for each kind and subscription: building one costs milliseconds. All share their connections.

    They get our policies in the place of their own: those follow redirects, and register resource providers by themselves.
    """

    def __init__(self, credential: TokenCredential, endpoint: str, audience: str) -> None:
        self._credential = credential
        self._endpoint = endpoint
        self._scope = f"{audience}/.default"
        self._transport = PinnedTransport(endpoint)
        self._clients: dict[tuple[type, str], Any] = {}
        self._lock = Lock()

    def get(self, kind: type[Client], subscription_id: str, api_version: str) -> Client:
        """The client of that kind for the subscription."""
        with self._lock:
            key = (kind, subscription_id)
            if key not in self._clients:
                make: Any = kind
                self._clients[key] = make(
                    self._credential, subscription_id, base_url=self._endpoint, api_version=api_version,
                    policies=[ContentDecodePolicy(), *policies(self._credential, self._scope)],
                    transport=self._transport,
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
    except (ValueError, TypeError, AttributeError) as error:  # the SDKs take for granted that an answer has its shape
        raise TransientError(f"{what}: the answer makes no sense ({error})", code="NotJson") from error


class SdkAdapter(Adapter):
    """An `Adapter` on an SDK; a subclass adds its client, and what it calls the operations of the firewall."""

    put = "create_or_update"
    """What the SDK calls the PUT of a connection."""

    def __init__(self, kind: TargetType, clients: ManagementClients) -> None:
        super().__init__(kind)
        self._clients = clients

    @abstractmethod
    def client(self, target: ResourceId) -> Any:
        """The SDK's client for the target's subscription."""

    def get_all(self, target: ResourceId, path: str) -> Listed:
        """See `Adapter`. The SDKs' types have no lists but that of the connections."""
        with calling(what := f"GET {target}{path}"):
            found = self.client(target).private_endpoint_connections.list(target.resource_group, target.name)
            return collect(([plain(item) for item in page] for page in found.by_page()), what)

    def get_connection(self, target: ResourceId, name: str) -> dict[str, Any]:
        """See `Adapter`."""
        operations = self.client(target).private_endpoint_connections
        with calling(f"read the connection {name} of {target}"):
            return plain(operations.get(target.resource_group, target.name, name))

    def put_connection(self, target: ResourceId, name: str, body: dict[str, Any]) -> Operation | None:
        """See `Adapter`."""
        put = getattr(self.client(target).private_endpoint_connections, self.put)
        with calling(f"write the connection {name} of {target}"):
            operation: Operation | None = put(target.resource_group, target.name, name, body, cls=started)
            return operation


def plain(model: Any) -> dict[str, Any]:
    """An SDK's model as the JSON that came over the wire, unknown fields included."""
    body: dict[str, Any] = model.as_dict()
    return body


def started(response: Any, _model: Any, _headers: Any) -> Operation | None:
    """A `cls` callback of the SDKs: see `operation_of`."""
    http = response.http_response
    return operation_of(http.status_code, http.headers)
