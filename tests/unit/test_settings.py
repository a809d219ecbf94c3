"""The environment, read once."""

from __future__ import annotations

import pytest

from shared.settings import InvalidSettingsError, read_settings, sweep_schedule

STORAGE = {"AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=k"}


def test_with_a_connection_string_alone_everything_has_its_documented_default() -> None:
    settings = read_settings(STORAGE)
    assert settings.storage.connection_string == STORAGE["AzureWebJobsStorage"]
    assert settings.policy_path == "policy.yaml"
    assert settings.arm_endpoint == settings.arm_audience == "https://management.azure.com"
    assert settings.synapse_endpoint == "https://{workspace}.dev.azuresynapse.net"
    assert (settings.alert_topic_endpoint, settings.client_id, settings.managed_identity) == ("", "", False)


def test_an_account_name_stands_for_all_its_services() -> None:
    storage = read_settings({"AzureWebJobsStorage__accountName": "acc"}).storage
    assert storage.connection_string == ""
    assert storage.queue_uri == "https://acc.queue.core.windows.net"
    assert storage.blob_uri == "https://acc.blob.core.windows.net"
    assert storage.table_uri == "https://acc.table.core.windows.net"


def test_a_uri_of_one_service_goes_before_the_account_name() -> None:
    environment = {"AzureWebJobsStorage__accountName": "acc", "AzureWebJobsStorage__tableServiceUri": "https://t.test/"}
    storage = read_settings(environment).storage
    assert (storage.table_uri, storage.queue_uri) == ("https://t.test", "https://acc.queue.core.windows.net")


def test_the_storages_own_identity_goes_before_the_apps() -> None:
    environment = {"AzureWebJobsStorage__accountName": "acc", "AZURE_CLIENT_ID": "app"}
    assert read_settings(environment).storage.client_id == "app"
    assert read_settings({**environment, "AzureWebJobsStorage__clientId": "own"}).storage.client_id == "own"


def test_the_audience_of_another_cloud_is_its_endpoint_unless_told() -> None:
    environment = {**STORAGE, "ARM_ENDPOINT": "https://management.chinacloudapi.cn/"}
    assert read_settings(environment).arm_audience == "https://management.chinacloudapi.cn"
    told = read_settings({**environment, "ARM_AUDIENCE": "https://management.core.chinacloudapi.cn/"})
    assert told.arm_audience == "https://management.core.chinacloudapi.cn"


def test_a_managed_identity_is_used_where_azure_offers_one() -> None:
    assert read_settings({**STORAGE, "IDENTITY_ENDPOINT": "https://x"}).managed_identity


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, "AzureWebJobsStorage"),
        ({"AzureWebJobsStorage": "UseDevelopmentStorage=true"}, "UseDevelopmentStorage"),
        ({"AzureWebJobsStorage__queueServiceUri": "https://q"}, "AzureWebJobsStorage__blobServiceUri"),
        ({**STORAGE, "ARM_ENDPOINT": "http://management.azure.com"}, "ARM_ENDPOINT"),
        ({**STORAGE, "ARM_ENDPOINT": "management.azure.com"}, "ARM_ENDPOINT"),
        ({**STORAGE, "SYNAPSE_ENDPOINT": "https://dev.test"}, "SYNAPSE_ENDPOINT"),
        ({**STORAGE, "SYNAPSE_ENDPOINT": "http://{workspace}.dev.test"}, "SYNAPSE_ENDPOINT"),
    ],
    ids=str,
)
def test_a_setting_that_makes_no_sense_is_named(environment: dict[str, str], named: str) -> None:
    with pytest.raises(InvalidSettingsError, match=named):
        read_settings(environment)


def test_the_sweeps_schedule_needs_no_other_setting() -> None:
    assert sweep_schedule({}) == sweep_schedule({"SWEEP_SCHEDULE": ""}) == "0 */5 * * * *"
    assert sweep_schedule({"SWEEP_SCHEDULE": "0 0 * * * *"}) == "0 0 * * * *"
