"""What must stay in the app: it is in no log line, no alert, no decision on anybody else's request, no description."""

from __future__ import annotations

import json
import logging
import secrets
from typing import Any

import pytest

from tests.attacks.services import Owner, twin_of
from tests.functional.estate import READY
from tests.functional.world import World, allow

WAITING = 70
"""Seconds after which a connection is at its target and its endpoint is still being made."""


class Lines(logging.Handler):
    """Every line that anybody logs, at any level, with what hangs on it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {record.exc_info} {record.__dict__}")


@pytest.fixture
def lines() -> Any:
    handler, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.lines
    root.setLevel(level)
    root.removeHandler(handler)


def test_a_random_message_is_told_to_nobody_before_its_request_shows_it(world: World, lines: list[str]) -> None:
    """Somebody who reads logs and alerts must not learn it while the endpoint is being made."""
    ours = Owner.make(world.azure, "kusto", world.home.subscription)
    world.policy({"ours": ours.requester(requireMessage=True)}, allow("ours"))
    account, message = world.storage_account(), secrets.token_urlsafe(18)
    ours.ask(account, "blob", message=message)
    twin_of(ours).ask(account, "blob", message="let me in")
    world.partner.endpoint(account, "blob", message="me too")
    world.time.advance(10)
    world.wake(account)
    world.time.advance(WAITING)
    world.fault("GET", "/managedPrivateEndpoints", status=503)

    world.wake(account)

    told = json.dumps([world.alerts(), world.rows("feed")], default=str)
    assert "let me in" in told
    assert message not in told
    assert not [line for line in lines if message in line]


def test_tokens_keys_and_signed_urls_are_in_no_log_line_no_alert_and_not_in_the_ledger(
    world: World, lines: list[str]
) -> None:
    ours = Owner.make(world.azure, "synapse", world.home.subscription)
    firewall = {"publicNetworkAccess": "disabled", "settleSeconds": 1}
    world.policy({"ours": ours.requester()}, allow("ours", firewall=firewall))
    namespace = world.namespace()
    genuine = ours.ask(namespace, "namespace")
    world.partner.endpoint(namespace, "namespace")
    world.time.advance(READY)
    world.fault("PUT", "privateEndpointConnections", status=403, code="RequestDisallowedByPolicy")
    world.wake(namespace)
    world.sweep()
    world.later(300)

    assert genuine.status == "Approved"
    assert namespace.firewall["publicNetworkAccess"] == "Disabled"
    key = world.settings["AzureWebJobsStorage"].partition("AccountKey=")[2].partition(";")[0]
    tokens = [world.app.credential.get_token("https://management.azure.com/.default").token]
    hidden = [key, world.settings["ALERT_TOPIC_KEY"], world.settings["IDENTITY_HEADER"], *tokens, "Bearer ey", "sig="]
    tables = json.dumps([world.rows(t) for t in ("targets", "feed", "work", "runs", "tenants")], default=str)
    for secret in hidden:
        assert secret not in json.dumps(world.alerts())
        assert secret not in tables
        assert not [line[:300] for line in lines if secret in line]
