"""The composition root: settings in, wired use cases out. Every part that meets the outside can be replaced by keyword.

Nothing is connected or imported before it is needed: a cold start pays only for what its first invocation uses.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.alerts.outbox import Outbox
from shared.alerts.raising import Alerts
from shared.alerts.topic import topic_of
from shared.azure.arm import Arm
from shared.azure.clients import Storage, blob_of, credential_of, storage_credential_of
from shared.azure.leases import CONTAINER, BlobLeases
from shared.ledger.feed import Feed
from shared.ledger.policies import Policies
from shared.ledger.records import Records
from shared.ledger.retention import Retention
from shared.ledger.runs import Runs
from shared.ledger.sealing import Sealing
from shared.ledger.tables import Table
from shared.ledger.tenants import TenantCache
from shared.ledger.tips import CONTAINER as TIPS
from shared.ledger.tips import Tips
from shared.ledger.work import WorkIndex
from shared.model.target_types import TARGET_TYPES
from shared.once import once
from shared.policy.current import PolicySource, blob_reader, file_reader
from shared.requesters.data_factory import DataFactoryReader
from shared.requesters.kusto import KustoReader
from shared.requesters.private_endpoint import PrivateEndpoints
from shared.requesters.sides import RequesterReader, RequesterSides
from shared.requesters.synapse import SynapseReader
from shared.requesters.tenants import Tenants
from shared.review.carry_out import Executor
from shared.review.observe import Observer
from shared.review.restore import Restorer
from shared.review.review import Reviewer
from shared.review.scope import ArmScope
from shared.settings import Settings, StorageSettings, read_settings
from shared.targets.adapter import TargetAdapter
from shared.targets.arm_resource import ArmResources
from shared.targets.event_hubs import EventHubsNamespaces
from shared.targets.sdk import ManagementClients, SdkAdapter
from shared.targets.storage import StorageAccounts
from shared.triggers.message_handler import MessageHandler
from shared.triggers.messages import Messages, QueueMessages
from shared.triggers.reevaluate import Reevaluation
from shared.triggers.restore import Restoration
from shared.triggers.sweep import Estate, Sweep

log = logging.getLogger(__name__)


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

    @once
    def credential(self) -> Any:
        """The app's identity, from `azure-identity` alone."""
        return self._credential or credential_of(self.settings)

    @once
    def arm(self) -> Arm:
        """Azure Resource Manager."""
        return Arm(self.settings.arm_endpoint, self.settings.arm_audience, self.credential)

    @once
    def storage(self) -> Storage:
        """The app's storage account."""
        return Storage(self.settings.storage, lambda: storage_credential_of(self.settings, self.credential))

    @once
    def policy(self) -> PolicySource:
        """The policy in force."""
        path = self.settings.policy_path
        if path.startswith("https://"):
            return PolicySource(blob_reader(blob_of(path, self.credential)), clock=self.clocks.monotonic)
        return PolicySource(file_reader(self._root / path), clock=self.clocks.monotonic)

    @once
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

    @once
    def readers(self) -> dict[str, RequesterReader]:
        """One reader for each service whose resources make private endpoints."""
        return {
            "kusto": KustoReader(self.arm),
            "synapse": SynapseReader(self.arm, self.credential, self.settings.synapse_endpoint),
            "dataFactory": DataFactoryReader(self.arm),
        }

    @once
    def sides(self) -> RequesterSides:
        """The requesters' own resources."""
        return RequesterSides(self.readers)

    @once
    def observer(self) -> Observer:
        """Reads what a decision rests on."""
        stored = self.settings.storage != StorageSettings()
        cache = TenantCache(self._table("tenants")) if stored else None
        tenants = Tenants(self.settings.arm_endpoint, cache, self.clocks.now)
        return Observer(
            tenants=tenants,
            sides=self.sides,
            views=PrivateEndpoints(self.arm),
            shown_tenants=self.work.shown_tenants if stored else lambda _: frozenset(),
            is_trace_of=self.sealing.is_trace_of,
            now=self.clocks.now,
            clock=self.clocks.monotonic,
        )

    @once
    def reviewer(self) -> Reviewer:
        """The review of one target."""
        return Reviewer(
            policy=self.policy,
            scope=self.scope,
            adapters=self.adapters,
            observer=self.observer,
            executor=Executor(self.arm, self.observer, self.clocks.monotonic),
            records=self.records,
            policies=self.policies,
            sealing=self.sealing,
            outbox=self.outbox,
            alerts=self.alerts,
            leases=self.leases,
            now=self.clocks.now,
            sleep=self.clocks.sleep,
        )

    @once
    def message_handler(self) -> MessageHandler:
        """What becomes of messages."""
        return MessageHandler(
            reviewer=self.reviewer,
            messages=self.messages,
            work=self.work,
            runs=self.runs,
            alerts=self.alerts,
            now=self.clocks.now,
        )

    @once
    def estate(self) -> Estate:
        """Where Pending connections are."""
        return Estate(self.arm, self.scope, self.adapters)

    @once
    def sweep(self) -> Sweep:
        """The timer's use case."""
        retention = Retention(targets=self._table("targets"), feed=self._table("feed"), runs=self._table("runs"))
        return Sweep(
            policy=self.policy,
            estate=self.estate,
            sides=self.sides,
            records=self.records,
            work=self.work,
            runs=self.runs,
            retention=retention,
            tips=self.tips,
            policies=self.policies,
            alerts=self.alerts,
            outbox=self.outbox,
            messages=self.messages,
            handler=self.message_handler,
            now=self.clocks.now,
        )

    @once
    def reevaluation(self) -> Reevaluation:
        """The HTTP use case."""
        return Reevaluation(
            policy=self.policy,
            scope=self.scope,
            arm=self.arm,
            estate=self.estate,
            reviewer=self.reviewer,
            handler=self.message_handler,
            records=self.records,
            runs=self.runs,
            messages=self.messages,
            now=self.clocks.now,
        )

    @once
    def restoration(self) -> Restoration:
        """The HTTP use case that puts firewalls back."""
        return Restoration(self.restorer, self.messages, self.message_handler)

    @once
    def restorer(self) -> Restorer:
        """Puts firewalls back."""
        return Restorer(self.reviewer, self.clocks.now, lambda: str(uuid.uuid4()))

    @once
    def leases(self) -> BlobLeases:
        """Who reviews a target now."""
        return BlobLeases(lambda: self.storage.container(CONTAINER))

    @once
    def scope(self) -> ArmScope:
        """What the policy's scope covers."""
        return ArmScope(self.arm, self.clocks.monotonic)

    @once
    def messages(self) -> Messages:
        """The queue of reviews."""
        return self._messages or QueueMessages(self.storage.queue)

    @once
    def work(self) -> WorkIndex:
        """The index of unfinished work."""
        return WorkIndex(self._table("work"), self.clocks.now)

    @once
    def records(self) -> Records:
        """What is remembered, one record a target."""
        return Records(self._table("targets"), self.work, self.sealing)

    @once
    def tips(self) -> Tips:
        """The tips of all chains, once a day."""
        return Tips(self._table("targets"), self._table("feed"), lambda: self.storage.container(TIPS))

    @once
    def policies(self) -> Policies:
        """The texts of all policies that were in force."""
        return Policies(self._table("policies"), self.clocks.now)

    @once
    def sealing(self) -> Sealing:
        """What keeps the ledger from being forged and read."""
        if not self.settings.ledger_key and not self.settings.ledger_key_previous:
            log.warning("LEDGER_KEY is not set: whoever can write the app's tables is believed")
        return Sealing(self.settings.ledger_key, self.settings.ledger_key_previous)

    @once
    def runs(self) -> Runs:
        """Wide re-evaluations."""
        return Runs(self._table("runs"))

    @once
    def outbox(self) -> Outbox:
        """Delivers decisions and alerts."""
        topic = topic_of(self.settings, lambda: self.credential)
        return Outbox(self.records, Feed(self._table("feed")), topic, self.work, self.clocks.now)

    @once
    def alerts(self) -> Alerts:
        """Alerts about what no review is at work on."""
        return Alerts(self.records, self.outbox, self.clocks.now)

    def _table(self, name: str) -> Table:
        return Table(self.storage.tables, name, self.sealing)


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
