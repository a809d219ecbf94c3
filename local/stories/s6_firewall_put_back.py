"""Story 6: closing the firewall has cut somebody off; a person has it put back."""

from __future__ import annotations

from typing import Any

from local.stories.estate import EXPORTS
from local.stories.expect import eventually, expect
from local.stories.stage import Stage

TITLE = "The firewall is put back"
_PATH = "/api/firewall/restore"
_OFFICE = {"value": "203.0.113.7", "action": "Allow"}
"""An address that somebody lets in by hand (from the range for documentation)."""


def play(stage: Stage) -> None:
    """Not over somebody's change unless that is meant; then exactly as it was before, recorded, and left so."""
    with stage.screen.step(
        "somebody lets an address in by hand; POST /api/firewall/restore is refused: 409 FirewallChanged"
    ):
        stage.arm("PATCH", EXPORTS, {"properties": {"networkAcls": {"defaultAction": "Deny", "ipRules": [_OFFICE]}}})
        eventually(lambda: _refused(stage), seconds=30)
    with stage.screen.step('with "force": true it is put back: open, and trusted services are an exception again'):
        status, body = stage.post(_PATH, {"targetId": EXPORTS, "force": True})
        expect(status == 200, f"POST {_PATH} was answered with {status}: {body}")
        _as_before(stage)
    with stage.screen.step("one alert of low severity says so: FirewallLoosened"):
        eventually(lambda: _alerted(stage), seconds=30)
    with stage.screen.step("a re-evaluation does not close it again"):
        stage.reevaluate(EXPORTS)
        _as_before(stage)


def _refused(stage: Stage) -> None:
    status, body = stage.post(_PATH, {"targetId": EXPORTS})
    found = (status, body.get("error", {}).get("code"))
    expect(found == (409, "FirewallChanged"), f"POST {_PATH} was answered with {status}: {body}")


def _as_before(stage: Stage) -> None:
    rules = stage.arm("GET", EXPORTS)["properties"]["networkAcls"]
    found = (rules["defaultAction"], rules["bypass"], rules["ipRules"])
    wanted: Any = ("Allow", "Logging, Metrics, AzureServices", [])
    expect(found == wanted, f"default action, bypass and ip rules are {found}, not {wanted}")


def _alerted(stage: Stage) -> None:
    alerts = [(alert["type"], alert["data"]["severity"]) for alert in stage.alerts(EXPORTS)]
    expect(alerts == [("PrivateEndpointApprover.FirewallLoosened", "low")], f"the alerts about it are {alerts}")
