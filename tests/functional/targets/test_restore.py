"""`POST /api/firewall/restore`: what the app tightened is put back because a person asks, exactly, and once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.resource_id import parse
from shared.triggers.http import JSON, Answer, Call
from tests.functional.estate import Target
from tests.functional.targets.kinds import KEY_VAULT, KINDS, KUSTO, SQL, STORAGE, Kind
from tests.functional.world import World, allow

each_type = pytest.mark.parametrize("kind", KINDS, ids=str)


def put_back(world: World, target: Target | str, **body: Any) -> Answer:
    """A person's POST."""
    named = target.id if isinstance(target, Target) else target
    return world.app.restoration.answer(Call(json.dumps({"targetId": named, **body}).encode(), JSON, world.person))


def tightened(world: World, kind: Kind, **firewall: Any) -> tuple[Target, dict[str, Any]]:
    """A target that the app has tightened, and its firewall as it was before."""
    target = kind.make(world)
    before = kind.firewall(target)
    world.policy({"hub": world.hub.requester()}, allow("hub", firewall={**kind.wish, **firewall}))
    world.hub.endpoint(target, kind.group)
    world.wake(target)
    world.later(300)
    assert kind.is_closed(target)
    world.forget_calls()
    return target, before


@each_type
def test_a_firewall_is_put_back_exactly_recorded_and_alerted_and_not_tightened_again(world: World, kind: Kind) -> None:
    target, before = tightened(world, kind)
    (approved,) = world.recorded(target, "approved")

    answer = put_back(world, target)
    world.later(300)
    assert put_back(world, target).status in (
        200,
        404,
    )  # where the first answer was 202, this one tells that it is done
    world.wake(target)
    world.sweep()
    world.later(4000)

    assert answer.status in (200, 202)
    assert kind.firewall(target) == before
    restored = world.recorded(target)[0] if answer.status == 200 else world.recorded(target, "unchanged")[0]
    assert restored["restores"] == [approved["decisionId"]]
    assert restored["firewall"] == {
        "outcome": "restored",
        "before": approved["firewall"]["after"],
        "after": approved["firewall"]["before"],
    }
    (alert,) = world.alerts()
    assert (alert["type"], alert["data"]["severity"]) == ("PrivateEndpointApprover.FirewallLoosened", "low")
    assert (alert["subject"], alert["data"]["decision"]) == (target.id, restored)
    assert world.snapshots() == []
    assert world.intents() == []


def test_the_answer_shows_the_firewall_before_and_after_and_whose_work_is_undone(world: World) -> None:
    account, _ = tightened(world, STORAGE)
    (approved,) = world.recorded(account, "approved")

    answer = put_back(world, account)

    assert answer.status == 200
    assert set(answer.body) == {"targetId", "decisionId", "restores", "before", "after"}
    assert answer.body["restores"] == [approved["decisionId"]]
    assert answer.body["before"]["defaultAction"] == "Deny"
    assert answer.body["after"] == {
        "publicNetworkAccess": "Enabled", "defaultAction": "Allow", "trustedServices": True, "rules": 1,
    }  # fmt: skip


def test_what_somebody_has_changed_since_is_put_back_only_by_force(world: World) -> None:
    account, before = tightened(world, STORAGE)
    acls = {"defaultAction": "Deny", "ipRules": [{"value": "198.51.100.7"}]}
    world.azure.arm("PATCH", account.id, account.version, {"properties": {"networkAcls": acls}})

    refused = put_back(world, account)
    assert (refused.status, refused.body["error"]["code"]) == (409, "FirewallChanged")
    assert world.writes() == []
    forced = put_back(world, account, force=True)

    assert forced.status == 200
    assert STORAGE.firewall(account) == before


def test_a_firewall_that_somebody_put_back_already_is_not_written(world: World) -> None:
    account, before = tightened(world, STORAGE)
    acls = {"defaultAction": "Allow", "bypass": "AzureServices"}
    world.azure.arm("PATCH", account.id, account.version, {"properties": {"networkAcls": acls}})

    answer = put_back(world, account)

    assert answer.status == 200
    assert answer.body["before"] == answer.body["after"]
    assert world.writes() == []
    assert STORAGE.firewall(account) == before


def test_tightenings_are_undone_one_by_one_the_last_one_first(world: World) -> None:
    account, before = tightened(world, STORAGE)
    selected = STORAGE.firewall(account)
    world.policy({"hub": world.hub.requester()}, allow("hub", firewall={"publicNetworkAccess": "disabled"}))
    world.later(45)
    world.hub.endpoint(account, "dfs")
    world.wake(account)
    world.later(300)
    assert account.firewall["publicNetworkAccess"] == "Disabled"

    assert put_back(world, account).status == 200
    assert STORAGE.firewall(account) == {**selected, "": {**selected[""], "publicNetworkAccess": "Enabled"}}
    assert put_back(world, account).status == 200
    assert STORAGE.firewall(account)[""]["networkAcls"] == before[""]["networkAcls"]
    assert put_back(world, account).status == 404
    assert len({alert["id"] for alert in world.alerts()}) == 2


