"""The main job: a request comes, is decided on, and what follows."""

from __future__ import annotations

from tests.functional.world import World, allow


def test_a_data_explorer_request_is_approved_and_the_firewall_tightened_after_it_has_settled(world: World) -> None:
    account, cluster = world.storage_account(), world.cluster()
    firewall = {"publicNetworkAccess": "selectedNetworks", "settleSeconds": 120}
    world.policy({"adx": cluster.requester()}, allow("adx", firewall=firewall))
    request = cluster.endpoint(account, "blob")

    world.wake(account)

    assert request.status == "Approved"
    assert request.description.startswith("Approved by Private Endpoint Approver: rule allow-adx, decision ")
    assert account.firewall["defaultAction"] == "Allow"
    assert world.queue.causes == ["settle"]

    world.later(121)

    assert account.firewall["defaultAction"] == "Deny"
    (decision,) = world.recorded(account, "approved")
    assert (decision["outcome"], decision["applied"], decision["rule"]) == ("approved", True, "allow-adx")
    assert decision["firewall"]["outcome"] == "tightened"
    assert decision["firewall"]["before"]["defaultAction"] == "Allow"
    assert decision["firewall"]["after"]["defaultAction"] == "Deny"
    assert world.rows("intents") == []
    assert world.alerts() == []
