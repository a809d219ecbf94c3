"""host.json, local.settings.json and storage connections."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest

from local.host.host_json import HostJsonError, QueueOptions, read_host_json
from local.host.outputs import messages
from local.host.protos import TypedData
from local.host.settings import MissingSettingError, Settings, SettingsError, read_settings
from local.host.storage import ConnectionMissingError, Storage


def written(folder: Path, content: object) -> Path:
    file = folder / "file.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def test_host_json_has_the_defaults_of_azure_functions(tmp_path: Path) -> None:
    host = read_host_json(written(tmp_path, {"version": "2.0"}), {})
    assert host.queues == QueueOptions(16, 8, 60.0, 0.0, 5, base64=True)
    assert (host.route_prefix, host.function_timeout, host.not_copied) == ("api", 1800.0, ())


def test_host_json_is_read_and_the_environment_overrides_it(tmp_path: Path) -> None:
    document = {
        "version": "2.0",
        "functionTimeout": "-1",
        "logging": {"logLevel": {"default": "Warning", "Function.a.User": "Debug"}, "applicationInsights": {"x": 1}},
        "extensions": {"http": {"routePrefix": ""}, "queues": {"batchSize": 10, "visibilityTimeout": "00:00:30"}},
        "concurrency": {"dynamicConcurrencyEnabled": True},
    }
    environment = {
        "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:02",
        "AzureFunctionsJobHost__Extensions__Queues__VisibilityTimeout": "00:00:01",
    }
    host = read_host_json(written(tmp_path, document), environment)
    assert host.queues == QueueOptions(10, 5, 2.0, 1.0, 5, base64=True)
    assert (host.route_prefix, host.function_timeout) == ("", None)
    assert host.log_levels == {"default": logging.WARNING, "Function.a.User": logging.DEBUG}
    assert host.not_copied == ("concurrency.dynamicConcurrencyEnabled",)


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("{", "not valid JSON"),
        ({}, '"version": "2.0"'),
        ([], '"version": "2.0"'),
        ({"version": "2.0", "functionTimeout": "soon"}, "functionTimeout must be a time span"),
        ({"version": "2.0", "extensions": {"queues": {"batchSize": 33}}}, "batchSize must be between 1 and 32"),
        ({"version": "2.0", "extensions": {"queues": {"batchSize": "x"}}}, "must be a whole number"),
        (
            {"version": "2.0", "logging": {"logLevel": {"default": "Loud"}}},
            "logLevel.default must be one of trace, debug",
        ),
        ({"version": "2.0", "extensions": {"queues": {"messageEncoding": "utf7"}}}, "base64 or none"),
    ],
)
def test_a_host_json_that_cannot_be_used_is_refused_with_the_reason(
    tmp_path: Path, document: object, complaint: str
) -> None:
    with pytest.raises(HostJsonError, match=complaint):
        read_host_json(written(tmp_path, document), {})


def test_a_folder_without_host_json_is_no_app(tmp_path: Path) -> None:
    with pytest.raises(HostJsonError, match="not a function app"):
        read_host_json(tmp_path / "host.json", {})


def test_the_environment_goes_before_local_settings(tmp_path: Path) -> None:
    file = written(tmp_path, {"Values": {"A": "file", "B": "file", "N": 5, "T": True}})
    settings = read_settings({"A": "environment"}, file)
    assert [settings.get(name) for name in "ABNTX"] == ["environment", "file", "5", "true", None]


@pytest.mark.parametrize(
    "content", ["{", [], {"Values": []}, {"Values": {"A": {}}}, {"IsEncrypted": True, "Values": {}}]
)
def test_local_settings_that_cannot_be_used_are_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(SettingsError):
        read_settings({}, written(tmp_path, content))


def test_a_reference_is_resolved_or_named() -> None:
    settings = Settings({"A": "1", "EMPTY": ""})
    assert settings.resolve("x%A%y") == "x1y"
    for missing in ("%B%", "%EMPTY%"):
        with pytest.raises(MissingSettingError, match=f"'{missing}' does not resolve"):
            settings.resolve(missing)


@pytest.mark.parametrize(
    ("values", "connection"),
    [
        ({"AzureWebJobsStorage__accountName": "account"}, ""),
        ({"AzureWebJobsStorage__queueServiceUri": "https://account.queue.core.windows.net"}, "AzureWebJobsStorage"),
        ({"AzureWebJobsOther": "AccountName=account;AccountKey=a2V5", "Other__accountName": "another"}, "Other"),
        ({"Other__accountName": "account", "Other__credential": "managedidentity", "Other__clientId": "id"}, "Other"),
    ],
)
def test_both_forms_of_a_connection_lead_to_the_account(values: dict[str, str], connection: str) -> None:
    async def url() -> str:
        storage = Storage(Settings(values))
        try:
            return str(storage.queue(connection, "q").url)
        finally:
            await storage.close()

    assert asyncio.run(url()) == "https://account.queue.core.windows.net/q"


def test_a_connection_without_settings_says_which_ones_are_missing() -> None:
    with pytest.raises(ConnectionMissingError, match="set Other"):
        Storage(Settings({})).queue("Other", "q")
    with pytest.raises(ConnectionMissingError, match="whole connection string"):
        Storage(Settings({"AzureWebJobsStorage": "UseDevelopmentStorage=true"})).queue("", "q")


@pytest.mark.parametrize(
    ("value", "bodies"),
    [
        (TypedData(string="[1]"), [b"[1]"]),
        (TypedData(bytes=b"\xff"), [b"\xff"]),
        (TypedData(json='["a", {"b": 1}, null]'), [b"a", b'{"b":1}']),
        (TypedData(json='{"b": 1}'), [b'{"b":1}']),
        (TypedData(json='"text"'), [b"text"]),
        (TypedData(), []),
    ],
)
def test_a_value_becomes_queue_messages(value: TypedData, bodies: list[bytes]) -> None:
    assert messages(value) == bodies


def test_a_value_that_no_queue_can_take_is_refused() -> None:
    with pytest.raises(ValueError, match="of kind double"):
        messages(TypedData(double=1.0))
