"""The environment, read once."""

from __future__ import annotations

import pytest

from shared.settings import InvalidSettingsError, read_settings, sweep_schedule

STORAGE = {"AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=k"}


ACCOUNT = {"AzureWebJobsStorage__accountName": "acc"}


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
        ({**STORAGE, "SYNAPSE_ENDPOINT": "https://evil.test/#{workspace}.dev.test"}, "SYNAPSE_ENDPOINT"),
        ({**STORAGE, "ARM_ENDPOINT": "https://management.azure.com@evil.test"}, "ARM_ENDPOINT"),
        ({**STORAGE, "ARM_ENDPOINT": "https://evil.test\\@management.azure.com"}, "ARM_ENDPOINT"),
        (
            {**STORAGE, "ALERT_TOPIC_ENDPOINT": "http://topic.westeurope-1.eventgrid.azure.net/api/events"},
            "ALERT_TOPIC_ENDPOINT",
        ),
        ({**STORAGE, "ALERT_TOPIC_ENDPOINT": "topic.westeurope-1.eventgrid.azure.net"}, "ALERT_TOPIC_ENDPOINT"),
        ({**ACCOUNT, "AzureWebJobsStorage__tableServiceUri": "http://t.test"}, "AzureWebJobsStorage__tableServiceUri"),
        (
            {**ACCOUNT, "AzureWebJobsStorage__blobServiceUri": "https://b.test/?sig=x"},
            "AzureWebJobsStorage__blobServiceUri",
        ),
    ],
    ids=str,
)
def test_a_setting_that_makes_no_sense_is_named(environment: dict[str, str], named: str) -> None:
    with pytest.raises(InvalidSettingsError, match=named):
        read_settings(environment)


def test_the_sweeps_schedule_needs_no_other_setting() -> None:
    assert sweep_schedule({}) == sweep_schedule({"SWEEP_SCHEDULE": ""}) == "0 */5 * * * *"
    assert sweep_schedule({"SWEEP_SCHEDULE": "0 0 * * * *"}) == "0 0 * * * *"


@pytest.mark.parametrize(
    "url",
    [
        "https://policies.blob.core.windows.net/app/policy.yaml",
        "https://POLICIES.blob.core.windows.net:443/app/policy.yaml",
        "https://policies.blob.core.usgovcloudapi.net/app/policy.yaml",
        "https://policies.blob.core.chinacloudapi.cn/app/policy.yaml",
        "https://policies.z12.blob.storage.azure.net/app/policy.yaml",
        "https://policies-secondary.blob.core.windows.net/app/policy.yaml",
        "https://blobs.corp.test/app/policy.yaml",
    ],
)
def test_a_policy_may_lie_at_a_blob_service_or_in_the_apps_own_account(url: str) -> None:
    own = {**ACCOUNT, "AzureWebJobsStorage__blobServiceUri": "https://blobs.corp.test/"}
    assert read_settings({**own, "POLICY_PATH": url}).policy_path == url


@pytest.mark.parametrize(
    "url",
    [
        "http://policies.blob.core.windows.net/app/policy.yaml",
        "https://policies.blob.evil.test/app/policy.yaml",
        "https://policies.blob.core.windows.net.evil.test/app/policy.yaml",
        "https://evilblob.core.windows.net/app/policy.yaml",
        "https://blob.core.windows.net/app/policy.yaml",
        "https://a.b.blob.core.windows.net/app/policy.yaml",
        "https://policies.blob.core.windows.net@evil.test/app/policy.yaml",
        "https://evil.test\\@policies.blob.core.windows.net/app/policy.yaml",
        "https://policies.blob.core.windows.net:8443/app/policy.yaml",
        "https://blobs.corp.test.evil.test/app/policy.yaml",
        "https://policies.blob.core.windows.net/",
        "https://policies.blob.core.windows.net",
        "https://policies.blob.core.windows.net/app/policy.yaml#x",
        "ftp://policies.blob.core.windows.net/app/policy.yaml",
    ],
)
def test_the_apps_token_goes_to_no_other_host_for_a_policy(url: str) -> None:
    own = {**ACCOUNT, "AzureWebJobsStorage__blobServiceUri": "https://blobs.corp.test"}
    with pytest.raises(InvalidSettingsError, match="POLICY_PATH"):
        read_settings({**own, "POLICY_PATH": url})


def test_a_signature_in_a_policys_url_is_refused_and_not_repeated() -> None:
    url = "https://policies.blob.core.windows.net/app/policy.yaml?sv=2024&sig=SECRET"
    with pytest.raises(InvalidSettingsError, match="without a query") as raised:
        read_settings({**STORAGE, "POLICY_PATH": url})
    assert "SECRET" not in str(raised.value)
    assert "sv=" not in str(raised.value)


def test_a_setting_is_named_as_it_was_given() -> None:
    with pytest.raises(InvalidSettingsError, match=r"ARM_ENDPOINT: 'http://management\.azure\.com/'"):
        read_settings({**STORAGE, "ARM_ENDPOINT": "http://management.azure.com/"})


@pytest.mark.parametrize("value", ["False", "true", "1", "True ", ""])
def test_a_principal_is_believed_only_where_app_service_says_true(value: str) -> None:
    assert read_settings({**STORAGE, "WEBSITE_AUTH_ENABLED": "True"}).authentication is True
    assert read_settings({**STORAGE, "WEBSITE_AUTH_ENABLED": value}).authentication is False
    assert read_settings(STORAGE).authentication is False
