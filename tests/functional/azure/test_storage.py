"""The app's storage: many first users at once, a policy in a blob, and a storage account that does not answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from azure.core.exceptions import AzureError

from shared.azure.clients import Storage, blob_of
from shared.azure.leases import BlobLeases
from shared.azure.queues import Queue
from shared.errors import BusyError, TransientError
from shared.policy.current import PolicyMissingError, PolicyUnreadableError, blob_reader
from shared.policy.language.yaml_nodes import MAX_BYTES
from shared.resource_id import ResourceId, parse
from shared.settings import StorageSettings
from tests.functional.azure.hostile import Identity, Reply, Server
from tests.local_host.azurite_server import Account

MANY = 12
GROUP = (
    "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts"
)
STORAGE_TOKEN = "token-for-https://storage.azure.com/.default"  # noqa: S105  # what our own credential says


@pytest.fixture
def connection_string(storage_accounts: Iterator[Account]) -> str:
    return next(storage_accounts).connection_string


@pytest.fixture
def storage(connection_string: str) -> Storage:
    return Storage(StorageSettings(connection_string), lambda: None)


def target(number: int) -> ResourceId:
    return parse(f"{GROUP}/account{number}")


def at_once(act: Callable[[int], Any]) -> list[Any]:
    """What so many threads answer that act at the same time."""
    start = threading.Barrier(MANY)

    def one(number: int) -> Any:
        start.wait(10)
        return act(number)

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


def held(leases: BlobLeases, resource: ResourceId, meanwhile: Callable[[], Any] = lambda: None) -> str:
    try:
        with leases.hold(resource):
            meanwhile()
            return "held"
    except BusyError:
        return "busy"


def test_on_empty_storage_nobody_is_busy_for_being_among_the_first(connection_string: str) -> None:
    def first(number: int) -> str:
        instance = Storage(StorageSettings(connection_string), lambda: None)
        return held(BlobLeases(lambda: instance.container("reviews")), target(number))

    assert at_once(first) == ["held"] * MANY


def test_on_empty_storage_one_of_many_gets_the_lease_of_a_target(storage: Storage) -> None:
    leases = BlobLeases(lambda: storage.container("reviews"))
    busy = threading.Semaphore(0)

    def all_others_are_busy() -> None:
        for _ in range(MANY - 1):
            assert busy.acquire(timeout=30)

    def same(_: int) -> str:
        found = held(leases, target(0), all_others_are_busy)
        busy.release()
        return found

    assert sorted(at_once(same)) == ["busy"] * (MANY - 1) + ["held"]


def test_on_empty_storage_every_first_message_arrives(connection_string: str) -> None:
    def send(number: int) -> None:
        instance = Storage(StorageSettings(connection_string), lambda: None)
        Queue(lambda: instance.queue("reviews")).send(str(number))

    at_once(send)
    received = Storage(StorageSettings(connection_string), lambda: None).queue("reviews").peek_messages(MANY * 2)
    assert len(received) == MANY


@pytest.mark.usefixtures("waits")
def test_storage_that_cannot_be_reached_may_be_there_later() -> None:
    gone = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;" + "".join(
        f"{service}Endpoint=http://127.0.0.1:9/a;" for service in ("Blob", "Queue", "Table")
    )
    storage = Storage(StorageSettings(gone), lambda: None)
    with pytest.raises(TransientError, match="lease"), BlobLeases(lambda: storage.container("reviews")).hold(target(0)):
        pass
    with pytest.raises(TransientError, match="queue"):
        Queue(lambda: storage.queue("reviews")).send("x")


def test_a_policy_in_a_blob_is_read_when_it_has_changed(storage: Storage) -> None:
    container = storage.container("policies")
    blob = container.get_blob_client("policy.yaml")
    read = blob_reader(blob)
    with pytest.raises(PolicyMissingError, match=r"policy\.yaml"):
        read(None)
    container.create_container()
    with pytest.raises(PolicyMissingError):
        read(None)

    tag = None
    for text in (b"version: 1", b"version: 2", b"#" * (MAX_BYTES + 10)):
        blob.upload_blob(text, overwrite=True)
        found = read(tag)
        assert found is not None
        assert found[0] == text[: MAX_BYTES + 1]
        assert found[1] != tag
        tag = found[1]
        assert read(tag) is None

    blob.upload_blob(b"", overwrite=True)
    assert read(tag) == (b"", "")
    blob.delete_blob()
    with pytest.raises(PolicyMissingError):
        read(tag)


# --- a storage service that is ill or hostile, asked with the app's identity


Act = Callable[[Storage, str, Identity], object]

USES: dict[str, Act] = {
    "queue": lambda storage, _url, _identity: storage.queue("q").send_message("x"),
    "container": lambda storage, _url, _identity: storage.container("c").get_blob_client("b").get_blob_properties(),
    "container list": lambda storage, _url, _identity: list(storage.container("c").list_blobs()),
    "tables": lambda storage, _url, _identity: storage.tables().get_table_client("t").get_entity("p", "r"),
    "table query": lambda storage, _url, _identity: list(
        storage.tables().get_table_client("t").query_entities("x eq 1")
    ),
    "table batch": lambda storage, _url, _identity: (
        storage.tables().get_table_client("t").submit_transaction([("upsert", {"PartitionKey": "p", "RowKey": "r"})])
    ),
    "tables themselves": lambda storage, _url, _identity: storage.tables().create_table_if_not_exists("t"),
    "policy": lambda _storage, url, identity: blob_of(f"{url}/account/c/policy.yaml", identity).download_blob(),
}

uses = pytest.mark.parametrize("use", USES.values(), ids=USES)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the clients wait for between tries, which passes at once."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


@pytest.fixture
def hostile(service: Server, identity: Identity, waits: list[float]) -> Storage:
    del waits
    uri = f"{service.url}/account"
    return Storage(StorageSettings(queue_uri=uri, blob_uri=uri, table_uri=uri), lambda: identity)


@uses
def test_a_redirect_of_storage_is_not_followed(
    use: Act, hostile: Storage, service: Server, elsewhere: Server, identity: Identity
) -> None:
    service.answer = lambda _: Reply(307, b"", {"Location": f"{elsewhere.url}/account/x"})
    with pytest.raises(AzureError):
        use(hostile, service.url, identity)
    assert service.asked != []
    assert elsewhere.asked == []


@uses
@pytest.mark.parametrize(
    "resource", ["https://management.azure.com", "https://vault.azure.net/", "https://storage.azure.com"]
)
def test_a_challenge_of_storage_gets_no_token_for_another_resource(
    resource: str, use: Act, hostile: Storage, service: Server, identity: Identity
) -> None:
    tenant = "6a1c0de0-1f00-4a5e-9c1d-0a2b3c4d5e6f"
    challenge = (
        f"Bearer authorization_uri=https://login.microsoftonline.com/{tenant}/oauth2/authorize resource_id={resource}"
    )
    service.answer = lambda _: Reply(401, b"", {"WWW-Authenticate": challenge})
    with pytest.raises(AzureError):
        use(hostile, service.url, identity)
    assert set(identity.scopes) == {"https://storage.azure.com/.default"}
    assert {asked.token for asked in service.asked} == {STORAGE_TOKEN}


@uses
def test_storage_that_is_busy_for_minutes_is_asked_three_times_and_not_waited_for(
    use: Act, hostile: Storage, service: Server, identity: Identity, waits: list[float]
) -> None:
    service.answer = lambda _: Reply(503, b"", {"Retry-After": "600"})
    with pytest.raises(AzureError):
        use(hostile, service.url, identity)
    assert 1 <= len(service.asked) <= 3
    assert sum(waits) <= 5


def test_every_client_of_storage_waits_for_seconds(hostile: Storage, service: Server, identity: Identity) -> None:
    policy = blob_of(f"{service.url}/account/c/policy.yaml", identity)
    made: list[Any] = [hostile.queue("q")._pipeline, hostile.container("c")._pipeline, policy._pipeline]
    made.append(hostile.tables()._client._client._pipeline)
    configs = [pipeline._transport._inner.connection_config for pipeline in made]
    assert {(config.timeout, config.read_timeout) for config in configs} == {(5, 20)}


def test_a_page_of_a_list_that_lies_elsewhere_is_not_asked(hostile: Storage, service: Server) -> None:
    body = b"<?xml version='1.0'?><EnumerationResults><Blobs/><NextMarker>https://evil.test/</NextMarker></EnumerationResults>"
    pages = iter([body, body.replace(b"https://evil.test/", b"")])
    service.answer = lambda _: Reply(200, next(pages), {"Content-Type": "application/xml"})
    assert list(hostile.container("c").list_blobs()) == []
    assert len(service.asked) == 2


def test_a_policy_that_cannot_be_read_is_none(service: Server, identity: Identity) -> None:
    service.answer = lambda _: Reply(403, b"")
    with pytest.raises(PolicyUnreadableError, match="403"):
        blob_reader(blob_of(f"{service.url}/account/c/policy.yaml", identity))(None)
