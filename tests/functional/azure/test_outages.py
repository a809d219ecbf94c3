"""Azure's identity service, or ARM's challenge, out for a while: nobody is refused for it, nothing false is remembered."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.functional.world import World, allow


@pytest.fixture
def partner(world: World, trusting: None, monkeypatch: pytest.MonkeyPatch) -> World:
    """A policy that approves the partner by its tenant."""
    del trusting
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, world.settings[name])
    world.policy({"partner": world.partner.requester()}, allow("partner"))
    return world


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429}, {"when": "drop"}], ids=str)
def test_a_tenant_that_arm_does_not_tell_now_is_asked_for_again(partner: World, fault: dict[str, Any]) -> None:
    account = partner.storage_account()
    request = partner.partner.endpoint(account, "blob")
    partner.fault("GET", f"/subscriptions/{partner.partner.subscription}$", times=3, **fault)

    partner.wake(account)
    assert request.status == "Pending"
    assert [d["reasons"][0]["check"] for d in partner.recorded(account, "held")] == ["evidence.unreadable"]
    assert partner.alerts() == []
    partner.later(20)

    assert request.status == "Approved"
    assert partner.alerts() == []


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 429}, {"status": 400}, {"when": "drop"}], ids=str)
def test_an_identity_that_is_out_fails_no_approval(partner: World, fault: dict[str, Any]) -> None:
    account = partner.storage_account()
    request = partner.partner.endpoint(account, "blob")
    partner.fault("GET", "/identity/token", times=100, **fault)

    partner.wake(account)
    assert request.status == "Pending"
    assert partner.alerts() == []
    partner.client.local("DELETE", "faults")
    partner.restart()  # MSAL remembers for a real minute what the identity endpoint answered last
    partner.later(20)

    assert request.status == "Approved"
    assert partner.alerts() == []


def test_a_person_is_told_that_storage_is_out_and_not_that_the_app_is_broken(partner: World) -> None:
    account = partner.storage_account()
    partner.partner.endpoint(account, "blob")
    string = partner.settings["AzureWebJobsStorage"]
    partner.settings["AzureWebJobsStorage"] = re.sub("BlobEndpoint=[^;]+", "BlobEndpoint=http://127.0.0.1:9/a", string)
    answer = partner.reevaluate(account)
    assert (answer.status, answer.body["error"]["code"]) == (502, "LeaseFailed")
