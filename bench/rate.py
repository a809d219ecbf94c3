"""How many reviews one host does in a second, beside how often its storage could do a review's storage work.

A review is here a first approval: a storage account of its own, with one Pending connection of a requester that the policy
knows. The host runs Microsoft's worker code with its usual number of threads. The other rate is storage work alone, by the
same SDKs, in as many threads, against the same Azurite: see `StorageWork`.

The two are measured in turn, so that whatever else the machine does hits both. Their ratio says how near the product comes
to what its storage allows. The local Azure, Azurite, the host and the benchmark share the cores.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from azure.data.tables import TableServiceClient, UpdateMode
from azure.storage.blob import BlobLeaseClient, ContainerClient
from azure.storage.queue import QueueClient

from bench.estate import APP, Estate, settings_of
from bench.figure import Figure, median
from bench.messages import review_message, reviews_queue
from local.azure.process import AzureProcess
from local.host.process import HostProcess
from local.stories.expect import eventually, expect

_REVIEWS = 80
_WARMING = 24
_SAMPLES = 6
_HIDDEN_SECONDS = 3
_LONGEST_SECONDS = 300
_COLUMN = "x" * 1500  # characters: about what the ledger's rows hold


def run() -> Iterator[Figure]:
    """Both rates, and the median of their ratio over the pairs of samples."""
    with TemporaryDirectory(prefix="bench-") as folder, AzureProcess(time_scale=1, webhook="") as azure:
        settings = settings_of(azure, Path(folder))
        with HostProcess(settings):
            reviews = Reviews(Estate(azure.client), settings["AzureWebJobsStorage"])
            storage = StorageWork(settings["AzureWebJobsStorage"])
            reviews.rate(_WARMING)
            storage.rate(_WARMING)
            pairs = [(reviews.rate(_REVIEWS), storage.rate(_REVIEWS)) for _ in range(_SAMPLES)]
    yield median("reviews_per_second", [ours for ours, _ in pairs], "1/s")
    yield median("storage_work_per_second", [theirs for _, theirs in pairs], "1/s")
    yield median("reviews_per_second / storage_work_per_second", [ours / theirs for ours, theirs in pairs], "")


def rate_of(moments: list[float]) -> float:
    """How many a second, from the first to the last of these moments (seconds, in any order)."""
    return (len(moments) - 1) / (max(moments) - min(moments))


class Reviews:
    """Reviews by the host, asked for through its queue."""

    def __init__(self, estate: Estate, connection_string: str) -> None:
        self._estate = estate
        self._queue = reviews_queue(connection_string)
        self._made = 0
        estate.without_throttling()

    def rate(self, count: int) -> float:
        """Approvals a second, from the first to the last. The messages come into sight once all are in the queue."""
        accounts = [self._account() for _ in range(count)]
        self._estate.client.local("DELETE", "calls")
        for account in accounts:
            self._queue.send_message(review_message(account), visibility_timeout=_HIDDEN_SECONDS)

        def approved() -> dict[str, float]:
            moments = self._approvals()
            expect(len(moments) == count, f"{len(moments)} of {count} connections were approved")
            return moments

        moments = eventually(approved, seconds=_LONGEST_SECONDS, pause=0.5)
        return rate_of(list(moments.values()))

    def _account(self) -> str:
        self._made += 1
        account = self._estate.account(str(self._made))
        self._estate.ask(account, f"pe{self._made}")
        return account

    def _approvals(self) -> dict[str, float]:
        """When each connection was approved, by its path, as the local Azure noted it."""
        puts = self._estate.client.local(
            "GET", f"calls?method=PUT&pathContains=/privateEndpointConnections/&principal={APP}"
        )
        return {put["path"]: datetime.fromisoformat(put["at"]).timestamp() for put in puts if put["status"] == 200}


class StorageWork:
    """What the storage of one review takes, and nothing between.

    7 table operations (a query, 2 upserts, 2 batches of 3 rows in one partition, 2 deletes), 2 of blobs (a lease acquired
    and released) and 3 of queues (send, receive, delete). The clients are shared by all threads, as the app's are.
    """

    def __init__(self, connection_string: str) -> None:
        service = TableServiceClient.from_connection_string(connection_string)
        self._table = service.create_table("benchwork")
        self._blobs = ContainerClient.from_connection_string(connection_string, "benchwork")
        self._blobs.create_container()
        self._queue = QueueClient.from_connection_string(connection_string, "benchwork")
        self._queue.create_queue()

    def rate(self, count: int) -> float:
        """So many times this work; times a second, from the first that ended to the last."""
        names = [uuid.uuid4().hex for _ in range(count)]
        for name in names:
            self._blobs.upload_blob(name, b"")
        with ThreadPoolExecutor() as pool:  # the worker's own pool has the same default number of threads
            return rate_of(list(pool.map(self._work, names)))

    def _work(self, name: str) -> float:
        """Do it once, in a partition of its own; answers the moment of its end."""
        lease = BlobLeaseClient(self._blobs.get_blob_client(name))
        lease.acquire(30)
        list(self._table.query_entities("PartitionKey eq @name", parameters={"name": name}))
        self._table.submit_transaction([("upsert", _row(name, row)) for row in ("a", "b", "c")])
        self._table.upsert_entity(_row(name, "d"), mode=UpdateMode.REPLACE)
        self._table.upsert_entity(_row(name, "e"), mode=UpdateMode.REPLACE)
        self._table.submit_transaction([("upsert", _row(name, row)) for row in ("a", "b", "f")])
        self._table.delete_entity(name, "d")
        self._table.delete_entity(name, "e")
        self._queue.send_message(name)
        for message in self._queue.receive_messages(messages_per_page=1, max_messages=1):
            self._queue.delete_message(message)
        lease.release()
        return time.monotonic()


def _row(partition: str, row: str) -> dict[str, Any]:
    return {"PartitionKey": partition, "RowKey": row, "shown": _COLUMN}
