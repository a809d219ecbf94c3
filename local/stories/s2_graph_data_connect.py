"""Story 2: steps 3 to 6 of the Graph Data Connect guide, with nobody who clicks on Approve."""

from __future__ import annotations

from local.stories import synapse
from local.stories.estate import EXPORTS, WORKSPACE
from local.stories.expect import eventually, expect
from local.stories.stage import Stage

TITLE = "Graph Data Connect: a Synapse workspace to Storage"
NAME = "AzureBlobStorage1"
_RULE = "graph-exports"


def play(stage: Stage) -> None:
    """The workspace asks; the account approves, the workspace shows it, and then the firewall is as in step 5."""
    with stage.screen.step(f"step 3: the workspace makes the managed private endpoint {NAME} (blob): Provisioning"):
        synapse.ask(stage, WORKSPACE, NAME, EXPORTS)
    with stage.screen.step(f"step 4: the account approves by rule {_RULE}, once the workspace shows it Pending"):
        requester = synapse.managed_id(WORKSPACE, NAME)
        eventually(lambda: stage.expect_status(EXPORTS, requester, "Approved", rule=_RULE), seconds=60)
    with stage.screen.step("step 6: the workspace shows Approved"):
        eventually(lambda: _shown(stage), seconds=30)
    with stage.screen.step(
        "step 5, last of all: selected networks only; trusted services are no exception, logging stays one"
    ):
        eventually(lambda: _tightened(stage), seconds=60)


def _shown(stage: Stage) -> None:
    state = synapse.connection_state(stage, WORKSPACE, NAME)
    expect(state == "Approved", f"the workspace shows {state or 'nothing'}, not Approved")


def _tightened(stage: Stage) -> None:
    properties = stage.arm("GET", EXPORTS)["properties"]
    rules, access = properties["networkAcls"], properties.get("publicNetworkAccess", "Enabled")
    found = (access, rules["defaultAction"], rules["bypass"])
    expect(found == ("Enabled", "Deny", "Logging, Metrics"), f"access, default action and bypass are {found}")
