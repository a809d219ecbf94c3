"""The wired app against one hostile server that plays all of Azure: whose token goes where."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.exceptions import AzureError

from shared.alerts.topic import topic_of
from shared.app import App, build
from shared.errors import ApproverError, TransientError
from shared.policy.current import PolicyUnreadableError
from shared.settings import read_settings
from tests.functional.azure.hostile import Asked, Identity, Reply, Server

EVENT = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}


def identity_or(otherwise: Reply, asked: Asked) -> Reply:
    """App Service's identity endpoint, and one answer to everything else. A token says whose it is and for what."""
    url = urlsplit(asked.path)
    if url.path != "/identity":
        return otherwise
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    token = f"{query.get('client_id', 'system')} {query['resource']}"
    return Reply(body={"access_token": token, "expires_on": "4000000000", "resource": query["resource"],
                       "token_type": "Bearer"})  # fmt: skip


@pytest.fixture
def environment(service: Server, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    identity = {"IDENTITY_ENDPOINT": f"{service.url}/identity", "IDENTITY_HEADER": "x"}
    for name, value in identity.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    storage = {f"AzureWebJobsStorage__{one}ServiceUri": f"{service.url}/account" for one in ("queue", "blob", "table")}
    return {
        **identity, **storage, "AZURE_CLIENT_ID": "app", "ARM_ENDPOINT": service.url,
        "ARM_AUDIENCE": "https://management.azure.com", "ALERT_TOPIC_ENDPOINT": f"{service.url}/api/events",
        "POLICY_PATH": f"{service.url}/account/c/policy.yaml",
    }  # fmt: skip


@pytest.fixture
def tokens(service: Server) -> set[str]:
    """The tokens that arrive while all goes wrong."""
    found: set[str] = set()

    def answer(asked: Asked) -> Reply:
        if asked.token:
            found.add(asked.token)
        return identity_or(Reply(403, b""), asked)

    service.answer = answer
    return found


def use_everything(app: App) -> None:
    """One request of each client."""
    for act in (
        lambda: app.storage.queue("q").send_message("x"),
        lambda: app.storage.container("c").create_container(),
        lambda: app.storage.tables().create_table("t"),
    ):
        with pytest.raises(AzureError):
            act()
    with pytest.raises(ApproverError):
        app.arm.get("/x", "v")
    with pytest.raises(PolicyUnreadableError):
        app.policy.current()


@pytest.mark.parametrize(("own", "storage"), [({}, "app"), ({"AzureWebJobsStorage__clientId": "own"}, "own")])
def test_each_service_gets_the_token_that_is_meant_for_it(
    own: dict[str, str], storage: str, environment: dict[str, str], tokens: set[str]
) -> None:
    use_everything(build({**environment, **own}, root=Path.cwd()))
    assert tokens == {
        "app https://management.azure.com",
        "app https://storage.azure.com",  # of the policy, which may lie in any account
        f"{storage} https://storage.azure.com",
    }


# --- the alert topic


@pytest.mark.parametrize("key", ["", "c2VjcmV0"])
def test_an_alert_reaches_the_topic(key: str, environment: dict[str, str], service: Server, identity: Identity) -> None:
    service.answer = lambda _: Reply(200, b"")
    topic_of(read_settings({**environment, "ALERT_TOPIC_KEY": key}), lambda: identity).publish(EVENT)
    (asked,) = service.asked
    assert [one["id"] for one in json.loads(asked.body)] == ["1"]
    assert asked.headers.get("aeg-sas-key", "") == key
    assert asked.token == ("" if key else "token-for-https://eventgrid.azure.net/.default")


@pytest.mark.parametrize("key", ["", "c2VjcmV0"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_the_topic_leads_neither_key_nor_token_elsewhere(
    key: str, status: int, environment: dict[str, str], service: Server, elsewhere: Server, identity: Identity
) -> None:
    service.answer = lambda _: Reply(status, b"", {"Location": f"{elsewhere.url}/api/events"})
    topic = topic_of(read_settings({**environment, "ALERT_TOPIC_KEY": key}), lambda: identity)
    with pytest.raises(TransientError):
        topic.publish(EVENT)
    assert (len(service.asked), elsewhere.asked) == (1, [])


def test_a_challenge_of_the_topic_gets_no_token_for_another_resource(
    environment: dict[str, str], service: Server, identity: Identity
) -> None:
    challenge = 'Bearer authorization_uri="https://login.windows.net/t", resource_id="https://vault.azure.net"'
    service.answer = lambda _: Reply(401, b"", {"WWW-Authenticate": challenge})
    with pytest.raises(TransientError):
        topic_of(read_settings(environment), lambda: identity).publish(EVENT)
    assert set(identity.scopes) == {"https://eventgrid.azure.net/.default"}


def test_a_topic_that_is_down_is_not_waited_for(
    environment: dict[str, str], service: Server, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    service.answer = lambda _: Reply(503, b"", {"Retry-After": "600"})
    with pytest.raises(TransientError):
        topic_of(read_settings(environment), lambda: identity).publish(EVENT)
    assert sum(waits) <= 5
