"""host.json: the part of it that the local host copies, with the defaults of Azure Functions.

`AzureFunctionsJobHost__extensions__queues__visibilityTimeout` and the like override single values, as in Azure. Keys
that the local host does not copy are reported, never silently ignored.

Source: https://learn.microsoft.com/azure/azure-functions/functions-host-json
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_OVERRIDE_PREFIX = "AzureFunctionsJobHost__"
_TIMESPAN = re.compile(
    r"(?:(?P<days>\d+)\.)?(?P<hours>[01]?\d|2[0-3]):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d(?:\.\d{1,7})?)\Z"
)

_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}
_COPIED = {
    "version",
    "functiontimeout",
    "extensions.http.routeprefix",
    "extensions.queues.batchsize",
    "extensions.queues.newbatchthreshold",
    "extensions.queues.maxpollinginterval",
    "extensions.queues.visibilitytimeout",
    "extensions.queues.maxdequeuecount",
    "extensions.queues.messageencoding",
}
_KNOWN_GROUPS = (
    "logging.loglevel.",
    "logging.console.",
    "logging.applicationinsights.",
    "extensionbundle.",
    "telemetrymode",
)


class HostJsonError(Exception):
    """host.json cannot be used; the message names the key and what is allowed."""


@dataclass(frozen=True)
class QueueOptions:
    """`extensions.queues`; times in seconds."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_polling_interval: float = 60.0
    visibility_timeout: float = 0.0
    max_dequeue_count: int = 5
    base64: bool = True


@dataclass(frozen=True)
class HostJson:
    """What the local host takes from host.json; `function_timeout` in seconds, None for no limit.

    `log_levels`: the `logging` level for each category.
    """

    route_prefix: str = "api"
    function_timeout: float | None = 1800.0
    log_levels: Mapping[str, int] = field(default_factory=dict)
    queues: QueueOptions = QueueOptions()
    not_copied: tuple[str, ...] = ()


def read_host_json(file: Path, environment: Mapping[str, str]) -> HostJson:
    """Read host.json and its overrides from the environment.

    Raises:
        HostJsonError: the file is missing or not JSON, its version is not 2.0, or a value cannot be used.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise HostJsonError(f"{file.name} is missing: this folder is not a function app") from error
    except ValueError as error:
        raise HostJsonError(f"{file.name} is not valid JSON: {error}") from error
    if not isinstance(document, dict) or document.get("version") != "2.0":
        raise HostJsonError(f'{file.name} needs "version": "2.0"')
    values = {key.lower(): (key, value) for key, value in _leaves(document)}
    for name, text in environment.items():
        if name.startswith(_OVERRIDE_PREFIX):
            key = name.removeprefix(_OVERRIDE_PREFIX).replace("__", ".")
            values[key.lower()] = (values.get(key.lower(), (key,))[0], text)
    return _Reader(values).host_json()


def _leaves(document: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


@dataclass(frozen=True)
class _Reader:
    values: Mapping[str, tuple[str, Any]]

    def host_json(self) -> HostJson:
        timeout = self._get("functionTimeout", "00:30:00")
        encoding = str(self._get("extensions.queues.messageEncoding", "base64")).lower()
        if encoding not in {"base64", "none"}:
            raise HostJsonError("host.json: extensions.queues.messageEncoding must be base64 or none")
        return HostJson(
            route_prefix=str(self._get("extensions.http.routePrefix", "api")).strip("/"),
            function_timeout=None if str(timeout) == "-1" else _seconds("functionTimeout", timeout),
            log_levels=dict(self._log_levels()),
            queues=QueueOptions(
                batch_size=self._integer("extensions.queues.batchSize", 16, 1, 32),
                new_batch_threshold=self._integer("extensions.queues.newBatchThreshold", None, 0, 1000),
                max_polling_interval=self._interval("extensions.queues.maxPollingInterval", "00:01:00", least=0.1),
                visibility_timeout=self._interval("extensions.queues.visibilityTimeout", "00:00:00"),
                max_dequeue_count=self._integer("extensions.queues.maxDequeueCount", 5, 1, 1000),
                base64=encoding == "base64",
            ),
            not_copied=tuple(key for key, _ in self.values.values() if not _is_known(key)),
        )

    def _log_levels(self) -> Iterator[tuple[str, int]]:
        for key, level in self.values.values():
            if key.lower().startswith("logging.loglevel."):
                if str(level).lower() not in _LEVELS:
                    raise HostJsonError(f"host.json: {key} must be one of {', '.join(_LEVELS)}, not {level!r}")
                yield key.split(".", 2)[2], _LEVELS[str(level).lower()]

    def _get(self, key: str, default: Any) -> Any:
        return self.values.get(key.lower(), (key, default))[1]

    def _integer(self, key: str, default: int | None, least: int, most: int) -> int:
        if default is None:  # newBatchThreshold: half of the batch size
            default = self._integer("extensions.queues.batchSize", 16, 1, 32) // 2
        value = self._get(key, default)
        try:
            number = int(value)
        except (TypeError, ValueError) as error:
            raise HostJsonError(f"host.json: {key} must be a whole number, not {value!r}") from error
        if not least <= number <= most:
            raise HostJsonError(f"host.json: {key} must be between {least} and {most}")
        return number

    def _interval(self, key: str, default: str, least: float = 0.0) -> float:
        return max(least, _seconds(key, self._get(key, default)))


def _seconds(key: str, value: object) -> float:
    try:
        return timespan_seconds(str(value))
    except ValueError as error:
        raise HostJsonError(f"host.json: {key} must be a time span like 00:00:30, not {value!r}") from error


def timespan_seconds(text: str) -> float:
    """Seconds of a .NET time span `[d.]hh:mm:ss[.fffffff]`; raises ValueError."""
    found = _TIMESPAN.match(text)
    if found is None:
        raise ValueError(f"not a time span: {text!r}")
    days, hours, minutes = (int(found[unit] or 0) for unit in ("days", "hours", "minutes"))
    return ((days * 24 + hours) * 60 + minutes) * 60 + float(found["seconds"])


def _is_known(key: str) -> bool:
    return key.lower() in _COPIED or key.lower().startswith(_KNOWN_GROUPS)
