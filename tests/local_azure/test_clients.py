"""Clients that others wrote, unchanged, against the local Azure: only settings and addresses are given to them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridPublisherClient
from azure.eventgrid.aio import EventGridPublisherClient as AsyncPublisher
from azure.identity import ClientSecretCredential, ManagedIdentityCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncIdentity
from azure.mgmt.eventhub import EventHubManagementClient
from azure.mgmt.eventhub.aio import EventHubManagementClient as AsyncEventHubs
from azure.mgmt.storage import StorageManagementClient
from azure.mgmt.storage.aio import StorageManagementClient as AsyncStorage

from local.azure.process import AzureProcess
from tests.local_azure.conftest import Estate

SCOPE = "https://management.azure.com/.default"


@pytest.fixture(autouse=True)
def _environment(azure: AzureProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings that the local Azure printed, as an app has them: identity, topic, private CA."""
    for name, value in azure.settings.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def credential() -> ManagedIdentityCredential:
    """The app's managed identity, found by the settings alone, as in Azure."""
    return ManagedIdentityCredential()


def storage(credential: Any, estate: Estate, azure: AzureProcess) -> Any:
    """The storage SDK for a subscription (Any: its models' fields are all optional)."""
    return StorageManagementClient(credential, estate.subscription, azure.url, credential_scopes=[SCOPE])


def event_hubs(credential: Any, estate: Estate, azure: AzureProcess) -> Any:
    """The Event Hubs SDK for a subscription."""
    return EventHubManagementClient(credential, estate.subscription, azure.url, credential_scopes=[SCOPE])


def names(target: str) -> tuple[str, str]:
    """Resource group and name of a target."""
    parts = target.split("/")
    return parts[4], parts[8]


def test_the_managed_identity_gets_tokens(credential: ManagedIdentityCredential) -> None:
    token = credential.get_token(SCOPE)
    assert token.token.count(".") == 2
    assert credential.get_token("https://dev.azuresynapse.net/.default").token != token.token


def test_the_storage_sdk_approves_and_tightens(
    home: Estate, stranger: Estate, azure: AzureProcess, credential: ManagedIdentityCredential
) -> None:
    account = home.storage(networkAcls={"defaultAction": "Allow", "ipRules": [{"value": "203.0.113.7"}]})
    stranger.endpoint(account, "blob", message="please").ok()
    group, name = names(account)
    with storage(credential, home, azure) as client:
        (connection,) = client.private_endpoint_connections.list(group, name)
        state = connection.properties.private_link_service_connection_state
        assert (state.status, state.description) == ("Pending", "please")
        state.status, state.description = "Approved", "decision"
        approved = client.private_endpoint_connections.put(group, name, connection.name, connection)
        assert approved.properties.provisioning_state == "Succeeded"
        with pytest.raises(HttpResponseError) as refused:
            client.private_endpoint_connections.put(group, name, connection.name, connection)
        assert refused.value.error is not None
        assert refused.value.error.code == "InvalidValuesForRequestParameters"
        tighter = {"properties": {"networkAcls": {"defaultAction": "Deny"}}}
        updated = client.storage_accounts.update(group, name, tighter)
        assert updated.properties.network_rule_set.default_action == "Deny"
        assert updated.properties.network_rule_set.ip_rules[0].ip_address_or_range == "203.0.113.7"


def test_the_event_hubs_sdk_approves_and_tightens(
    home: Estate, stranger: Estate, azure: AzureProcess, credential: ManagedIdentityCredential
) -> None:
    namespace = home.namespace()
    stranger.endpoint(namespace, "namespace").ok()
    group, name = names(namespace)
    with event_hubs(credential, home, azure) as client:
        (connection,) = client.private_endpoint_connections.list(group, name)
        assert connection.properties["groupIds"] == ["namespace"]
        connection.properties.private_link_service_connection_state.status = "Approved"
        answer = client.private_endpoint_connections.create_or_update(group, name, connection.name, connection)
        assert answer.properties.provisioning_state == "Updating"
        home.pass_time(60)
        settled = client.private_endpoint_connections.get(group, name, connection.name)
        assert settled.properties.provisioning_state == "Succeeded"
        rules = client.namespaces.get_network_rule_set(group, name)
        rules.properties.default_action = "Deny"
        rules.properties.public_network_access = "Disabled"
        client.namespaces.create_or_update_network_rule_set(group, name, rules)
        assert client.namespaces.get(group, name).properties.public_network_access == "Disabled"


