"""The settings of a function app: the environment first, then the `Values` of local.settings.json.

Decides nothing about what a setting means; `%NAME%` in a binding is resolved here because the Functions host does it
for every binding alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_REFERENCE = re.compile(r"%([^%]+)%")


class SettingsError(Exception):
    """local.settings.json cannot be used; the message says where and why."""


class MissingSettingError(Exception):
    """A binding names a setting that has no value; the function is then not indexed."""


@dataclass(frozen=True)
class Settings:
    """Names and values as the app sees them in its environment; never shown in a log, since values can be secrets."""

    values: Mapping[str, str] = field(repr=False)

    def get(self, name: str) -> str | None:
        """The value of a setting; None when it is missing or empty, which Functions treats alike."""
        return self.values.get(name) or None

    def resolve(self, text: str) -> str:
        """Replace every `%NAME%`; raises MissingSettingError as Functions does when NAME has no value."""

        def value(reference: re.Match[str]) -> str:
            found = self.get(reference[1])
            if found is None:
                raise MissingSettingError(f"'%{reference[1]}%' does not resolve to a value.")
            return found

        return _REFERENCE.sub(value, text)

    def is_disabled(self, function: str) -> bool:
        """Whether `AzureWebJobs.NAME.Disabled` (or, for shells, `AzureWebJobs_NAME_Disabled`) is true or 1."""
        names = (f"AzureWebJobs.{function}.Disabled", f"AzureWebJobs_{function}_Disabled")
        return any((self.get(name) or "").lower() in {"true", "1"} for name in names)


def read_settings(environment: Mapping[str, str], file: Path | None) -> Settings:
    """Settings of the environment, completed by those of `file` (local.settings.json) where it exists.

    Raises:
        SettingsError: the file is not JSON, is encrypted, or a value is not a string, a number or a boolean.
    """
    values = dict(_file_values(file)) if file is not None and file.is_file() else {}
    return Settings({**values, **environment})


def _file_values(file: Path) -> Mapping[str, str]:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise SettingsError(f"{file.name} is not valid JSON: {error}") from error
    values = content.get("Values", {}) if isinstance(content, dict) else None
    if not isinstance(values, dict):
        raise SettingsError(f'{file.name} needs an object "Values" of names and values')
    if content.get("IsEncrypted"):
        raise SettingsError(f"{file.name} is encrypted: run `func settings decrypt`")
    return {name: _as_text(file, name, value) for name, value in values.items()}


def _as_text(file: Path, name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise SettingsError(f"{file.name}: the value of {name} must be a string")
