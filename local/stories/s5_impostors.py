"""Story 5: six impostors around one genuine request. None is approved; the genuine one is.

Each would pass a script that matches names by substring, matches the message alone, or takes the first pending connection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from local.stories import synapse
from local.stories.estate import (
    ARCHIVE,
    ATTACKER_SUBSCRIPTION,
    ATTACKER_TENANT,
    CLUSTER,
    CLUSTER_BODY,
    LANDING_ZONE,
    WORKSPACE,
    WORKSPACE_BODY,
    private_endpoint,
)
from local.stories.expect import eventually, expect
from local.stories.s1_data_explorer import BLOB_ENDPOINT
from local.stories.s2_graph_data_connect import NAME as EXPORTS_ENDPOINT
from local.stories.stage import Stage

TITLE = "Impostors"
NAME = "archive"
_ATTACKERS = f"/subscriptions/{ATTACKER_SUBSCRIPTION}/resourceGroups/rg/providers"
_MICROSOFT_LIKE = f"vnet-{ATTACKER_SUBSCRIPTION[:8]}-westeurope-1-rg"


@dataclass(frozen=True, slots=True)
class Impostor:
    """A forged request. `ask` places it and answers the id of who asks; `check` of `rule` finds it out."""

    tale: str
    ask: Callable[[Stage], str]
    check: str
    target: str = ARCHIVE
    rule: str = "graph-exports"


def play(stage: Stage) -> None:
    """Six requests are held, each for its own reason; the workspace's own one among them is approved."""
    placed = [_place(stage, impostor) for impostor in _BEFORE]
    with stage.screen.step(f"genuine: our workspace asks for the endpoint {NAME}"):
        synapse.ask(stage, WORKSPACE, NAME, ARCHIVE)
    placed += [_place(stage, impostor) for impostor in _MEANWHILE]
    with stage.screen.step("genuine: the workspace shows its endpoint Pending"):
        eventually(lambda: _pending_at_workspace(stage), seconds=30)
    placed += [_place(stage, impostor) for impostor in _RACING]
    with stage.screen.step("the genuine one is approved"):
        genuine = synapse.managed_id(WORKSPACE, NAME)
        eventually(lambda: stage.expect_status(ARCHIVE, genuine, "Approved"), seconds=60)
    for impostor, requester in placed:
        with stage.screen.step(f"held by {impostor.check}: {impostor.tale}"):
            _held(stage, impostor, requester)


def _place(stage: Stage, impostor: Impostor) -> tuple[Impostor, str]:
    with stage.screen.step(f"impostor: {impostor.tale}"):
        return impostor, impostor.ask(stage)


def _named(name: str, group: str) -> Callable[[Stage], str]:
    """A private endpoint in the attacker's own subscription, under a name and in a resource group of their choice."""

    def ask(stage: Stage) -> str:
        endpoint, body = private_endpoint(ATTACKER_SUBSCRIPTION, name, ARCHIVE, "blob", group_name=group)
        stage.arm("PUT", endpoint, body, tenant=ATTACKER_TENANT)
        return endpoint

    return ask


def _similar_workspace(stage: Stage) -> str:
    workspace = f"{_ATTACKERS}/Microsoft.Synapse/workspaces/mygraphconnect"
    stage.arm("PUT", workspace, WORKSPACE_BODY, tenant=ATTACKER_TENANT)
    synapse.ask(stage, workspace, NAME, ARCHIVE, tenant=ATTACKER_TENANT)
    return synapse.managed_id(workspace, NAME)


def _copied_message(stage: Stage) -> str:
    ours = stage.arm("GET", f"{CLUSTER}/managedPrivateEndpoints/{BLOB_ENDPOINT}")
    cluster = f"{_ATTACKERS}/Microsoft.Kusto/clusters/adxcopy"
    stage.arm("PUT", cluster, CLUSTER_BODY, tenant=ATTACKER_TENANT)
    endpoint = f"{cluster}/managedPrivateEndpoints/{BLOB_ENDPOINT}"
    copied = {
        "privateLinkResourceId": LANDING_ZONE,
        "groupId": "blob",
        "requestMessage": ours["properties"]["requestMessage"],
    }
    stage.arm("PUT", endpoint, {"properties": copied}, tenant=ATTACKER_TENANT)
    return endpoint


def _pending_at_workspace(stage: Stage) -> None:
    state = synapse.connection_state(stage, WORKSPACE, NAME)
    expect(state == "Pending", f"the workspace shows {state or 'nothing'}, not Pending")


def _held(stage: Stage, impostor: Impostor, requester: str) -> None:
    connection = eventually(lambda: stage.connection_of(impostor.target, requester), seconds=30)["id"]
    (result,) = stage.reevaluate(connection)["results"]
    expect(result["outcome"] == "held", f"the re-evaluation said {result['outcome']}, not held")
    failed = [reason["check"] for reason in result["reasons"] if reason["rule"] == impostor.rule]
    expect(failed == [impostor.check], f"it failed {failed} of rule {impostor.rule}, not {impostor.check}")
    stage.expect_status(impostor.target, requester, "Pending")


_BEFORE = (
    Impostor(
        "our endpoint's name, in a group named like Microsoft's",
        _named(f"graphconnect.{NAME}", _MICROSOFT_LIKE), "tenant",
    ),
    Impostor(
        "the name of our endpoint for another account", _named(f"graphconnect.{EXPORTS_ENDPOINT}", "rg-other"), "tenant"
    ),
    Impostor(
        "a workspace whose name ends with ours, in a subscription of Microsoft's like ours",
        _similar_workspace, "requester",
    ),
)  # fmt: skip
_MEANWHILE = (
    Impostor("our endpoint's name again, before ours is ready", _named(f"graphconnect.{NAME}", "rg-early"), "tenant"),
    Impostor(
        "a cluster with a copy of our message, in a subscription of Microsoft's like ours",
        _copied_message, "evidence.spent", LANDING_ZONE, "adx-reads-landing-zone",
    ),
)  # fmt: skip
_RACING = (
    Impostor("our endpoint's name once more, racing ours", _named(f"graphconnect.{NAME}", "rg-race"), "tenant"),
)  # fmt: skip
