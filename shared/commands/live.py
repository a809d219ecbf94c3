"""Situations as they are in Azure now, for `python -m shared.policy simulate --live` and `explain --connection`. Reads only.

Needs no storage account: where the app's own is given its ledger is read (spent endpoints), elsewhere nothing is spent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from shared.app import App
from shared.ledger.record import Record
from shared.model.situation import Situation
from shared.model.target_types import is_target, type_of
from shared.policy.rules import Policy
from shared.resource_id import ResourceId
from shared.settings import read_settings


def app_of(environment: Mapping[str, str]) -> App:
    """The app as its settings have it, for commands that read what it remembers. Raises InvalidSettingsError."""
    return App(read_settings(environment), root=Path.cwd())


class Live:
    """The live estate, read with the caller's own identity (`DefaultAzureCredential`: `az login` is enough)."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._stored = any(name.startswith("AzureWebJobsStorage") for name in environment)
        self._app = App(read_settings(environment, storage=self._stored), root=Path.cwd())

    def targets(self, policy: Policy, scope: ResourceId | None) -> list[ResourceId]:
        """The targets of the policy's scope, or of a part of it, with a Pending connection. Raises `ApproverError`."""
        if scope is not None and is_target(scope):
            return [scope]
        return self._app.estate.pending(policy.scope, scope)

    def situation(self, policy: Policy, target: ResourceId) -> Situation:
        """One target's situation, as a review would gather it.

        Raises:
            OutsideScopeError: the policy's scope does not cover the target; nothing was read.
            ApproverError: it could not be read.
        """
        self._app.scope.require(policy.scope, target)
        adapter = self._app.adapters[type_of(target).name]
        record = self._app.records.load(target) if self._stored else Record(str(target))
        return self._app.observer.observe(policy, target, adapter, record).situation

    def policy(self) -> Policy:
        """The policy in force: that of POLICY_PATH. Raises `PolicyError`."""
        return self._app.policy.current()

    def tagged(self, situation: Situation) -> Situation:
        """The same with the target's tags, which a review reads only where a rule asks for some."""
        target = situation.target.id
        tags = self._app.adapters[type_of(target).name].tags(target)
        return replace(situation, target=replace(situation.target, tags=tags))

    def situations(self, policy: Policy, scope: ResourceId | None) -> Iterator[Situation]:
        """The situations of `targets`, one after the other."""
        for target in self.targets(policy, scope):
            yield self.situation(policy, target)
