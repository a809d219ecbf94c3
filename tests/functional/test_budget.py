"""What a review costs: ARM throttles readers and writers, so the calls are counted."""

from __future__ import annotations

from collections import Counter

from tests.functional.estate import Target
from tests.functional.world import World, allow


def at(world: World, target: Target) -> Counter[str]:
    """The app's calls at a target: method, and the path below the target without connections' names."""
    below = [(m, path.removeprefix(target.id).split("/")) for m, path in world.calls("", target.id)]
    return Counter(f"{method} {'/'.join(parts[1:2])}{'/<name>' * (len(parts) > 2)}" for method, parts in below)


ONE_APPROVAL = {
    "GET privateEndpointConnections": 1,
    "PUT privateEndpointConnections/<name>": 1,
    "GET privateEndpointConnections/<name>": 1,
}


def test_an_approval_of_people_costs_one_list_one_put_and_one_read_back(world: World) -> None:
    account = world.storage_account()
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    world.hub.endpoint(account, "blob")
    world.forget_calls()

    world.wake(account)

    assert at(world, account) == ONE_APPROVAL


def test_an_approval_of_a_cluster_costs_one_more_list_and_a_read_of_the_cluster_before_and_after_it(
    world: World,
) -> None:
    account, cluster = world.storage_account(), world.cluster()
    world.policy({"adx": cluster.requester()}, allow("adx"))
    cluster.endpoint(account, "blob")
    world.forget_calls()

    world.wake(account)

    assert at(world, account) == ONE_APPROVAL | {"GET privateEndpointConnections": 2}
    assert world.calls("", cluster.id) == [("GET", f"{cluster.id}/managedPrivateEndpoints")] * 2


def test_a_second_review_costs_one_list(world: World) -> None:
    account, cluster = world.storage_account(), world.cluster()
    world.policy({"adx": cluster.requester()}, allow("adx"))
    cluster.endpoint(account, "blob")
    world.wake(account)
    world.forget_calls()

    world.wake(account)

    assert world.calls() == [("GET", f"{account.id}/privateEndpointConnections")]


def test_the_tenant_of_a_subscription_is_asked_for_once_by_all_instances(world: World) -> None:
    account = world.storage_account()
    world.policy({"partner": world.partner.requester()}, allow("partner"))
    for _ in range(3):
        world.partner.endpoint(account, "blob")
        world.wake(account)
        world.restart()

    assert world.calls().count(("GET", f"/subscriptions/{world.partner.subscription}")) == 1


def test_a_requester_that_no_pending_connection_could_belong_to_is_not_read(world: World) -> None:
    account, cluster = world.storage_account(), world.cluster()
    world.policy({"adx": cluster.requester(), "hub": world.hub.requester()}, allow("adx"), allow("hub"))
    world.hub.endpoint(account, "blob")

    world.wake(account)

    assert world.calls("", cluster.id) == []
