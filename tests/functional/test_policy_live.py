"""`python -m shared.policy` on what is in Azure now: it reads, decides as the app would, and writes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.commands.policy import main
from tests.functional.estate import Json
from tests.functional.world import World, allow, deny


@pytest.fixture
def policy(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A policy for the hub, and the settings that the commands read from the environment."""
    for name, value in world.settings.items():
        monkeypatch.setenv(name, value)
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    return str(tmp_path / "policy.yaml")


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert main([*arguments, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def results(shown: Json) -> dict[str, str]:
    return {result["privateEndpointId"]: result["outcome"] for result in shown["results"]}


def test_what_is_pending_is_decided_as_the_app_would_and_stays_as_it_is(
    world: World, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    account, namespace = world.storage_account(), world.namespace()
    ours, strange = world.hub.endpoint(account, "blob"), world.stranger().endpoint(namespace, "namespace")
    world.forget_calls()

    shown = answer(capsys, "simulate", policy, "--live")

    assert results(shown) == {ours.private_endpoint_id: "approved", strange.private_endpoint_id: "held"}
    assert world.writes() == []
    assert {ours.status, strange.status} == {"Pending"}


def test_a_scope_narrows_it(world: World, policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    account, namespace = world.storage_account(), world.namespace()
    ours, _ = world.hub.endpoint(account, "blob"), world.hub.endpoint(namespace, "namespace")
    assert results(answer(capsys, "simulate", policy, "--live", "--scope", account.id)) == {
        ours.private_endpoint_id: "approved"
    }


def test_two_policies_are_compared_on_what_is_there(
    world: World, policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    account, cluster = world.storage_account(), world.cluster()
    world.hub.endpoint(account, "blob")
    managed = cluster.endpoint(account, "blob")
    world.stranger().endpoint(account, "blob")
    other = tmp_path / "other.yaml"
    other.write_bytes(Path(policy).read_bytes())
    hub = world.hub.requester()
    world.policy({"hub": hub, "adx": cluster.requester()}, allow("hub"), allow("adx"), deny("hub", name="not-now"))

    shown = answer(capsys, "simulate", policy, "--live", "--against", str(other))

    changes = {(r["against"]["outcome"], r["outcome"]) for r in shown["results"]}
    assert changes == {("approved", "denied"), ("held", "approved")}
    assert managed.private_endpoint_id in results(shown)
    assert shown["connections"] == 3


def test_a_connection_is_explained_with_its_evidence(
    world: World, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    account, cluster = world.storage_account(), world.cluster()
    world.policy({"adx": cluster.requester()}, allow("adx"))
    world.stranger().endpoint(account, "blob")
    request = cluster.endpoint(account, "blob")

    shown = answer(capsys, "explain", policy, "--connection", request.connection_id)

    assert (shown["outcome"], shown["privateEndpointId"]) == ("approved", request.private_endpoint_id)
    (evidence,) = shown["evidence"]
    assert evidence["lines"][-1].startswith("proven by ")


@pytest.mark.parametrize("status", ["Approved", "Rejected"])
def test_only_a_pending_connection_can_be_explained(
    status: str, world: World, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    request = world.hub.endpoint(world.storage_account(), "blob")
    request.decide(status)
    assert main(["explain", policy, "--connection", request.connection_id]) == 2
    assert f"is {status}: only a Pending connection is decided on" in capsys.readouterr().err
    assert main(["explain", policy, "--connection", request.connection_id + "x"]) == 2
    assert "is not there" in capsys.readouterr().err


def test_azure_that_refuses_is_told_in_a_line(world: World, policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    request = world.hub.endpoint(world.storage_account(), "blob")
    world.fault("GET", "privateEndpointConnections", status=403, code="AuthorizationFailed")
    assert main(["explain", policy, "--connection", request.connection_id]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "AuthorizationFailed" in line or "permission" in line


def test_a_setting_that_is_wrong_is_told_in_a_line(
    policy: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARM_ENDPOINT", "nonsense")
    assert main(["simulate", policy, "--live"]) == 2
    assert capsys.readouterr().err.startswith("ARM_ENDPOINT")


@pytest.mark.parametrize(
    "connection", ["nonsense", "/subscriptions/x", "/subscriptions/11111111-1111-1111-1111-111111111111"]
)
def test_what_is_no_connection_is_wrong_usage(connection: str, policy: str) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["explain", policy, "--connection", connection])
    assert exited.value.code == 2


def test_what_is_pending_is_exported_as_requests_that_are_decided_alike(
    world: World, policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    account, cluster = world.storage_account(), world.cluster()
    world.policy({"hub": world.hub.requester(), "adx": cluster.requester()}, allow("hub"), allow("adx"))
    monkeypatch.setenv("POLICY_PATH", policy)
    for _ in range(2):
        cluster.endpoint(account, "blob")
    world.hub.endpoint(account, "blob")
    world.stranger().endpoint(account, "blob")
    live = answer(capsys, "simulate", policy, "--live")

    assert main(["export"]) == 0
    lines = tmp_path / "connections.jsonl"
    lines.write_text(capsys.readouterr().out)

    offline = answer(capsys, "simulate", policy, "--connections", str(lines))
    assert results(offline) == results(live)
    assert len(results(offline)) == 4
