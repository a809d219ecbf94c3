"""What proves a request, what is only waited for, and what never proves anything."""

from __future__ import annotations

import json

import pytest

from shared.model.requester import MICROSOFT_TENANTS
from tests.functional.estate import APPEARS, READY, Cluster, Json, Target
from tests.functional.world import World, allow


@pytest.fixture
def adx(world: World) -> Cluster:
    """A cluster of ours, and a policy that approves its requests."""
    cluster = world.cluster()
    world.policy({"adx": cluster.requester()}, allow("adx"))
    return cluster


@pytest.fixture
def account(world: World) -> Target:
    return world.storage_account()


def checks(decisions: list[Json]) -> list[tuple[str, str]]:
    """Outcome and first failed check of each decision that is not about an approved connection."""
    return [(d["outcome"], d["reasons"][0]["check"]) for d in decisions if d["outcome"] != "unchanged"]


def test_an_endpoint_that_is_still_being_made_is_waited_for_and_nobody_is_alerted(
    world: World, adx: Cluster, account: Target
) -> None:
    request = adx.endpoint(account, "blob", message="please", after=APPEARS)

    world.wake(account)
    assert checks(world.recorded(account)) == [("held", "evidence.notReady")]
    world.later(READY)

    assert request.status == "Approved"
    assert world.alerts() == []


def test_an_endpoint_that_never_gets_ready_is_alerted_after_a_quarter_of_an_hour(
    world: World, adx: Cluster, account: Target
) -> None:
    adx.endpoint(account, "blob", message="please", after=APPEARS)
    adx.stall()

    world.wake(account)
    assert world.queue.causes == ["retry"]
    world.later(14 * 60)
    assert world.alerts() == []
    world.later(2 * 60)

    (alert,) = world.alerts()
    assert alert["type"] == "PrivateEndpointApprover.EvidenceMissing"
    assert checks([alert["data"]["decision"]]) == [("held", "evidence.notReady")]
    assert world.queue.waiting == [], "the sweep goes on"


def test_a_random_message_proves_a_request_while_its_endpoint_is_still_being_made(
    world: World, account: Target
) -> None:
    cluster = world.cluster()
    world.policy({"adx": cluster.requester(requireMessage=True)}, allow("adx"))
    request = cluster.endpoint(account, "blob", after=APPEARS)

    world.wake(account)

    assert request.status == "Approved"


def test_where_a_random_message_is_required_a_short_one_proves_nothing(world: World, account: Target) -> None:
    cluster = world.cluster()
    world.policy({"adx": cluster.requester(requireMessage=True)}, allow("adx"))
    request = cluster.endpoint(account, "blob", message="please")

    world.wake(account)

    assert request.status == "Pending"
    assert checks(world.recorded(account)) == [("held", "evidence.message")]
    assert world.alert_types() == ["EvidenceMissing"]


def test_blob_and_dfs_with_the_same_message_are_approved_together(world: World, adx: Cluster, account: Target) -> None:
    requests = [adx.endpoint(account, group, message="please") for group in ("blob", "dfs")]

    world.wake(account)

    assert [request.status for request in requests] == ["Approved", "Approved"]


def test_where_the_rule_allows_only_one_of_two_that_cannot_be_told_apart_both_are_held(
    world: World, account: Target
) -> None:
    cluster = world.cluster()
    world.policy({"adx": cluster.requester()}, allow("adx", subResources=["blob"]))
    requests = [cluster.endpoint(account, group, message="please") for group in ("blob", "dfs")]

    world.wake(account)

    assert [request.status for request in requests] == ["Pending", "Pending"]
    assert set(checks(world.recorded(account))) == {("held", "evidence.ambiguous")}


def test_another_customers_cluster_that_copies_the_message_gets_nothing_and_holds_ours_up(
    world: World, adx: Cluster, account: Target
) -> None:
    ours = adx.endpoint(account, "blob")
    copy = world.stranger().cluster().endpoint(account, "blob", message=ours.message)

    world.wake(account)

    assert (ours.status, copy.status) == ("Pending", "Pending")
    assert set(checks(world.recorded(account))) == {("held", "evidence.ambiguous")}
    assert world.alert_types() == ["EvidenceMissing", "EvidenceMissing"]

    copy.delete()
    world.sweep()

    assert ours.status == "Approved"


def test_a_stranger_in_a_tenant_that_nobody_named_who_copies_the_message_holds_ours_up(
    world: World, adx: Cluster, account: Target
) -> None:
    ours = adx.endpoint(account, "blob")
    copy = world.stranger().endpoint(account, "blob", message=ours.message)

    world.wake(account)

    assert (ours.status, copy.status) == ("Pending", "Pending")
    assert world.alert_types() == ["EvidenceMissing", "EvidenceMissing"]


