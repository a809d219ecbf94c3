"""Story 3: a private endpoint of another tenant that no rule knows."""

from __future__ import annotations

from typing import Any

from local.stories.estate import PARTNER_SUBSCRIPTION, PARTNER_TENANT, SHARE, private_endpoint
from local.stories.expect import eventually, expect
from local.stories.stage import Stage

TITLE = "A stranger"
NAME = "pe-analytics"


def play(stage: Stage) -> None:
    """The request stays Pending, one alert reaches the topic, and the firewall is not touched."""
    before = _firewall(stage)
    endpoint, body = private_endpoint(PARTNER_SUBSCRIPTION, NAME, SHARE, "blob", "Please approve, <b>urgent</b>")
    with stage.screen.step(f"a private endpoint of tenant {PARTNER_TENANT} asks for a storage account"):
        stage.arm("PUT", endpoint, body, tenant=PARTNER_TENANT)
        connection = stage.connection_of(SHARE, endpoint)["id"]
    with stage.screen.step("one alert reaches the topic: RequesterUnknown"):
        alert = eventually(lambda: _one_alert(stage, connection), seconds=40)
    stage.screen.say(f"      {alert['data']['title']}", "dim")
    with stage.screen.step("a re-evaluation holds it again: still Pending, still the same one alert"):
        outcomes = [result["outcome"] for result in stage.reevaluate(connection)["results"]]
        expect(outcomes == ["held"], f"the re-evaluation said {outcomes}, not held")
        stage.expect_status(SHARE, endpoint, "Pending")
        again = _one_alert(stage, connection)
        expect(again["id"] == alert["id"], "a second alert has another id")
    with stage.screen.step("its firewall is as it was"):
        expect(_firewall(stage) == before, f"the firewall was {before} and is {_firewall(stage)}")


def _one_alert(stage: Stage, connection: str) -> Any:
    alerts = stage.alerts(connection)
    expect(len(alerts) == 1, f"{len(alerts)} alerts about the stranger arrived, not one")
    kind = alerts[0]["type"]
    expect(kind == "PrivateEndpointApprover.RequesterUnknown", f"the alert is {kind}")
    expect("<" not in alerts[0]["data"]["title"], "the alert's title carries the stranger's markup")
    return alerts[0]


def _firewall(stage: Stage) -> Any:
    properties = stage.arm("GET", SHARE)["properties"]
    return {name: properties.get(name) for name in ("publicNetworkAccess", "networkAcls")}
