"""What the benchmarks count, against Azurite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobLeaseClient, ContainerClient

from bench.counting import Services, requests_counted
from bench.messages import review_message, reviews_queue, target_of
from tests.local_host.azurite_server import Account, azurite

ARM = "https://localhost:7443"
GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg"
TARGET = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/data"


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with azurite(1) as (made,):
        yield made


@pytest.fixture
def services(account: Account) -> Services:
    return Services({"AzureWebJobsStorage": account.connection_string, "ARM_ENDPOINT": ARM})


def test_a_batch_of_rows_is_one_operation(account: Account, services: Services) -> None:
    with closing(TableServiceClient.from_connection_string(account.connection_string)) as service:
        table = service.create_table("rows")
        with requests_counted(services) as counts:
            table.submit_transaction([("upsert", {"PartitionKey": "p", "RowKey": str(n)}) for n in range(3)])
            found = list(table.list_entities())

    assert len(found) == 3
    assert counts == {"table": 2}


def test_operations_of_blobs_and_queues_are_told_apart(account: Account, services: Services) -> None:
    queue = reviews_queue(account.connection_string)
    with closing(ContainerClient.from_connection_string(account.connection_string, "leases")) as container:
        container.create_container()
        with requests_counted(services) as counts:
            container.upload_blob("one", b"")
            lease = BlobLeaseClient(container.get_blob_client("one"))
            lease.acquire(30)
            lease.release()
            queue.send_message(review_message(TARGET))

    assert counts == {"blob": 3, "queue": 1}
    (message,) = queue.receive_messages(max_messages=1)
    assert target_of(message) == TARGET


def test_what_is_sent_before_and_after_does_not_count(account: Account, services: Services) -> None:
    queue = reviews_queue(account.connection_string)
    with requests_counted(services) as counts:
        pass
    queue.get_queue_properties()

    assert counts == {}


@pytest.mark.parametrize(
    ("url", "service"),
    [
        (f"{ARM}/subscriptions/1?api-version=2015-01-01", "ARM"),
        (f"{ARM}/topics/alerts/api/events", "topic"),
        (f"{ARM}/identity/token?resource=x", "identity"),
        ("https://management.azure.com/subscriptions/1", "elsewhere"),
    ],
)
def test_requests_that_are_not_to_the_storage_are_told_apart(services: Services, url: str, service: str) -> None:
    assert services.of(url) == service
