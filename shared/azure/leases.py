"""One blob lease for each target: it saves double work. Correctness never rests on it (a frozen instance can lose it)."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Protocol

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError

from shared.errors import BusyError, TransientError
from shared.resource_id import ResourceId

if TYPE_CHECKING:
    from azure.storage.blob import BlobLeaseClient, ContainerClient

CONTAINER = "reviews"
SECONDS = 30
RENEW_EVERY = 10

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that is held.

    `since` is the storage service's own time (whole seconds): it is compared with the times of queue messages, never
    with a host's clock. `discard` deletes what the lease lies on: its target is gone for good.
    """

    since: datetime
    discard: Callable[[], None] = lambda: None


class Leases(Protocol):
    """Who reviews a target now."""

    def hold(self, target: ResourceId) -> Any:
        """A context manager that holds the target's lease and gives `Held`.

        Raises:
            BusyError: another review holds it.
        """
        ...


class BlobLeases:
    """Leases on empty blobs of the container `reviews`, one for each target, renewed while they are held."""

    def __init__(self, container: Callable[[], ContainerClient]) -> None:
        self._container = container

    @contextmanager
    def hold(self, target: ResourceId) -> Iterator[Held]:
        """See `Leases`."""
        dates: list[str] = []
        lease = self._acquire(target, dates)
        stop = Event()
        renewer = Thread(target=_renew, args=(lease, stop, str(target)), daemon=True, name="lease")
        renewer.start()
        try:
            yield Held(parsedate_to_datetime(dates[-1]), lambda: self._discard(target, lease))
        finally:
            stop.set()
            renewer.join()
            try:
                lease.release()
            except AzureError as error:  # it runs out by itself
                log.info("lease of %s not released: %s", target, type(error).__name__)

    def _acquire(self, target: ResourceId, dates: list[str]) -> BlobLeaseClient:
        from azure.storage.blob import BlobLeaseClient

        blob = self._blob(target)
        lease = BlobLeaseClient(blob)

        def note(response: Any) -> None:
            dates.append(response.http_response.headers["Date"])

        try:
            try:
                lease.acquire(SECONDS, raw_response_hook=note)
            except ResourceNotFoundError:
                self._make(blob)
                lease.acquire(SECONDS, raw_response_hook=note)
        except ResourceExistsError as error:
            raise BusyError(f"another review holds {target}", code="TargetBusy", retry_after=5) from error
        except HttpResponseError as error:
            raise TransientError(f"the lease of {target}: {error.status_code}", code="LeaseFailed") from error
        return lease

    def _discard(self, target: ResourceId, lease: BlobLeaseClient) -> None:
        try:
            self._blob(target).delete_blob(lease=lease)
        except AzureError as error:
            log.info("lease blob of %s not deleted: %s", target, type(error).__name__)

    def _blob(self, target: ResourceId) -> Any:
        return self._container().get_blob_client(hashlib.sha256(target.key.encode()).hexdigest())

    def _make(self, blob: Any) -> None:
        try:
            blob.upload_blob(b"")
        except ResourceNotFoundError:
            self._container().create_container()
            blob.upload_blob(b"")
        except ResourceExistsError:  # another review was faster
            log.debug("blob of the lease is there already")


def _renew(lease: BlobLeaseClient, stop: Event, target: str) -> None:
    """Renew until told to stop. A lost lease costs double work, nothing else: the ledger is the judge."""
    while not stop.wait(RENEW_EVERY):
        try:
            lease.renew()
        except AzureError as error:
            log.warning("lease of %s not renewed: %s", target, type(error).__name__)
            return
