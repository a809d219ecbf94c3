"""The ledger: what a row says, when there is a new one, and when it goes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from shared.ledger.record import HistoryEntry
from shared.ledger.retention import Retention
from shared.ledger.tables import Table, timestamp, unpack
from shared.ledger.tenants import TenantCache
from shared.resource_id import parse
from tests.functional.world import World, allow, deny


def test_a_decision_seen_again_moves_its_last_sight_and_a_changed_one_is_a_new_row(world: World) -> None:
    account, stranger = world.storage_account(), world.stranger()
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    stranger.endpoint(account, "blob")
    world.wake(account)
    (first,) = world.records()
    (decision,) = world.recorded(account)
    world.later(60)

    world.wake(account)
    (again,) = world.records()
    assert world.recorded(account) == [decision]
    assert first.reviewed_at is not None
    assert again.reviewed_at is not None
    assert again.reviewed_at > first.reviewed_at, "what the record holds was seen then"

    world.policy({"hub": world.hub.requester()}, allow("hub"), deny())
    world.later(45)
    world.wake(account)
    assert [decision["outcome"] for decision in world.recorded(account)] == ["denied", "held"]


def test_a_decision_keeps_its_id_while_it_stays_the_same(world: World) -> None:
    account = world.storage_account()
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    world.stranger().endpoint(account, "blob")

    first, second = (world.decided(account)[0]["decisionId"] for _ in range(2))

    assert first == second


def test_a_decision_longer_than_a_column_is_kept_whole(world: World) -> None:
    account = world.storage_account()
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    world.stranger().endpoint(account, "blob", message="ü" * 40_000)

    world.wake(account)

    assert world.recorded(account)[0]["requestMessage"] == "ü" * 40_000


def test_tenants_are_remembered_for_a_day_and_unknown_ones_for_ten_minutes(world: World) -> None:
    cache = TenantCache(Table(world.app.storage.tables, "tenants"))
    now, tenant = world.time.now(), "6a1c0de0-1f00-4a5e-9c1d-0a2b3c4d5e6f"
    assert cache.fresh(["s-1"], now) == {}
    cache.remember({"s-1": tenant, "s-2": None}, now)

    def known(**later: int) -> dict[str, str | None]:
        wanted = [f"s-{number}" for number in range(40)]
        return {key: found for key, (found, _) in cache.fresh(wanted, now + timedelta(**later)).items()}

    assert known() == {"s-1": tenant, "s-2": None}
    assert known(minutes=9) == {"s-1": tenant, "s-2": None}
    assert known(minutes=10) == {"s-1": tenant}
    assert known(hours=23, minutes=59) == {"s-1": tenant}
    assert known(hours=24) == {}


@pytest.mark.parametrize(
    "forged",
    [
        {"expiresAt": "2999-01-01T00:00:00Z"},
        {"expiresAt": timedelta(hours=25)},
        {"expiresAt": "2999-01-01T00:00:00Z", "tenantId": ""},
        {"expiresAt": "soon"},
        {"expiresAt": 7},
        {"expiresAt": "2026-01-01T00:00:00"},
        {"expiresAt": ""},
        {"tenantId": "home"},
        {"tenantId": 7},
    ],
    ids=str,
)
def test_a_tenant_that_the_app_cannot_have_remembered_is_not_believed(world: World, forged: dict[str, object]) -> None:
    table = Table(world.app.storage.tables, "tenants")
    cache, now = TenantCache(table), world.time.now()
    honest = {"PartitionKey": "tenant", "RowKey": "s-1", "tenantId": "6a1c0de0-1f00-4a5e-9c1d-0a2b3c4d5e6f",
              "expiresAt": timestamp(now + timedelta(hours=1))}  # fmt: skip
    table.put(honest)
    assert set(cache.fresh(["s-1"], now)) == {"s-1"}
    shown = {
        column: timestamp(now + value) if isinstance(value, timedelta) else value for column, value in forged.items()
    }
    table.put(honest | shown)
    assert cache.fresh(["s-1"], now) == {}


def test_what_is_past_its_retention_goes_and_nothing_else(world: World) -> None:
    gone, stays = world.storage_account(), world.storage_account()
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    for account in (gone, stays):
        world.stranger().endpoint(account, "blob")
        world.wake(account)
    targets, feed, runs = (Table(world.app.storage.tables, name) for name in ("targets", "feed", "runs"))
    retention, now = Retention(targets=targets, feed=feed, runs=runs), world.time.now()
    for age in (5, 8):
        at = timestamp(now + timedelta(days=401 - age))
        runs.put({"PartitionKey": "p", "RowKey": f"{age}", "createdAt": at})
    record = world.app.records.load(parse(stays.id))
    (request,) = record.requests.values()
    assert request.decision is not None
    seen = HistoryEntry(request.decision, now + timedelta(days=399), request.link)
    world.app.records.commit(record, record, [seen])  # a review found it still so, lately

    assert retention.purge(now + timedelta(days=399)) == 0
    assert retention.purge(now + timedelta(days=401)) == 4, "a decision, two alerts, a run"

    assert world.recorded(gone) == []
    assert len(world.recorded(stays)) == 1
    assert [row["RowKey"] for row in world.rows("runs") if row["PartitionKey"] == "p"] == ["5"]
    assert len([row for row in world.rows("feed") if row["PartitionKey"].startswith("decision|")]) == 1


def test_retention_is_due_once_a_day(world: World) -> None:
    targets, feed, runs = (Table(world.app.storage.tables, name) for name in ("targets", "feed", "runs"))
    retention, now = Retention(targets=targets, feed=feed, runs=runs), world.time.now()
    assert retention.is_due(now)
    retention.purge(now)
    assert not retention.is_due(now + timedelta(hours=23))
    assert retention.is_due(now + timedelta(hours=25))
    assert retention.is_due(now - timedelta(days=1)), "a mark of the future is not believed"


def test_the_text_of_every_policy_that_was_in_force_is_kept_and_a_change_is_told(world: World) -> None:
    account = world.storage_account()
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    world.sweep()
    world.hub.endpoint(account, "blob")
    world.policy({"hub": world.hub.requester()}, allow("hub", name="another"))
    world.later(45)
    world.wake(account)
    (decision,) = world.recorded(account, "approved")
    world.sweep()

    text = world.app.policies.text(decision["policy"])
    assert text is not None
    assert '"another"' in text
    (notice,) = world.notices()
    assert notice["type"] == "PrivateEndpointApprover.PolicyChanged"
    assert notice["data"]["after"] == decision["policy"] != notice["data"]["before"]
    assert world.app.policies.text(notice["data"]["before"]) is not None


def test_the_tips_of_all_chains_are_kept_once_a_day(world: World) -> None:
    accounts = [world.storage_account() for _ in range(3)]
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    for account in accounts:
        world.hub.endpoint(account, "blob")
        world.wake(account)
    container = world.app.storage.container("tips")
    container.create_container()

    world.sweep()
    world.sweep()

    (row,) = [row for row in world.rows("feed") if row["PartitionKey"].startswith("tips|")]
    item = unpack(row, "item")
    assert item["targets"] == 3
    (blob,) = list(container.list_blobs())
    kept = json.loads(container.download_blob(blob.name).readall())
    assert (kept["root"], len(kept["tips"])) == (item["root"], 3)
