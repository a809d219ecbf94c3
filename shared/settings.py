"""The app's settings: the environment, read once and checked. No other module reads the environment."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_SWEEP_SCHEDULE = "0 */5 * * * *"

LEAST_KEY = 32
"""Bytes of LEDGER_KEY."""

BLOB_SUFFIXES = (
    "blob.core.windows.net", "blob.core.usgovcloudapi.net", "blob.core.chinacloudapi.cn", "blob.storage.azure.net",
)  # fmt: skip
"""Where blob services are: `<account>.blob.core.windows.net` and its sisters of the other clouds, and
`<account>.z<number>.blob.storage.azure.net` for accounts in DNS zones."""

_ACCOUNT = re.compile(r"[a-z0-9]{3,24}(-secondary)?(\.z[0-9]{1,3})?")
_URL = re.compile(
    r"https://(?P<host>[a-z0-9.-]+)(?P<port>:[0-9]{1,5})?(?P<path>/[^?#\\\s]*)?", re.IGNORECASE | re.ASCII
)


class InvalidSettingsError(ValueError):
    """A setting is missing or makes no sense; the text names it and the remedy."""


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """The storage of the Functions host, in either of its two forms.

    With a connection string the URIs are empty; without one the identity is used (`client_id`: a user-assigned one).
    """

    connection_string: str = ""
    queue_uri: str = ""
    blob_uri: str = ""
    table_uri: str = ""
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the app can be told from outside.

    `authentication`: App Service authentication is on, as App Service itself says: only then it takes the headers that name
    a principal out of what callers send.
    """

    storage: StorageSettings
    policy_path: str = "policy.yaml"
    arm_endpoint: str = "https://management.azure.com"
    arm_audience: str = "https://management.azure.com"
    synapse_endpoint: str = "https://{workspace}.dev.azuresynapse.net"
    alert_topic_endpoint: str = ""
    alert_topic_key: str = ""
    client_id: str = ""
    managed_identity: bool = False
    authentication: bool = False
    ledger_key: bytes = field(default=b"", repr=False)
    ledger_key_previous: bytes = field(default=b"", repr=False)


def sweep_schedule(environment: Mapping[str, str]) -> str:
    """The sweep's NCRONTAB expression. Read apart: the trigger needs it before anything else is known to be right."""
    return environment.get("SWEEP_SCHEDULE") or DEFAULT_SWEEP_SCHEDULE


def read_settings(environment: Mapping[str, str], *, storage: bool = True) -> Settings:
    """Read the settings. Without `storage` the app's storage account may be missing (reading commands need none).

    Raises:
        InvalidSettingsError: one is missing or malformed.
    """
    arm = _https(environment, "ARM_ENDPOINT", "https://management.azure.com")
    return Settings(
        storage=(stored := _storage(environment) if storage else StorageSettings()),
        policy_path=_policy_path(environment.get("POLICY_PATH") or "policy.yaml", stored),
        arm_endpoint=arm,
        arm_audience=(environment.get("ARM_AUDIENCE") or arm).rstrip("/"),
        synapse_endpoint=_template(environment, "SYNAPSE_ENDPOINT", "https://{workspace}.dev.azuresynapse.net"),
        alert_topic_endpoint=_https(environment, "ALERT_TOPIC_ENDPOINT", ""),
        alert_topic_key=environment.get("ALERT_TOPIC_KEY", ""),
        client_id=environment.get("AZURE_CLIENT_ID", ""),
        managed_identity=bool(environment.get("IDENTITY_ENDPOINT")),
        authentication=environment.get("WEBSITE_AUTH_ENABLED") == "True",
        ledger_key=_key(environment, "LEDGER_KEY"),
        ledger_key_previous=_key(environment, "LEDGER_KEY_PREVIOUS"),
    )


def _https(environment: Mapping[str, str], name: str, default: str) -> str:
    """The URL of a service without a slash at its end; the default where it is not set."""
    value = environment.get(name) or default
    if value and _URL.fullmatch(value) is None:
        raise InvalidSettingsError(
            f"{name}: {_shown(value)} is not the https:// URL of a service, with nothing but a host and a path "
            "(tokens and keys never travel over plain http)"
        )
    return value.rstrip("/")


def _key(environment: Mapping[str, str], name: str) -> bytes:
    """A key in base64; empty where it is not set. The error repeats nothing of it."""
    text = environment.get(name, "")
    try:
        key = b64decode(text, validate=True)
    except ValueError:
        key = b""
    if text and len(key) < LEAST_KEY:
        raise InvalidSettingsError(
            f"{name}: base64 of {LEAST_KEY} bytes or more is expected (openssl rand -base64 {LEAST_KEY})"
        )
    return key


def _template(environment: Mapping[str, str], name: str, default: str) -> str:
    value = environment.get(name) or default
    if "{workspace}" not in value or _URL.fullmatch(value.replace("{workspace}", "name")) is None:
        raise InvalidSettingsError(
            f"{name}: {_shown(value)}: an https:// template with {{workspace}} in it is expected"
        )
    return value.rstrip("/")


def _policy_path(path: str, storage: StorageSettings) -> str:
    """A file, or the URL of a blob: the app's token goes to a blob service's host and to nobody else's."""
    if "://" not in path:
        return path
    match = _URL.fullmatch(path)
    if match is None:
        more = ": give it without a query (a shared access signature is a secret; the app reads with its identity)"
        raise InvalidSettingsError(
            f"POLICY_PATH: {_shown(path)} is neither a file nor the https:// URL of a blob{more if '?' in path else ''}"
        )
    own = bool(storage.blob_uri) and path.lower().startswith(storage.blob_uri.lower() + "/")
    if not own and not (_is_blob_host(match["host"].lower()) and match["port"] in (None, ":443")):
        raise InvalidSettingsError(
            f"POLICY_PATH: {_shown(path)} is not at a blob service (<account>.{BLOB_SUFFIXES[0]}): "
            "the app's token goes nowhere else"
        )
    if not (match["path"] or "").strip("/"):
        raise InvalidSettingsError(f"POLICY_PATH: {_shown(path)} names no blob")
    return path


def _is_blob_host(host: str) -> bool:
    """Whether a host is a storage account's blob service, by its whole name."""
    return any(
        host.endswith(f".{suffix}") and _ACCOUNT.fullmatch(host.removesuffix(f".{suffix}")) for suffix in BLOB_SUFFIXES
    )


def _shown(value: str) -> str:
    """A setting as it was given, for an error: up to a query, which may be a secret."""
    start, question, _ = value.partition("?")
    return repr(start + ("?..." if question else ""))


def _storage(environment: Mapping[str, str]) -> StorageSettings:
    name = "AzureWebJobsStorage"
    if text := environment.get(name, ""):
        if "usedevelopmentstorage=true" in text.lower():
            raise InvalidSettingsError(
                f"{name}: the storage SDKs for Python do not know UseDevelopmentStorage=true; "
                "give the whole connection string (python -m local azure prints one)"
            )
        return StorageSettings(connection_string=text)
    account = environment.get(f"{name}__accountName", "")

    def uri(service: str) -> str:
        setting = f"{name}__{service}ServiceUri"
        if not environment.get(setting) and not account:
            raise InvalidSettingsError(
                f"{name}: missing; set a connection string, or {name}__accountName, or {setting} with its sisters"
            )
        return _https(environment, setting, f"https://{account}.{service}.core.windows.net")

    return StorageSettings(
        queue_uri=uri("queue"),
        blob_uri=uri("blob"),
        table_uri=uri("table"),
        client_id=environment.get(f"{name}__clientId") or environment.get("AZURE_CLIENT_ID", ""),
    )
