"""`mode: audit` and `dryRun`: what would be done is told, and ARM sees no write."""

from __future__ import annotations

from tests.functional.world import World, allow, deny

SELECTED = {"publicNetworkAccess": "selectedNetworks", "settleSeconds": 0}


def test_audit_mode_records_and_alerts_what_it_would_do_and_writes_nothing(world: World) -> None:
    account, cluster = world.storage_account(), world.cluster()
    world.policy(
        {"adx": cluster.requester(), "partner": world.partner.requester()},
        allow("adx", firewall=SELECTED),
        deny("partner", effect="reject"),
        mode="audit",
    )
    requests = [cluster.endpoint(account, "blob"), world.partner.endpoint(account, "blob")]
    world.stranger().endpoint(account, "blob")

    world.wake(account)
    world.later(600)

    assert world.writes() == []
    assert {request.status for request in requests} == {"Pending"}
    recorded = {d["outcome"]: d for d in world.recorded(account)}
    assert set(recorded) == {"approved", "rejected", "held"}
    assert {d["applied"] for d in recorded.values()} == {False}
    firewall = recorded["approved"]["firewall"]
    assert (firewall["outcome"], firewall["after"]["defaultAction"]) == ("tightened", "Deny")
    assert world.alert_types() == ["RequestRejected", "RequesterUnknown"]
    assert world.intents() == []
    assert [record.spent for record in world.records() if record.spent] == [], "no evidence is spent"


def test_a_request_that_was_only_audited_is_approved_when_the_policy_enforces(world: World) -> None:
    account, cluster = world.storage_account(), world.cluster()
    world.policy({"adx": cluster.requester()}, allow("adx"), mode="audit")
    request = cluster.endpoint(account, "blob")
    world.wake(account)

    world.policy({"adx": cluster.requester()}, allow("adx"), mode="enforce")
    world.later(45)
    world.wake(account)

    assert request.status == "Approved"


def test_a_dry_run_answers_what_would_happen_and_leaves_no_trace(world: World) -> None:
    account, cluster = world.storage_account(), world.cluster()
    world.policy({"adx": cluster.requester()}, allow("adx", firewall=SELECTED))
    request = cluster.endpoint(account, "blob")
    world.stranger().endpoint(account, "blob")

    decisions = world.decided(account, dryRun=True)
    world.later(600)

    assert [(d["outcome"], d["applied"]) for d in decisions] == [("approved", False), ("held", False)]
    assert decisions[0]["firewall"]["outcome"] == "tightened"
    assert decisions[0]["firewall"]["before"]["defaultAction"] == "Allow"
    assert request.status == "Pending"
    assert world.writes() == []
    assert world.alerts() == []
    assert world.rows("targets") == []


def test_a_dry_run_of_a_request_that_waits_for_evidence_queues_nothing(world: World) -> None:
    account, cluster = world.storage_account(), world.cluster()
    world.policy({"adx": cluster.requester()}, allow("adx"))
    cluster.endpoint(account, "blob", message="short", after=70)

    (decision,) = world.decided(account, dryRun=True)

    assert decision["reasons"][0]["check"] == "evidence.notReady"
    assert world.queue.waiting == []
