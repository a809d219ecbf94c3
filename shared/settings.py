"""The app's settings: the environment, read once and checked. No other module reads the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_SWEEP_SCHEDULE = "0 */5 * * * *"


class InvalidSettingsError(ValueError):
    """A setting is missing or makes no sense; the text names it and the remedy."""


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """The storage of the Functions host, in either of its two forms (INTERFACE section 4).

    With a connection string the URIs are empty; without one the identity is used (`client_id`: a user-assigned one).
    """

    connection_string: str = ""
    queue_uri: str = ""
    blob_uri: str = ""
    table_uri: str = ""
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the app can be told from outside."""

    storage: StorageSettings
    policy_path: str = "policy.yaml"
    arm_endpoint: str = "https://management.azure.com"
    arm_audience: str = "https://management.azure.com"
    synapse_endpoint: str = "https://{workspace}.dev.azuresynapse.net"
    alert_topic_endpoint: str = ""
    alert_topic_key: str = ""
    client_id: str = ""
    managed_identity: bool = False


def sweep_schedule(environment: Mapping[str, str]) -> str:
    """The sweep's NCRONTAB expression. Read apart: the trigger needs it before anything else is known to be right."""
    return environment.get("SWEEP_SCHEDULE") or DEFAULT_SWEEP_SCHEDULE


def read_settings(environment: Mapping[str, str], *, storage: bool = True) -> Settings:
    """Read the settings. Without `storage` the app's storage account may be missing (reading commands need none).

    Raises:
        InvalidSettingsError: one is missing or malformed.
    """
    arm = _https(environment, "ARM_ENDPOINT", "https://management.azure.com")
    client_id = environment.get("AZURE_CLIENT_ID", "")
    synapse = environment.get("SYNAPSE_ENDPOINT") or "https://{workspace}.dev.azuresynapse.net"
    if "{workspace}" not in synapse or not synapse.startswith("https://"):
        raise InvalidSettingsError("SYNAPSE_ENDPOINT: an https:// template with {workspace} in it is expected")
    return Settings(
        storage=(stored := _storage(environment, client_id) if storage else StorageSettings()),
        policy_path=_policy_path(environment.get("POLICY_PATH") or "policy.yaml", stored),
        arm_endpoint=arm,
        arm_audience=(environment.get("ARM_AUDIENCE") or arm).rstrip("/"),
        synapse_endpoint=synapse.rstrip("/"),
        alert_topic_endpoint=environment.get("ALERT_TOPIC_ENDPOINT", ""),
        alert_topic_key=environment.get("ALERT_TOPIC_KEY", ""),
        client_id=client_id,
        managed_identity=bool(environment.get("IDENTITY_ENDPOINT")),
    )


def _https(environment: Mapping[str, str], name: str, default: str) -> str:
    value = (environment.get(name) or default).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme != "https" or not parts.hostname:
        raise InvalidSettingsError(f"{name}: {value!r} is not an https:// URL (tokens never travel over plain http)")
    return value


def _policy_path(path: str, storage: StorageSettings) -> str:
    """A file, or the URL of a blob: the app's token goes to a blob service's host and to nobody else's."""
    if "://" not in path:
        return path
    url = urlsplit(path)
    own = bool(storage.blob_uri) and url.netloc == urlsplit(storage.blob_uri).netloc
    if url.scheme != "https" or not (own or ".blob." in (url.hostname or "")):
        raise InvalidSettingsError(f"POLICY_PATH: {path!r} is neither a file nor the https:// URL of a blob")
    return path


def _storage(environment: Mapping[str, str], client_id: str) -> StorageSettings:
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
        given = environment.get(f"{name}__{service}ServiceUri", "")
        if not given and not account:
            raise InvalidSettingsError(
                f"{name}: missing; set a connection string, or {name}__accountName, or {name}__{service}ServiceUri "
                "with its sisters"
            )
        return (given or f"https://{account}.{service}.core.windows.net").rstrip("/")

    return StorageSettings(
        queue_uri=uri("queue"),
        blob_uri=uri("blob"),
        table_uri=uri("table"),
        client_id=environment.get(f"{name}__clientId") or client_id,
    )
