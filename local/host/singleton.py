"""What the hosts of one app share in the container `azure-webjobs-hosts`: a lease for each timer, and its last status.

A lease makes one host the only one that runs a timer. It lasts 60 s in Azure and a host that waits looks every 60 s;
both are scaled, but the blob service leases for 15 s at least.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobClient, BlobLeaseClient, BlobServiceClient

from local.host.storage import reason
from local.host.waiting import wait_for_event

_log = logging.getLogger(__name__)
_CONTAINER = "azure-webjobs-hosts"


@dataclass(frozen=True)
class ScheduleStatus:
    """When a timer ran last (None: never), when it is due next, and when that was written."""

    last: datetime | None
    next: datetime
    updated: datetime

    def to_json(self) -> dict[str, str]:
        """The form of the Functions host."""
        last = self.last.isoformat() if self.last else "0001-01-01T00:00:00+00:00"
        return {"Last": last, "Next": self.next.isoformat(), "LastUpdated": self.updated.isoformat()}


class TimerBlobs:
    """The blobs of one timer of one app: its status and its lease."""

    def __init__(self, service: BlobServiceClient, host_id: str, function: str) -> None:
        self.function = function
        self._container = service.get_container_client(_CONTAINER)
        name = f"Host.Functions.{function}"
        self._status = self._container.get_blob_client(f"timers/{host_id}/{name}/status")
        self.lease_blob = self._container.get_blob_client(f"locks/{host_id}/{name}.Listener")

    async def read_status(self) -> ScheduleStatus | None:
        """The last status; None when the timer is new. Raises AzureError."""
        try:
            content = json.loads(await (await self._status.download_blob()).readall())
        except ResourceNotFoundError:
            return None
        last, due, updated = (datetime.fromisoformat(content[key]) for key in ("Last", "Next", "LastUpdated"))
        return ScheduleStatus(last if last.year > 1 else None, due, updated)

    async def write_status(self, status: ScheduleStatus) -> None:
        """Replace the status; raises AzureError."""
        await self._status.upload_blob(json.dumps(status.to_json()), overwrite=True)

    async def create_lease_blob(self) -> None:
        """Make the container and the blob that is leased, unless they are there. Raises AzureError."""
        with suppress(ResourceExistsError):  # another timer or host was first
            await self._container.create_container()
        with suppress(ResourceExistsError):
            await self.lease_blob.upload_blob(b"", overwrite=False)


class TimerLease:
    """The right to run a timer: at most one host has it."""

    def __init__(self, blobs: TimerBlobs, seconds: float) -> None:
        """`seconds`: how long the lease lasts without renewal, and how often a waiting host looks."""
        self._blobs = blobs
        self._timer = blobs.function
        self._blob: BlobClient = blobs.lease_blob
        self._duration = min(60, max(15, round(seconds)))
        self._look_every = max(1.0, seconds)
        self._lease: BlobLeaseClient | None = None

    async def acquire(self, stopping: asyncio.Event) -> bool:
        """Wait for the lease; False when the host stops first."""
        while not stopping.is_set():
            try:
                self._lease = await self._acquire_now()
            except ResourceExistsError:
                await wait_for_event(stopping, self._look_every)
            except AzureError as error:
                _log.warning(
                    "The lease of the timer '%s' could not be had: %s",
                    self._blobs.function,
                    reason(error),
                )
                await wait_for_event(stopping, self._look_every)
            else:
                return True
        return False

    async def _acquire_now(self) -> BlobLeaseClient:
        try:
            return await self._blob.acquire_lease(lease_duration=self._duration)
        except ResourceNotFoundError:
            await self._blobs.create_lease_blob()
            return await self._blob.acquire_lease(lease_duration=self._duration)

    async def keep(self) -> None:
        """Renew the acquired lease at a third of its time; returns only when it is lost."""
        now = asyncio.get_running_loop().time
        renewed = now()
        while self._lease is not None and now() - renewed < self._duration:
            await asyncio.sleep(self._duration / 3)
            try:
                await self._lease.renew()
                renewed = now()
            except (ResourceExistsError, ResourceNotFoundError) as error:
                _log.warning("The lease of the timer '%s' is lost: %s", self._timer, reason(error))
                self._lease = None
            except AzureError as error:
                _log.warning(
                    "The lease of the timer '%s' could not be renewed: %s",
                    self._blobs.function,
                    reason(error),
                )

    async def release(self) -> None:
        """Let another host have it at once."""
        if self._lease is not None:
            try:
                await self._lease.release()
            except AzureError as error:
                _log.info(
                    "The lease of the timer '%s' was not given back and ends by itself: %s",
                    self._blobs.function,
                    reason(error),
                )
            self._lease = None
