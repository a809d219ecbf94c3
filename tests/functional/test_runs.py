"""Wider scopes of `POST /api/reevaluate`: a run, and what its status tells."""

from __future__ import annotations

import pytest

from tests.functional.world import World, allow


@pytest.fixture
def hub(world: World) -> World:
    """A policy that approves the hub."""
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    return world


@pytest.mark.parametrize("scope", ["all", "subscription", "resource group"])
def test_a_wider_scope_is_queued_as_a_run_that_tells_its_progress(hub: World, scope: str) -> None:
    accounts = [hub.storage_account(), hub.storage_account()]
    hub.storage_account()
    requests = [hub.hub.endpoint(account, "blob") for account in accounts]
    named = {"subscription": f"/subscriptions/{hub.home.subscription}", "resource group": hub.home.group}.get(
        scope, scope
    )

    answer = hub.reevaluate(named)

    assert answer.status == 202
    assert set(answer.body) == {"runId", "queued", "statusUrl"}
    assert answer.body["queued"] == 2
    run = answer.body["runId"]
    assert answer.body["statusUrl"] == f"/api/runs/{run}"
    begun = hub.app.reevaluation.run_status(run)
    assert {k: begun.body[k] for k in ("queued", "done", "failed", "results")} == {
        "queued": 2, "done": 0, "failed": 0, "results": [],
    }  # fmt: skip

    hub.work()

    ended = hub.app.reevaluation.run_status(run)
    assert (ended.status, ended.body["done"], ended.body["failed"]) == (200, 2, 0)
    assert {d["connectionId"] for d in ended.body["results"]} == {r.connection_id for r in requests}
    assert {d["outcome"] for d in ended.body["results"]} == {"approved"}
    assert {request.status for request in requests} == {"Approved"}


def test_a_dry_run_of_everything_tells_what_would_happen_and_writes_nothing_but_its_own_run(hub: World) -> None:
    account = hub.storage_account()
    request = hub.hub.endpoint(account, "blob")

    run = hub.reevaluate("all", dryRun=True).body["runId"]
    hub.work()

    (decision,) = hub.app.reevaluation.run_status(run).body["results"]
    assert (decision["outcome"], decision["applied"], request.status) == ("approved", False, "Pending")
    assert hub.rows("targets") == []


def test_a_target_of_a_run_that_cannot_be_reviewed_is_counted_as_failed(hub: World) -> None:
    account = hub.storage_account()
    hub.hub.endpoint(account, "blob")
    run = hub.reevaluate("all").body["runId"]
    hub.fault("GET", "/privateEndpointConnections", status=403, code="AuthorizationFailed")

    hub.work()

    status = hub.app.reevaluation.run_status(run).body
    assert (status["done"], status["failed"]) == (0, 1)


def test_a_target_of_a_run_that_is_throttled_is_done_in_the_end(hub: World) -> None:
    account = hub.storage_account()
    hub.hub.endpoint(account, "blob")
    run = hub.reevaluate("all").body["runId"]
    hub.throttle("GET", "/privateEndpointConnections", 60)

    hub.work()
    assert hub.app.reevaluation.run_status(run).body["done"] == 0
    hub.later(61)

    status = hub.app.reevaluation.run_status(run).body
    assert (status["done"], status["failed"], status["results"][0]["outcome"]) == (1, 0, "approved")


@pytest.mark.parametrize(
    "run", ["0b5b7a3e-2c3a-4d0a-9a53-2f8f8f1f6c11", "../decisions", "' or 1 eq 1 or '", "\x00", "ü" * 2000]
)
def test_an_unknown_run_is_404(world: World, run: str) -> None:
    answer = world.app.reevaluation.run_status(run)
    assert (answer.status, answer.body["error"]["code"]) == (404, "NotFound")


def test_a_wide_scope_that_cannot_be_asked_about_is_502(hub: World) -> None:
    hub.storage_account()
    hub.fault("POST", "Microsoft.ResourceGraph", status=403, code="AccessDenied")

    answer = hub.reevaluate("all")
    assert (answer.status, answer.body["error"]["code"]) == (502, "AccessDenied")
