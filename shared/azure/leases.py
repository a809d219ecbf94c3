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
RENEW_EVERY = 10.0
RETRY_AFTER = 2.0
"""Seconds from one renewal to the next, and after one that failed: some tries fit into what is left of the lease."""

_QUICK: dict[str, Any] = {"connection_timeout": 2, "read_timeout": 5, "retry_total": 0}
_LOST = (404, 409, 412)
"""What storage answers of a lease that is no longer ours: gone, another's, broken."""

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
            TransientError: the storage cannot be reached, or refuses.
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
        renewer = Thread(target=keep, args=(lease, stop, str(target)), daemon=True, name="lease")
        renewer.start()
        try:
            yield Held(parsedate_to_datetime(dates[-1]), lambda: self._discard(target, lease))
        finally:
            stop.set()
            renewer.join()
            try:
                lease.release(**_QUICK)
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
        except AzureError as error:
            status = getattr(error, "status_code", None) or type(error).__name__
            raise TransientError(f"the lease of {target}: {status}", code="LeaseFailed") from error
        return lease

    def _discard(self, target: ResourceId, lease: BlobLeaseClient) -> None:
        try:
            self._blob(target).delete_blob(lease=lease)
        except AzureError as error:
            log.info("lease blob of %s not deleted: %s", target, type(error).__name__)

    def _blob(self, target: ResourceId) -> Any:
        return self._container().get_blob_client(hashlib.sha256(target.key.encode()).hexdigest())

    def _make(self, blob: Any) -> None:
        """Make the blob, and the container before it where it is missing; others may make both at the same time."""
        try:
            _unless_there(lambda: blob.upload_blob(b""))
        except ResourceNotFoundError:
            _unless_there(self._container().create_container)
            _unless_there(lambda: blob.upload_blob(b""))


def _unless_there(make: Callable[[], Any]) -> None:
    """Make something. It is as good if it is there already (409), even under another review's lease (412)."""
    try:
        make()
    except HttpResponseError as error:
        if error.status_code not in (409, 412):
            raise
        log.debug("made by another review: %s", error.status_code)


def keep(
    lease: BlobLeaseClient, stop: Event, target: str, *, every: float = RENEW_EVERY, again: float = RETRY_AFTER
) -> None:
    """Renew a lease until told to stop, or until the storage says that it is lost.

    A lease that has run out can be renewed as long as nobody else took it. A lost one costs double work, nothing else:
    what guards the record is its version.
    """
    wait = every
    while not stop.wait(wait):
        try:
            lease.renew(**_QUICK)
            wait = every
        except AzureError as error:
            log.warning("lease of %s not renewed: %s", target, type(error).__name__)
            if getattr(error, "status_code", None) in _LOST:
                return
            wait = again
