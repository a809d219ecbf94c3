"""Clients of storage accounts for the names that bindings give as `connection`.

Accepts both forms of Azure Functions: a connection string in the setting, or an identity-based connection
(`NAME__accountName` or `NAME__queueServiceUri` and `NAME__blobServiceUri`, with `__credential`, `__clientId`).
The setting `AzureWebJobsNAME` goes before `NAME`.

Source: https://learn.microsoft.com/azure/azure-functions/functions-reference#configure-an-identity-based-connection
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.exceptions import AzureError
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from local.host.settings import Settings

if TYPE_CHECKING:
    from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

HOST_STORAGE = "AzureWebJobsStorage"
# Seconds: the triggers try again anyway, and a host that ends must not wait for long.
_RETRIES: dict[str, Any] = {"retry_total": 3, "initial_backoff": 1, "increment_base": 1, "random_jitter_range": 0}
C = TypeVar("C", BlobServiceClient, QueueServiceClient)


class ConnectionMissingError(Exception):
    """No setting describes the storage account; the message names the settings that would."""


class Storage:
    """One client for each connection and service, closed together."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._queues: dict[str, QueueServiceClient] = {}
        self._blobs: dict[str, BlobServiceClient] = {}
        self._credentials: dict[str, ManagedIdentityCredential | DefaultAzureCredential] = {}

    def queue(self, connection: str, name: str) -> QueueClient:
        """The queue `name` of a connection; raises ConnectionMissingError or ValueError (a malformed setting)."""
        if connection not in self._queues:
            self._queues[connection] = self._client(QueueServiceClient, connection, "queue")
        return self._queues[connection].get_queue_client(name)

    def blobs(self, connection: str) -> BlobServiceClient:
        """The blob service of a connection; raises as `queue` does."""
        if connection not in self._blobs:
            self._blobs[connection] = self._client(BlobServiceClient, connection, "blob")
        return self._blobs[connection]

    async def close(self) -> None:
        """Close every client and credential that was made."""
        for client in (*self._queues.values(), *self._blobs.values(), *self._credentials.values()):
            await client.close()

    def _client(self, kind: type[C], connection: str, service: str) -> C:
        for name in _setting_names(connection):
            text = self._settings.get(name)
            if text is not None and text.lower().startswith("usedevelopmentstorage="):
                raise ConnectionMissingError(f"Azure's Python clients need {name} to be a whole connection string")
            if text is not None:
                return kind.from_connection_string(text, **_RETRIES)
            uri = self._settings.get(f"{name}__{service}ServiceUri") or self._settings.get(f"{name}__serviceUri")
            account = self._settings.get(f"{name}__accountName")
            if uri is None and account is not None:
                uri = f"https://{account}.{service}.core.windows.net"
            if uri is not None:
                return kind(uri, credential=self._credential(name), **_RETRIES)
        name = connection or HOST_STORAGE
        raise ConnectionMissingError(
            f"the storage account connection '{name}' does not exist: set {name} (a connection string), "
            f"{name}__accountName or {name}__{service}ServiceUri"
        )

    def _credential(self, name: str) -> ManagedIdentityCredential | DefaultAzureCredential:
        from azure.identity.aio import (  # 250 ms: only where it is used
            DefaultAzureCredential,
            ManagedIdentityCredential,
        )

        if name not in self._credentials:
            client_id = self._settings.get(f"{name}__clientId")
            if (self._settings.get(f"{name}__credential") or "").lower() == "managedidentity":
                self._credentials[name] = ManagedIdentityCredential(client_id=client_id)
            else:
                self._credentials[name] = DefaultAzureCredential(managed_identity_client_id=client_id)
        return self._credentials[name]


def reason(error: AzureError) -> str:
    """What a storage service said, in one line."""
    return str(error).partition("\n")[0]


def _setting_names(connection: str) -> tuple[str, ...]:
    if not connection or connection == HOST_STORAGE:
        return (HOST_STORAGE,)
    return (f"AzureWebJobs{connection}", connection)