def test_a_stranger_who_copies_the_message_holds_nobody_up_where_the_policy_names_the_tenants(
    world: World, account: Target
) -> None:
    adx = world.cluster()
    world.policy({"adx": adx.requester(endpointTenants=sorted(MICROSOFT_TENANTS))}, allow("adx"))
    ours = adx.endpoint(account, "blob")
    copy = world.stranger().endpoint(account, "blob", message=ours.message)

    world.wake(account)

    assert (ours.status, copy.status) == ("Approved", "Pending")
    assert world.alert_types() == ["RequesterUnknown"]


def test_a_cluster_that_may_not_be_read_is_alerted_with_the_missing_permission(
    world: World, adx: Cluster, account: Target
) -> None:
    request = adx.endpoint(account, "blob")
    permission = "Microsoft.Kusto/clusters/managedPrivateEndpoints/read"
    world.client.local("POST", "access", {"permission": permission, "scope": adx.id})

    world.wake(account)

    assert request.status == "Pending"
    assert checks(world.recorded(account)) == [("held", "evidence.unreadable")]
    (alert,) = world.alerts()
    assert alert["type"] == "PrivateEndpointApprover.EvidenceMissing"
    assert permission.lower() in alert["data"]["recommendedAction"].lower()

    world.client.local("DELETE", "access")
    world.sweep()
    assert request.status == "Approved"


def test_a_cluster_that_is_throttled_is_asked_again_and_nobody_is_alerted(
    world: World, adx: Cluster, account: Target
) -> None:
    request = adx.endpoint(account, "blob")
    world.throttle("GET", "/managedPrivateEndpoints", 30)

    world.wake(account)
    assert checks(world.recorded(account)) == [("held", "evidence.unreadable")]
    world.later(61)

    assert request.status == "Approved"
    assert world.alerts() == []


def test_a_cluster_that_is_not_there_proves_nothing(world: World, account: Target) -> None:
    gone = Cluster(world.azure, f"{world.home.group}/providers/Microsoft.Kusto/clusters/gone")
    world.policy({"adx": gone.requester()}, allow("adx"))
    request = world.stranger().cluster().endpoint(account, "blob")

    world.wake(account)

    assert request.status == "Pending"
    assert checks(world.recorded(account)) == [("held", "evidence.notFound")]


def test_a_request_whose_tenant_arm_does_not_tell_is_held_until_it_does(world: World, account: Target) -> None:
    world.policy({"partner": world.partner.requester()}, allow("partner"))
    request = world.partner.endpoint(account, "blob")
    world.fault("GET", f"/subscriptions/{world.partner.subscription}", status=404, code="SubscriptionNotFound")

    world.wake(account)
    assert request.status == "Pending"
    assert checks(world.recorded(account)) == [("held", "tenant")]
    assert world.alert_types() == ["EvidenceMissing"]
    world.later(11 * 60)
    world.sweep()

    assert request.status == "Approved"


def test_a_managed_subscription_of_microsofts_proves_nothing_whoever_names_it(world: World, account: Target) -> None:
    request = world.stranger().cluster().endpoint(account, "blob")
    subscription = request.private_endpoint_id.split("/")[2]
    world.policy({"them": {"service": "privateEndpoint", "subscriptions": [subscription]}}, allow("them"))

    world.wake(account)

    assert request.status == "Pending"


def test_a_private_endpoint_that_can_be_read_and_is_not_there_proves_nothing(world: World, account: Target) -> None:
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    request = world.hub.endpoint(account, "blob")
    world.fault("GET", request.id, status=404, code="ResourceNotFound")

    world.wake(account)

    assert request.status == "Pending"
    assert checks(world.recorded(account)) == [("held", "evidence.notFound")]


def test_where_the_private_endpoint_may_not_be_read_subscription_and_tenant_decide(
    world: World, account: Target
) -> None:
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    request = world.hub.endpoint(account, "blob")
    permission = "Microsoft.Network/privateEndpoints/read"
    world.client.local(
        "POST", "access", {"permission": permission, "scope": f"/subscriptions/{world.hub.subscription}"}
    )

    world.wake(account)

    assert request.status == "Approved"


def test_what_the_requester_writes_never_reaches_an_alert_as_markup(world: World, account: Target) -> None:
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    hostile = "<script>alert(1)</script>\n[click](https://example.invalid) `rm`"
    world.stranger().endpoint(account, "blob", message=hostile, name="pe-x")

    world.wake(account)

    (alert,) = world.alerts()
    for text in (alert["data"]["title"], alert["data"]["recommendedAction"]):
        assert not set("<>[]`") & set(text)
        assert text.isprintable()
    message = json.loads(json.dumps(alert))["data"]["decision"]["requestMessage"]
    assert "alert(1)" in message
    assert not set("<>[]`") & set(message)