def test_a_later_approval_tightens_again(world: World) -> None:
    account, _ = tightened(world, STORAGE)
    put_back(world, account)

    world.hub.endpoint(account, "dfs")
    world.wake(account)
    world.later(300)

    assert STORAGE.is_closed(account)


@pytest.mark.parametrize("kind", [KUSTO, SQL, KEY_VAULT], ids=str)
def test_another_instance_finishes_what_a_dead_one_began(world: World, kind: Kind) -> None:
    target, before = tightened(world, kind)
    app, named = world.app, parse(target.id)
    begun = app.restorer.begin(
        named, app.adapters[kind.type], app.policy.current(), app.records.load(named), force=False
    )
    assert begun.restore is not None

    world.restart()  # the first instance wrote down what it was about to do, and no more
    world.sweep()
    world.later(300)

    assert kind.firewall(target) == before
    assert world.intents() == []
    assert world.alert_types() == ["FirewallLoosened"]


def test_an_operation_that_takes_longer_than_a_function_may_wait_is_finished_by_a_review(world: World) -> None:
    cluster, before = tightened(world, KUSTO)

    answer = put_back(world, cluster)
    assert (answer.status, answer.body["status"]) == (202, "Running")
    assert world.queue.causes == ["retry"]
    world.later(300)

    assert KUSTO.firewall(cluster) == before
    assert world.alert_types() == ["FirewallLoosened"]
    assert len(world.calls("PATCH")) == 1
    assert put_back(world, cluster).status == 404


def test_a_locked_target_is_told_and_can_be_put_back_later(world: World) -> None:
    account, before = tightened(world, STORAGE)
    lock = world.client.local("POST", "locks", {"scope": account.id, "level": "ReadOnly"})

    refused = put_back(world, account)
    world.client.local("DELETE", f"locks/{lock['name']}")

    assert (refused.status, refused.body["error"]["code"]) == (502, "ScopeLocked")
    assert world.intents() == []
    assert put_back(world, account).status == 200
    assert STORAGE.firewall(account) == before


def test_in_audit_mode_nothing_is_written_for_a_person_either(world: World) -> None:
    account, _ = tightened(world, STORAGE)
    world.policy({"hub": world.hub.requester()}, allow("hub", firewall=STORAGE.wish), mode="audit")
    world.later(45)

    answer = put_back(world, account)

    assert (answer.status, answer.body["error"]["code"]) == (409, "AuditMode")
    assert world.writes() == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "InvalidJson"),
        (b"[]", "InvalidBody"),
        (b"{}", "InvalidTargetId"),
        (b'{"targetId": 7}', "InvalidTargetId"),
        (b'{"targetId": "/subscriptions/nobody"}', "InvalidTargetId"),
        (b'{"targetId": "/subscriptions/11111111-1111-1111-1111-111111111111"}', "UnsupportedType"),
        (b'{"targetId": "x", "force": "yes"}', "InvalidForce"),
        (b'{"targetId": "x", "forced": true}', "UnknownKey"),
    ],
)
def test_a_malformed_request_is_answered_with_400_before_anything_is_read(world: World, body: bytes, code: str) -> None:
    answer = world.app.restoration.answer(Call(body, JSON))

    assert (answer.status, answer.body["error"]["code"]) == (400, code)
    assert world.calls() == []


def test_the_other_refusals_are_those_of_a_re_evaluation(world: World) -> None:
    account = world.storage_account()
    elsewhere = account.id.replace(world.home.subscription, "99999999-0000-4000-8000-000000000000")
    assert put_back(world, account).status == 503, "no policy"
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    world.later(45)

    assert put_back(world, elsewhere).status == 403
    assert put_back(world, account.id + "x").status == 404, "no such resource"
    assert put_back(world, account).status == 404, "nothing kept"


def test_a_target_that_another_review_holds_is_told_with_retry_after(world: World) -> None:
    account, _ = tightened(world, STORAGE)

    with world.app.leases.hold(parse(account.id)):
        answer = put_back(world, account)

    assert (answer.status, answer.headers["Retry-After"]) == (409, "5")


def test_a_target_that_cannot_be_read_is_a_502(world: World) -> None:
    account, _ = tightened(world, STORAGE)
    world.fault("GET", account.id, status=500, times=9)

    assert put_back(world, account).status == 502


def test_a_target_that_is_made_anew_does_not_get_the_firewall_of_the_one_before(world: World) -> None:
    account, _ = tightened(world, STORAGE)
    world.azure.arm("DELETE", account.id, account.version)
    world.wake(account)
    world.later(61)
    assert [record for record in world.records() if not record.empty] == [], "it was gone for good"
    body = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "properties": {}}
    world.azure.arm("PUT", account.id, account.version, body)
    world.time.advance(60)

    assert put_back(world, account, force=True).status == 404
