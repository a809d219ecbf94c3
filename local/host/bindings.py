"""The functions of an app and their bindings, as the worker's index reports them.

Decides which functions the local host can run: a trigger or binding it does not copy, or a setting that has no value,
puts the function "in error", as the Functions host says, and leaves the others alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from local.host.settings import MissingSettingError, Settings
from local.host.worker import IndexedFunction


class Trigger(Enum):
    """The triggers that the local host copies; the values are the binding types."""

    HTTP = "httpTrigger"
    EVENT_GRID = "eventGridTrigger"
    QUEUE = "queueTrigger"
    TIMER = "timerTrigger"


_OUTPUTS = ("http", "queue")
_RESOLVED = ("queueName", "schedule", "route")


@dataclass(frozen=True)
class Binding:
    """One binding; `properties` is its JSON as in function.json (camelCase), `%SETTING%` resolved."""

    name: str
    type: str
    properties: Mapping[str, Any]

    def text(self, key: str, default: str = "") -> str:
        """A text property; the default when it is missing or null."""
        value = self.properties.get(key)
        return default if value is None else str(value)


@dataclass(frozen=True)
class Function:
    """A function the host can run; `id` is the worker's name for it, `raw` its bindings as the worker wrote them."""

    id: str
    name: str
    trigger: Binding
    outputs: tuple[Binding, ...]
    raw: tuple[Mapping[str, Any], ...]

    @property
    def kind(self) -> Trigger:
        """Which of the copied triggers this function has."""
        return Trigger(self.trigger.type)


class FunctionInError(Exception):
    """A function cannot be run here; the message says why."""


def read_function(indexed: IndexedFunction, settings: Settings) -> Function:
    """A function from the worker's index.

    Raises:
        FunctionInError: it has a binding that the local host does not copy, or needs a setting that has no value.
    """
    if indexed.has_retry_policy:
        raise FunctionInError("a retry policy is not supported by the local host")
    raw = tuple(json.loads(binding) for binding in indexed.raw_bindings)
    bindings = [_binding(one, settings) for one in raw]
    triggers = [binding for binding in bindings if binding.type.lower().endswith("trigger")]
    if len(triggers) != 1:
        raise FunctionInError(f"it needs exactly one trigger and has {len(triggers)}")
    supported = {trigger.value for trigger in Trigger} | set(_OUTPUTS)
    for binding in bindings:
        if binding.type not in supported:
            raise FunctionInError(f"the binding type '{binding.type}' is not supported by the local host")
    outputs = tuple(binding for binding in bindings if binding is not triggers[0])
    return Function(indexed.id, indexed.name, triggers[0], outputs, raw)


def _binding(raw: Mapping[str, Any], settings: Settings) -> Binding:
    properties = dict(raw)
    try:
        for key in _RESOLVED:
            if isinstance(raw.get(key), str):
                properties[key] = settings.resolve(raw[key])
    except MissingSettingError as error:
        raise FunctionInError(str(error)) from error
    return Binding(str(raw.get("name", "")), str(raw.get("type", "")), properties)
