"""Clients of Azure made from the settings: the app's identity, its storage account, the alert topic.

Nothing is imported or connected before it is used; each client is made once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any, TypeVar

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, ResourceNotFoundError

from shared.alerts.topic import EventGridTopic, NoTopic, Topic
from shared.policy.current import PolicyMissingError, PolicyUnreadableError, Reader
from shared.settings import Settings, StorageSettings

Made = TypeVar("Made")


class Storage:
    """Clients of the app's storage account, in either form of its settings; each is made once."""

    def __init__(self, settings: StorageSettings, credential: Callable[[], Any]) -> None:
        self._settings = settings
        self._credential = credential
        self._made: dict[tuple[str, str], Any] = {}
        self._lock = Lock()

    def queue(self, name: str) -> Any:
        """A `QueueClient` that encodes messages as the Functions host expects them."""
        from azure.storage.queue import QueueClient, TextBase64EncodePolicy

        encode = TextBase64EncodePolicy()
        return self._once(("queue", name), lambda: (
            QueueClient.from_connection_string(self._settings.connection_string, name, message_encode_policy=encode)
            if self._settings.connection_string
            else QueueClient(self._settings.queue_uri, name, credential=self._identity, message_encode_policy=encode)
        ))  # fmt: skip

    def container(self, name: str) -> Any:
        """A `ContainerClient`."""
        from azure.storage.blob import ContainerClient

        return self._once(("container", name), lambda: (
            ContainerClient.from_connection_string(self._settings.connection_string, name)
            if self._settings.connection_string
            else ContainerClient(self._settings.blob_uri, name, credential=self._identity)
        ))  # fmt: skip

    def tables(self) -> Any:
        """The `TableServiceClient`."""
        from azure.data.tables import TableServiceClient

        return self._once(("tables", ""), lambda: (
            TableServiceClient.from_connection_string(self._settings.connection_string)
            if self._settings.connection_string
            else TableServiceClient(self._settings.table_uri, credential=self._identity)
        ))  # fmt: skip

    def blob_policy(self, url: str) -> Reader:
        """A reader of a policy that is kept in a blob, with the app's identity; its tag is the blob's ETag."""
        from azure.storage.blob import BlobClient

        blob = self._once(("policy", url), lambda: BlobClient.from_blob_url(url, credential=self._credential()))

        def read(tag: str | None) -> tuple[bytes, str] | None:
            try:
                properties = blob.get_blob_properties()
                if properties.etag == tag:
                    return None
                download = blob.download_blob(etag=properties.etag, match_condition=MatchConditions.IfNotModified)
                return download.readall(), properties.etag
            except ResourceNotFoundError:
                raise PolicyMissingError(f"there is no policy at {url}: set POLICY_PATH or upload the blob") from None
            except AzureError as error:
                status = getattr(error, "status_code", None) or type(error).__name__
                raise PolicyUnreadableError(f"the policy at {url} cannot be read: {status}") from error

        return read

    @property
    def _identity(self) -> Any:
        return self._credential()

    def _once(self, key: tuple[str, str], make: Callable[[], Made]) -> Made:
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            made: Made = self._made[key]
            return made


def credential_of(settings: Settings) -> Any:
    """`ManagedIdentityCredential` where Azure offers one, `DefaultAzureCredential` elsewhere (INTERFACE section 4)."""
    if settings.managed_identity:
        from azure.identity import ManagedIdentityCredential

        return ManagedIdentityCredential(client_id=settings.client_id or None)
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(managed_identity_client_id=settings.client_id or None)


def topic_of(settings: Settings, credential: Callable[[], Any]) -> Topic:
    """The alert topic: with its key where there is one, with the app's identity elsewhere; none: alerts are logged."""
    if not settings.alert_topic_endpoint:
        return NoTopic()

    @cache
    def client() -> Any:
        from azure.core.credentials import AzureKeyCredential
        from azure.eventgrid import EventGridPublisherClient

        key = settings.alert_topic_key
        return EventGridPublisherClient(settings.alert_topic_endpoint, AzureKeyCredential(key) if key else credential())

    return EventGridTopic(client)