async def _async_reads(azure: AzureProcess, home: Estate, account: str, namespace: str) -> list[Any]:
    trust: Any = {"connection_verify": azure.settings["SSL_CERT_FILE"]}  # aiohttp has read the variable at its import
    found: list[Any] = []
    async with AsyncIdentity(**trust) as identity:
        options: Any = {"credential_scopes": [SCOPE], **trust}
        async with AsyncStorage(identity, home.subscription, azure.url, **options) as accounts:
            found += [one async for one in accounts.private_endpoint_connections.list(*names(account))]
        async with AsyncEventHubs(identity, home.subscription, azure.url, **options) as hubs:
            found += [one async for one in hubs.private_endpoint_connections.list(*names(namespace))]
    return found


def test_the_asynchronous_clients_trust_the_private_ca(home: Estate, stranger: Estate, azure: AzureProcess) -> None:
    account, namespace = home.storage(), home.namespace()
    stranger.endpoint(account, "blob").ok()
    for _ in range(100):
        stranger.endpoint(namespace, "namespace").ok()
    found = asyncio.run(_async_reads(azure, home, account, namespace))
    assert len(found) == 101


def test_a_client_secret_of_another_tenant_logs_in_here(home: Estate, stranger: Estate, azure: AzureProcess) -> None:
    account = stranger.storage()
    theirs = ClientSecretCredential(
        stranger.tenant,
        "their-app",
        "any",
        authority=azure.url,
        disable_instance_discovery=True,
    )
    with storage(theirs, stranger, azure) as client:
        assert client.storage_accounts.get_properties(*names(account)).id == account
    home.storage()
    with storage(theirs, home, azure) as client, pytest.raises(ClientAuthenticationError):
        client.storage_accounts.get_properties("rg", "anything")


def event(number: int) -> CloudEvent[Any]:
    return CloudEvent("/private-endpoint-approver", "Test.Alert", subject=f"s{number}", data={"number": number})


@pytest.mark.parametrize("many", [False, True])
def test_the_event_grid_sdk_publishes_with_a_key(azure: AzureProcess, many: bool) -> None:
    key = azure.settings["ALERT_TOPIC_KEY"]
    topic = azure.settings["ALERT_TOPIC_ENDPOINT"]
    azure.client.local("DELETE", "topics/alerts/events")
    with EventGridPublisherClient(topic, AzureKeyCredential(key)) as client:
        client.send([event(1), event(2)] if many else event(1))
    arrived = azure.client.local("GET", "topics/alerts/events")
    assert [one["event"]["subject"] for one in arrived] == (["s1", "s2"] if many else ["s1"])


def test_the_event_grid_sdk_publishes_with_the_identity(
    azure: AzureProcess, credential: ManagedIdentityCredential
) -> None:
    azure.client.local("DELETE", "topics/alerts/events")
    with EventGridPublisherClient(azure.settings["ALERT_TOPIC_ENDPOINT"], credential) as client:
        client.send(event(3))
    (one,) = azure.client.local("GET", "topics/alerts/events")
    assert one["event"]["data"] == {"number": 3}


def test_a_wrong_key_is_refused(azure: AzureProcess) -> None:
    topic = azure.settings["ALERT_TOPIC_ENDPOINT"]
    with (
        EventGridPublisherClient(topic, AzureKeyCredential("wrong")) as client,
        pytest.raises(ClientAuthenticationError),
    ):
        client.send(event(4))


async def _publish(azure: AzureProcess) -> None:
    trust: Any = {"connection_verify": azure.settings["SSL_CERT_FILE"]}
    topic = azure.settings["ALERT_TOPIC_ENDPOINT"]
    async with AsyncIdentity(**trust) as identity, AsyncPublisher(topic, identity, **trust) as client:
        await client.send([event(5)])


def test_the_asynchronous_publisher_works_too(azure: AzureProcess) -> None:

    azure.client.local("DELETE", "topics/alerts/events")
    asyncio.run(_publish(azure))
    assert len(azure.client.local("GET", "topics/alerts/events")) == 1


def test_the_identity_endpoint_wants_its_header(azure: AzureProcess) -> None:
    url = f"{azure.settings['IDENTITY_ENDPOINT']}?api-version=2019-08-01&resource=https://vault.azure.net"
    assert azure.client.send("GET", url).status == 401
    reply = azure.client.send("GET", url, headers={"X-IDENTITY-HEADER": azure.settings["IDENTITY_HEADER"]})
    assert {"access_token", "expires_on", "resource", "token_type"} <= set(reply.ok())


def test_the_clouds_metadata_names_this_arm(azure: AzureProcess) -> None:
    found = azure.client.send("GET", "/metadata/endpoints?api-version=2022-09-01").ok()
    assert found["resourceManager"] == azure.url
