"""The composition root: settings in, wired use cases out. Every part that meets the outside can be replaced by keyword.

Nothing is connected or imported before it is needed: a cold start pays only for what its first invocation uses.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from shared.alerts.topic import Outbox, topic_of
from shared.azure.arm import Arm
from shared.azure.clients import Storage, blob_of, credential_of, storage_credential_of
from shared.azure.leases import CONTAINER, BlobLeases
from shared.ledger.alerts import AlertBook
from shared.ledger.bindings import Bindings
from shared.ledger.decisions import Decisions
from shared.ledger.firewalls import Firewalls
from shared.ledger.follow_ups import FollowUps
from shared.ledger.intents import Intents
from shared.ledger.retention import Retention
from shared.ledger.runs import Runs
from shared.ledger.tables import Table
from shared.ledger.tenants import TenantCache
from shared.model.requester import Service
from shared.model.target_types import TARGET_TYPES
from shared.policy.current import PolicySource, blob_reader, file_reader
from shared.requesters.data_factory import DataFactoryReader
from shared.requesters.kusto import KustoReader
from shared.requesters.private_endpoint import PrivateEndpoints
from shared.requesters.sides import RequesterReader, RequesterSides
from shared.requesters.synapse import SynapseReader
from shared.requesters.tenants import ReadableTenants, Tenants
from shared.review.carry_out import Actor
from shared.review.firewall_work import FirewallWriter
from shared.review.observe import Gatherer
from shared.review.restore import Restorer
from shared.review.review import Reviewer
from shared.review.scope import ArmScope
from shared.review.tighten import Tightener
from shared.review.waiting import Settling
from shared.settings import Settings, StorageSettings, read_settings
from shared.targets.adapter import TargetAdapter
from shared.targets.arm_resource import ArmResources
from shared.targets.event_hubs import EventHubsNamespaces
from shared.targets.sdk import ManagementClients, SdkAdapter
from shared.targets.storage import StorageAccounts
from shared.triggers.message_handler import Worker
from shared.triggers.messages import QUEUE, Messages, QueueMessages
from shared.triggers.reevaluate import Reevaluation
from shared.triggers.restore import Restoration
from shared.triggers.sweep import Estate, Sweep


@dataclass(frozen=True, slots=True)
class Clocks:
    """Time: `now` in UTC, `monotonic` and `sleep` in seconds."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class App:
    """The wired app. Each part is made when it is first asked for, once."""

    def __init__(
        self,
        settings: Settings,
        *,
        root: Path,
        clocks: Clocks | None = None,
        credential: Any = None,
        messages: Messages | None = None,
    ) -> None:
        self.settings = settings
        self.clocks = clocks or Clocks()
        self._root = root
        self._credential = credential
        self._messages = messages

    @cached_property
    def credential(self) -> Any:
        """The app's identity, from `azure-identity` alone."""
        return self._credential or credential_of(self.settings)

    @cached_property
    def arm(self) -> Arm:
        """Azure Resource Manager."""
        return Arm(self.settings.arm_endpoint, self.settings.arm_audience, self.credential)

    @cached_property
    def storage(self) -> Storage:
        """The app's storage account."""
        return Storage(self.settings.storage, lambda: storage_credential_of(self.settings, self.credential))

    @cached_property
    def policy(self) -> PolicySource:
        """The policy in force."""
        path = self.settings.policy_path
        if path.startswith("https://"):
            return PolicySource(blob_reader(blob_of(path, self.credential)), clock=self.clocks.monotonic)
        return PolicySource(file_reader(self._root / path), clock=self.clocks.monotonic)

    @cached_property
    def adapters(self) -> dict[str, TargetAdapter]:
        """One adapter for each target type, by its name in `targets.types`."""
        clients = ManagementClients(self.credential, self.settings.arm_endpoint, self.settings.arm_audience)
        with_sdk: dict[str, type[SdkAdapter]] = {
            "Microsoft.Storage/storageAccounts": StorageAccounts,
            "Microsoft.EventHub/namespaces": EventHubsNamespaces,
        }
        return {
            kind.name: with_sdk[kind.name](kind, clients) if kind.name in with_sdk else ArmResources(kind, self.arm)
            for kind in TARGET_TYPES.values()
        }

    @cached_property
    def readers(self) -> dict[Service, RequesterReader]:
        """One reader for each service whose resources make private endpoints."""
        return {
            Service.KUSTO: KustoReader(self.arm),
            Service.SYNAPSE: SynapseReader(self.arm, self.credential, self.settings.synapse_endpoint),
            Service.DATA_FACTORY: DataFactoryReader(self.arm),
        }

    @cached_property
    def sides(self) -> RequesterSides:
        """The requesters' own resources."""
        return RequesterSides(self.readers)

    @cached_property
    def gatherer(self) -> Gatherer:
        """Makes situations."""
        cache = TenantCache(self._table("tenants")) if self.settings.storage != StorageSettings() else None
        tenants = Tenants(self.settings.arm_endpoint, cache, self.clocks.now)
        return Gatherer(ReadableTenants(tenants), self.sides, PrivateEndpoints(self.arm), self.bindings)

    @cached_property
    def reviewer(self) -> Reviewer:
        """The review of one target."""
        now = self.clocks.now
        actor = Actor(self.arm, self.intents, self.bindings, self.decisions, now)
        return Reviewer(
            policy=self.policy,
            scope=self.scope,
            adapters=self.adapters,
            gatherer=self.gatherer,
            actor=actor,
            tightener=Tightener(
                actor,
                Settling(self.sides, self.bindings, now),
                FirewallWriter(self.arm, self.firewalls),
                self.firewalls,
                self.decisions,
                now,
            ),
            decisions=self.decisions,
            intents=self.intents,
            alerts=self.alerts,
            outbox=self.outbox,
            restorer=self.restorer,
            leases=self.leases,
            now=now,
            clock=self.clocks.monotonic,
            sleep=self.clocks.sleep,
        )

    @cached_property
    def worker(self) -> Worker:
        """What becomes of messages."""
        follow_ups = FollowUps(self._table("decisions"))
        return Worker(
            self.reviewer, self.messages, follow_ups, self.runs, self.alerts, self.outbox, self.clocks.now
        )  # fmt: skip

    @cached_property
    def estate(self) -> Estate:
        """Where Pending connections are."""
        return Estate(self.arm, self.scope, self.adapters)

    @cached_property
    def sweep(self) -> Sweep:
        """The timer's use case."""
        retention = Retention(
            decisions=self._table("decisions"), alerts=self._table("alerts"), runs=self._table("runs")
        )
        return Sweep(
            self.policy, self.estate, self.sides, self.intents, self.bindings, retention, self.alerts, self.outbox,
            self.messages, self.worker, self.clocks.now,
        )  # fmt: skip

    @cached_property
    def reevaluation(self) -> Reevaluation:
        """The HTTP use case."""
        return Reevaluation(
            self.policy, self.scope, self.arm, self.estate, self.reviewer, self.worker, self.intents, self.runs,
            self.messages, self.clocks.now,
        )  # fmt: skip

    @cached_property
    def restorer(self) -> Restorer:
        """Puts firewalls back."""
        writer = FirewallWriter(self.arm, self.firewalls)
        now = self.clocks.now
        return Restorer(writer, self.firewalls, self.intents, self.decisions, self.alerts, self.outbox, now)

    @cached_property
    def restoration(self) -> Restoration:
        """The HTTP use case that puts firewalls back."""
        return Restoration(
            self.policy, self.scope, self.adapters, self.restorer, self.leases, self.messages, self.worker,
            self.clocks.sleep,
        )  # fmt: skip

    @cached_property
    def leases(self) -> BlobLeases:
        """Who reviews a target now."""
        return BlobLeases(lambda: self.storage.container(CONTAINER))

    @cached_property
    def scope(self) -> ArmScope:
        """What the policy covers."""
        return ArmScope(self.arm, self.clocks.monotonic)

    @cached_property
    def messages(self) -> Messages:
        """The queue of reviews."""
        return self._messages or QueueMessages(lambda: self.storage.queue(QUEUE))

    @cached_property
    def decisions(self) -> Decisions:
        """The ledger's decisions."""
        return Decisions(self._table("decisions"))

    @cached_property
    def intents(self) -> Intents:
        """The ledger's open intents."""
        return Intents(self._table("intents"))

    @cached_property
    def bindings(self) -> Bindings:
        """The ledger's spent endpoints."""
        return Bindings(self._table("evidence"))

    @cached_property
    def firewalls(self) -> Firewalls:
        """The ledger's firewalls as they were."""
        return Firewalls(self._table("firewalls"))

    @cached_property
    def runs(self) -> Runs:
        """The ledger's runs."""
        return Runs(self._table("runs"))

    @cached_property
    def alerts(self) -> AlertBook:
        """The ledger's alerts."""
        return AlertBook(self._table("alerts"))

    @cached_property
    def outbox(self) -> Outbox:
        """Delivers alerts."""
        return Outbox(self.alerts, topic_of(self.settings, lambda: self.credential), self.clocks.now)

    def _table(self, name: str) -> Table:
        return Table(self.storage.tables, name)


def build(environment: Mapping[str, str] | None = None, *, root: Path | None = None, **replaced: Any) -> App:
    """Wire the app from the environment.

    Args:
        environment: the settings; the process's own where None.
        root: the folder that a relative POLICY_PATH is looked up in; the app's own where None.
        replaced: parts of `App.__init__` to replace: `clocks`, `credential`, `messages`.

    Raises:
        InvalidSettingsError: a setting is missing or malformed.
    """
    logging.getLogger("azure").setLevel(logging.WARNING)  # its INFO is every request and every header
    logging.getLogger("azure.eventgrid").setLevel(logging.ERROR)  # its WARNING is every option of a call
    settings = read_settings(os.environ if environment is None else environment)
    return App(settings, root=root or Path(__file__).parent.parent, **replaced)
