"""Clients of Azure made from the settings: the app's identity, its storage account.

Nothing is imported or connected before it is used; each client is made once.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from shared.azure.arm import retry_after_of
from shared.azure.pinned import CLIENT_OPTIONS, MAX_WAIT, PinnedTransport, ScopedCredential
from shared.settings import Settings, StorageSettings

if TYPE_CHECKING:
    from azure.data.tables import TableServiceClient
    from azure.storage.blob import BlobClient, ContainerClient
    from azure.storage.queue import QueueClient

STORAGE_SCOPE = "https://storage.azure.com/.default"
"""The scope of blobs, queues and tables, in every cloud but for tables of Cosmos DB, which the app does not use."""

_BLOB_RETRIES: dict[str, Any] = {
    "retry_total": 2, "initial_backoff": 0.5, "increment_base": 1, "random_jitter_range": 0
}  # fmt: skip
"""Two more tries of blobs and queues, half a second and a second and a half apart (their default begins with 15 s)."""

_RETRIES: dict[str, Any] = {"retry_total": 2, "retry_backoff_factor": 0.5, "retry_backoff_max": 2}

Made = TypeVar("Made")


class Storage:
    """Clients of the app's storage account, in either form of its settings; each is made once, and all share nothing."""

    def __init__(self, settings: StorageSettings, credential: Callable[[], Any]) -> None:
        self._settings = settings
        self._credential = credential
        self._scoped_credential: ScopedCredential | None = None
        self._made: dict[tuple[str, str], Any] = {}
        self._lock = Lock()

    def queue(self, name: str) -> QueueClient:
        """A client of a queue that encodes messages as the Functions host expects them."""
        from azure.storage.queue import QueueClient, TextBase64EncodePolicy

        more = {**_BLOB_RETRIES, "message_encode_policy": TextBase64EncodePolicy()}
        return self._once("queue", name, lambda transport: (
            QueueClient.from_connection_string(self._settings.connection_string, name, transport=transport, **more)
            if self._settings.connection_string
            else QueueClient(self._settings.queue_uri, name, credential=self._scoped(), transport=transport, **more)
        ))  # fmt: skip

    def container(self, name: str) -> ContainerClient:
        """A client of a container of blobs."""
        from azure.storage.blob import ContainerClient

        more = _BLOB_RETRIES
        return self._once("container", name, lambda transport: (
            ContainerClient.from_connection_string(self._settings.connection_string, name, transport=transport, **more)
            if self._settings.connection_string
            else ContainerClient(self._settings.blob_uri, name, credential=self._scoped(), transport=transport, **more)
        ))  # fmt: skip

    def tables(self) -> TableServiceClient:
        """The client of the account's tables."""
        from azure.data.tables import TableServiceClient

        more = {**_RETRIES, "raw_response_hook": _without_long_wait}
        return self._once("tables", "", lambda transport: (
            TableServiceClient.from_connection_string(self._settings.connection_string, transport=transport, **more)
            if self._settings.connection_string
            else TableServiceClient(self._settings.table_uri, credential=self._scoped(), transport=transport, **more)
        ))  # fmt: skip

    def _scoped(self) -> ScopedCredential:
        """The identity, asked for once, within `_once`."""
        if self._scoped_credential is None:
            self._scoped_credential = ScopedCredential(self._credential(), STORAGE_SCOPE)
        return self._scoped_credential

    def _once(self, kind: str, name: str, make: Callable[[PinnedTransport], Made]) -> Made:
        """A client by its kind and name, pinned to its own URL once that is known."""
        with self._lock:
            if (kind, name) not in self._made:
                transport = PinnedTransport()
                client: Any = make(transport)
                transport.pin(client.url)
                self._made[kind, name] = client
            made: Made = self._made[kind, name]
            return made


def _without_long_wait(response: Any) -> None:
    """Make an answer say nothing of a wait that no function has time for: the client would sleep for it."""
    wait = retry_after_of(response.http_response)
    if wait is not None and wait > MAX_WAIT:
        del response.http_response.headers["Retry-After"]


def blob_of(url: str, credential: Any) -> BlobClient:
    """A client of one blob by its URL, with the app's identity (the policy may lie in any account)."""
    from azure.storage.blob import BlobClient

    scoped = ScopedCredential(credential, STORAGE_SCOPE)
    return BlobClient.from_blob_url(url, credential=scoped, transport=PinnedTransport(url), **_BLOB_RETRIES)


def credential_of(settings: Settings, client_id: str | None = None) -> Any:
    """The identity of a user-assigned client id ("": the system-assigned one), of `AZURE_CLIENT_ID` where none is given.

    `ManagedIdentityCredential` where Azure offers one (`IDENTITY_ENDPOINT`), `DefaultAzureCredential` elsewhere.
    """
    client_id = settings.client_id if client_id is None else client_id
    if settings.managed_identity:
        from azure.identity import ManagedIdentityCredential

        return ManagedIdentityCredential(client_id=client_id or None, **_RETRIES, **CLIENT_OPTIONS)
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(managed_identity_client_id=client_id or None)


def storage_credential_of(settings: Settings, credential: Any) -> Any:
    """The identity for the app's storage: that of `AzureWebJobsStorage__clientId` where it is another one than the app's."""
    own = settings.storage.client_id
    return credential if own in ("", settings.client_id) else credential_of(settings, own)
