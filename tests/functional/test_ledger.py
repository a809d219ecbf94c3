"""The ledger: what a row says, when there is a new one, and when it goes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.ledger.retention import Retention
from shared.ledger.tables import Table, timestamp
from shared.ledger.tenants import TenantCache
from tests.functional.world import World, allow, deny


def test_a_decision_seen_again_moves_its_last_sight_and_a_changed_one_is_a_new_row(world: World) -> None:
    account, stranger = world.storage_account(), world.stranger()
    world.policy({"hub": world.hub.requester()}, allow("hub"))
    stranger.endpoint(account, "blob")
    world.wake(account)
    (first,) = [row for row in world.rows("decisions") if "outcome" in row]
    world.later(60)

    world.wake(account)
    (again,) = [row for row in world.rows("decisions") if "outcome" in row]
    assert again["RowKey"] == first["RowKey"]
    assert again["firstSeenAt"] == first["firstSeenAt"]
    assert again["lastSeenAt"] > first["lastSeenAt"]

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


def test_what_is_past_its_retention_goes_once_a_day_and_nothing_else(world: World) -> None:
    decisions, alerts, runs = (Table(world.app.storage.tables, name) for name in ("decisions", "alerts", "runs"))
    retention = Retention(decisions=decisions, alerts=alerts, runs=runs)
    now = world.time.now()

    def row(key: str, column: str, days: int, partition: str = "p") -> dict[str, str]:
        return {"PartitionKey": partition, "RowKey": key, column: timestamp(now - timedelta(days=days))}

    for days in (398, 401):
        decisions.put(row(f"{days}", "lastSeenAt", days))
        alerts.put(row(f"{days}", "deliveredAt", days, "delivered"))
        alerts.put(row(f"{days}", "firstSeenAt", days, "open"))
    for days in (5, 8):
        runs.put(row(f"{days}", "createdAt", days))

    assert retention.purge_daily(now) == 3
    assert retention.purge_daily(now + timedelta(hours=23)) == 0
    assert [r["RowKey"] for r in world.rows("decisions")] == ["398"]
    assert sorted((r["PartitionKey"], r["RowKey"]) for r in world.rows("alerts")) == [
        ("delivered", "398"), ("open", "398"), ("open", "401"),
    ]  # fmt: skip
    assert [r["RowKey"] for r in world.rows("runs") if r["PartitionKey"] == "p"] == ["5"]
    decisions.put(row("402", "lastSeenAt", 402))
    assert retention.purge_daily(now + timedelta(hours=25)) == 1
