"""A ledger with every kind of row in it, which can be tampered with and put back as it was.

In one estate: `target`, whose firewall was tightened, with an approval of our cluster's whose firewall is still to come, a
stranger and a copy of our message that wait; `other`, with a request that the next sweep approves; `elsewhere`, a target
with a record of its own, to copy rows to. `stage.put_back()` makes tables and Azure what they were when it was all arranged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, TableServiceClient, UpdateMode

from local.azure.process import AzureProcess
from shared.ledger.sealing import Sealing
from shared.ledger.tables import partition
from shared.ledger.verify import TABLES
from shared.resource_id import parse
from shared.triggers.http import JSON, Call
from tests.functional.clock import MovedTime
from tests.functional.estate import Json, Request, Target
from tests.functional.world import World, allow
from tests.local_host.azurite_server import Account

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
OTHER_KEY = "b3RoZXIga2V5IG90aGVyIGtleSBvdGhlciBrZXkgLi4uLi4="
TOPIC = "/topics/"

Place = tuple[str, str, str]
"""Table, partition, row."""

Tables = Mapping[Place, Json]
"""Every row of every table of the ledger, as it lies there."""

SETTLES = 3600
"""Seconds that the approval of our cluster waits for its firewall."""


class Stage:
    """See the module. `key`: LEDGER_KEY, "" for a ledger that is not authenticated."""

    target: Target
    other: Target
    elsewhere: Target
    stranger: Request
    copy: Request
    genuine: Request
    asks: Request

    def __init__(self, azure: AzureProcess, account: Account, time: MovedTime, folder: Path, key: str) -> None:
        folder.mkdir(exist_ok=True)
        self.world = World({**azure.settings, "LEDGER_KEY": key}, account.connection_string, time, folder)
        self.sealing = Sealing()
        self._service = TableServiceClient.from_connection_string(account.connection_string)
        self.earlier: list[Tables] = []
        """What the tables held at earlier moments, the oldest first."""
        self._arrange()
        self.tables = self.rows()
        self.copy_connection = self.copy.connection_id
        self._azure = self.world.client.local("GET", "snapshot")

    # --- how it came about

    def _arrange(self) -> None:
        world = self.world
        adx = world.cluster()
        closes = {"publicNetworkAccess": "disabled"}
        world.policy(
            {"people": world.hub.requester(), "adx": adx.requester(requireMessage=True)},
            allow("people", firewall={**closes, "settleSeconds": 1}),
            allow("adx", firewall={**closes, "settleSeconds": SETTLES}),
        )
        self.target, self.other, self.elsewhere = (world.storage_account() for _ in range(3))
        world.hub.endpoint(self.target, "blob")
        world.throttle("PUT", "privateEndpointConnections", 60)
        world.wake(self.target)  # a retry is claimed
        self.earlier.append(self.rows())
        world.later(120)
        assert self.target.firewall["publicNetworkAccess"] == "Disabled"
        self.earlier.append(self.rows())

        self.genuine = adx.endpoint(self.target, "blob")
        world.wake(self.target)
        assert self.genuine.status == "Approved"
        for target in (self.other, self.elsewhere):
            world.hub.endpoint(target, "blob")
            world.wake(target)
            world.later(60)
        world.stranger().endpoint(self.target, "blob", message="the first")
        world.fault("POST", TOPIC, status=400)  # an alert that the topic refuses for good
        world.wake(self.target)
        self.earlier.append(self.rows())

        self.stranger = world.stranger().endpoint(self.target, "blob", message="please")
        self.copy = world.stranger().cluster().endpoint(self.target, "blob", message=self.genuine.message)
        world.sweep()
        assert world.reevaluate(f"/subscriptions/{world.home.subscription}").status == 202
        world.work()
        self.earlier.append(self.rows())
        world.stranger().endpoint(self.target, "blob", message="the last")
        world.fault("POST", TOPIC, status=503, times=9)  # what is to be told stays in the outbox
        world.wake(self.target)
        world.client.local("DELETE", "faults")
        assert world.reevaluate(f"/subscriptions/{world.home.subscription}").status == 202
        world.queue.waiting.clear()  # whoever queued that run has died: its messages are owed
        self.asks = world.hub.endpoint(self.other, "blob")
        world.time.advance(1000)

    def begin_restore(self) -> None:
        """Somebody asks to put the target's firewall back, and ARM does not take it yet."""
        self.world.throttle("PATCH", f"{self.target.id}$", 600)
        self.world.throttle("PUT", f"{self.target.id}$", 600)
        body = f'{{"targetId": "{self.target.id}"}}'.encode()
        assert self.world.app.restoration.answer(Call(body, JSON)).status == 202
        self.world.queue.waiting.clear()
        self.world.client.local("DELETE", "faults")

    # --- the tables

    def rows(self) -> Tables:
        """Every row of the ledger."""
        return {(t, row["PartitionKey"], row["RowKey"]): row for t in TABLES for row in self._all(t)}

    def _all(self, table: str) -> list[Json]:
        try:
            return [dict(row) for row in self.client(table).list_entities()]
        except ResourceNotFoundError:
            return []

    def client(self, table: str) -> TableClient:
        """The raw table, as whoever may write it has it."""
        return self._service.get_table_client(table)

    def put(self, table: str, row: Json) -> None:
        """Write a row as it is."""
        self.client(table).upsert_entity(row, mode=UpdateMode.REPLACE)

    def delete(self, place: Place) -> None:
        """Delete a row."""
        self.client(place[0]).delete_entity(*place[1:])

    def of(self, target: Target, tables: Tables | None = None) -> Tables:
        """The rows of a target's partition in the table `targets`."""
        key = partition(parse(target.id))
        found = self.tables if tables is None else tables
        return {place: row for place, row in found.items() if place[:2] == ("targets", key)}

    def put_back(self) -> None:
        """Make tables and Azure what they were, and go on with an instance that knows nothing."""
        now = self.rows()
        for place in now.keys() - self.tables.keys():
            self.delete(place)
        for place, row in self.tables.items():
            if now.get(place) != row:
                self.put(place[0], row)
        self.world.client.local("DELETE", "faults")
        self.world.client.local("PUT", "snapshot", self._azure)
        self.world.queue.waiting.clear()
        self.restart()

    def restart(self) -> None:
        """Another instance, which is made when it is first used."""
        vars(self.world).pop("app", None)

    @contextmanager
    def keyed(self, **keys: str) -> Iterator[World]:
        """The app with other keys, for a while."""
        before = dict(self.world.settings)
        self.world.settings.update(keys)
        self.restart()
        try:
            yield self.world
        finally:
            self.world.settings.clear()
            self.world.settings.update(before)
            self.restart()

    def told(self, since: int) -> list[dict[str, Any]]:
        """What has arrived at the topic since it held so many events."""
        return self.world.topic_events()[since:]
