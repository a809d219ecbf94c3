"""The local Azure as a program: its settings, its storage, its end, and what survives it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.pipeline.policies import RequestIdPolicy
from azure.core.polling import LROPoller
from azure.core.rest import HttpRequest
from azure.data.tables import TableServiceClient
from azure.identity import ManagedIdentityCredential
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
from azure.mgmt.core.polling.arm_polling import ARMPolling
from azure.mgmt.storage import StorageManagementClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from local.azure import cli
from local.azure.client import LocalClient
from local.azure.cloud import Options
from local.azure.process import AzureProcess
from local.azure.server import LocalAzure
from tests.local_azure.conftest import KUSTO, STORAGE, Estate, until
from tests.local_azure.targets import BY_TYPE

ROOT = Path(__file__).parents[2]
SCOPE = "https://management.azure.com/.default"


@pytest.fixture(scope="module")
def fast() -> Iterator[AzureProcess]:
    """A local Azure whose delays are a thousand times shorter, with storage."""
    with AzureProcess(time_scale=1000, webhook="") as running:
        yield running


def port_is_open(connection_string: str) -> bool:
    """Whether the blob service of a connection string listens."""
    address = connection_string.partition("BlobEndpoint=http://")[2].partition("/")[0]
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def test_every_setting_of_the_app_is_printed(fast: AzureProcess) -> None:
    assert {
        "AzureWebJobsStorage",
        "ARM_ENDPOINT",
        "ARM_AUDIENCE",
        "SYNAPSE_ENDPOINT",
        "ALERT_TOPIC_ENDPOINT",
        "ALERT_TOPIC_KEY",
        "IDENTITY_ENDPOINT",
        "IDENTITY_HEADER",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
    } == set(fast.settings)
    assert "{workspace}" in fast.settings["SYNAPSE_ENDPOINT"]


def test_its_storage_has_blobs_queues_and_tables(fast: AzureProcess) -> None:
    storage = fast.settings["AzureWebJobsStorage"]
    name = f"t{uuid.uuid4().hex[:12]}"
    assert "devstoreaccount1" not in storage
    with BlobServiceClient.from_connection_string(storage) as blobs:
        blobs.create_container(name).upload_blob("b", b"x")
    with QueueClient.from_connection_string(storage, name) as queue:
        queue.create_queue()
        queue.send_message("hello")
        received = queue.receive_message()
        assert received is not None
        assert received.content == "hello"
    with TableServiceClient.from_connection_string(storage) as tables:
        tables.create_table(name).upsert_entity({"PartitionKey": "p", "RowKey": "r"})


def test_the_storage_sdk_waits_for_a_new_account(fast: AzureProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in fast.settings.items():
        monkeypatch.setenv(name, value)
    home = Estate(fast.client)
    home.storage()
    body: Any = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}
    credential = ManagedIdentityCredential()
    client: Any = StorageManagementClient(credential, home.subscription, fast.url, credential_scopes=[SCOPE])
    with client:
        poller = client.storage_accounts.begin_create("rg", f"sdk{home.subscription[:8]}", body)
        assert poller.result(60).properties.provisioning_state == "Succeeded"
        assert len(list(client.storage_accounts.list_by_resource_group("rg"))) == 2


def test_the_arm_pipeline_follows_a_long_running_operation(fast: AzureProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in fast.settings.items():
        monkeypatch.setenv(name, value)
    home, kind = Estate(fast.client), BY_TYPE["Microsoft.DigitalTwins/digitalTwinsInstances"]
    target = kind.id_in(home.group)
    home.arm("PUT", target, kind.version, kind.body).ok()
    until(lambda: home.arm("GET", target, kind.version).ok()["properties"]["provisioningState"] == "Succeeded")
    policies = [RequestIdPolicy(), ARMChallengeAuthenticationPolicy(ManagedIdentityCredential(), SCOPE)]
    client: Any = ARMPipelineClient(fast.url, policies=policies)
    with client:
        body = {"properties": {"publicNetworkAccess": "Disabled"}}
        request = HttpRequest("PATCH", f"{fast.url}{target}?api-version={kind.version}", json=body)
        first = client.send_request(request, _return_pipeline_response=True)
        assert first.http_response.status_code == 202
        poller: LROPoller[Any] = LROPoller(client, first, lambda last: last.http_response.json(), ARMPolling(1))
        assert poller.result(60)["properties"]["publicNetworkAccess"] == "Disabled"


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_its_storage_ends_with_it_however_it_ends(end: str) -> None:
    with AzureProcess(webhook="") as running:
        storage = running.settings["AzureWebJobsStorage"]
        assert port_is_open(storage)
        getattr(running, end)()
        until(lambda: not port_is_open(storage))


@pytest.mark.skipif(sys.platform != "linux", reason="needs prctl")
def test_it_ends_with_the_process_that_started_it() -> None:
    script = (
        "import time; from local.azure.process import AzureProcess\n"
        "with AzureProcess(webhook='') as azure:\n"
        "    print(azure.settings['AzureWebJobsStorage'], flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        storage = parent.stdout.readline()
        os.kill(parent.pid, signal.SIGKILL)
    until(lambda: not port_is_open(storage))


def test_with_a_folder_everything_survives_a_restart(tmp_path: Path) -> None:
    folder = str(tmp_path / "kept")
    with AzureProcess(webhook="", state=folder, time_scale=1) as first:
        home = Estate(first.client)
        account, cluster = home.storage(), home.cluster()
        body = {"properties": {"privateLinkResourceId": account, "groupId": "blob", "requestMessage": "m"}}
        home.arm("PUT", f"{cluster}/managedPrivateEndpoints/mpe", KUSTO, body).ok()
        with BlobServiceClient.from_connection_string(first.settings["AzureWebJobsStorage"]) as blobs:
            blobs.create_container("kept")
    with AzureProcess(webhook="", state=folder, time_scale=1) as second:
        again = Estate(second.client, subscription=home.subscription)
        assert again.connections(account, STORAGE) == []
        again.pass_time(200)
        assert len(again.connections(account, STORAGE)) == 1
        with BlobServiceClient.from_connection_string(second.settings["AzureWebJobsStorage"]) as blobs:
            assert [one.name for one in blobs.list_containers()] == ["kept"]


def test_a_snapshot_can_be_handed_to_another_local_azure(azure: AzureProcess, fast: AzureProcess) -> None:
    home = Estate(azure.client)
    account = home.storage()
    snapshot = azure.client.local("GET", "snapshot")
    fast.client.local("PUT", "snapshot", snapshot)
    assert Estate(fast.client, subscription=home.subscription).arm("GET", account, STORAGE).ok()["id"] == account
    assert fast.client.send("PUT", "/local/snapshot", {"nonsense": 1}).status == 400


def test_the_fault_program_sets_and_clears_faults(azure: AzureProcess, home: Estate) -> None:
    account = home.storage()
    environment = {**os.environ, **azure.settings}

    def fault(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "local", "fault", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    name = account.rpartition("/")[2]
    assert fault("add", "--path", name, "--status", "429", "--retry-after", "3").returncode == 0
    reply = home.arm("GET", account, STORAGE)
    assert (reply.status, reply.headers["retry-after"]) == (429, "3")
    assert name in fault("list").stdout
    assert fault("clear").returncode == 0
    assert azure.client.local("GET", "faults") == []


@pytest.mark.parametrize("arguments", [["--time-scale", "0"], ["--time-scale", "inf"], ["--home-tenant", "me"]])
def test_a_wrong_option_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_a_taken_port_is_an_error_and_not_a_traceback(azure: AzureProcess) -> None:
    port = azure.url.rpartition(":")[2]
    command = [sys.executable, "-m", "local", "azure", "--port", port, "--no-azurite"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert "could not be started" in ended.stderr
    assert "Traceback" not in ended.stderr


async def _status_of_a_call(options: Options) -> int:
    async with LocalAzure(options) as azure:
        client = LocalClient(azure.settings)
        home = Estate(client)
        account = await asyncio.to_thread(home.storage)
        return (await asyncio.to_thread(home.arm, "GET", account, STORAGE)).status


def test_it_runs_inside_a_program_too() -> None:
    assert asyncio.run(_status_of_a_call(Options(webhook="", azurite=False))) == 200
