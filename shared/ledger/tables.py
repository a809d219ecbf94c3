"""Azure Tables as the ledger needs them: tables made when missing, long texts in several columns, batches of one partition.

Decides nothing about what the rows mean.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)

from shared.errors import TransientError
from shared.resource_id import ResourceId

if TYPE_CHECKING:
    from azure.data.tables import TableClient, TableServiceClient

_COLUMN = 32_000  # characters of UTF-16 that one column may hold are 32,768
_BATCH = 100

Row = dict[str, Any]


def partition(resource: ResourceId | str) -> str:
    """The partition of a resource: its folded id with the characters that a key may not hold replaced."""
    key = resource.key if isinstance(resource, ResourceId) else resource
    return key.replace("/", "|")


def pack(name: str, value: Any) -> Row:
    """A JSON value as one or more text columns: `name`, `name1`, ..."""
    text = json.dumps(value, separators=(",", ":"))
    parts = [text[i : i + _COLUMN] for i in range(0, len(text), _COLUMN)]
    return {f"{name}{i or ''}": part for i, part in enumerate(parts)}


def unpack(row: Row, name: str) -> Any:
    """The JSON value of `pack`; None where the row has no such column."""
    parts, i = [], 0
    while (part := row.get(f"{name}{i or ''}")) is not None:
        parts.append(part)
        i += 1
    return json.loads("".join(parts)) if parts else None


def stamp(moment: datetime) -> str:
    """A time as rows hold it: UTC, ISO 8601, microseconds, so that texts sort as times."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment(text: Any) -> datetime | None:
    """The time of `stamp`; None for an empty column."""
    return datetime.fromisoformat(text) if text else None


class Table:
    """One table. Every method raises `TransientError` when the storage cannot be reached or refuses."""

    def __init__(self, service: Callable[[], TableServiceClient], name: str) -> None:
        self._service = service
        self._name = name
        self._made: TableClient | None = None
        self._lock = Lock()

    def get(self, partition_key: str, row_key: str) -> Row | None:
        """One row, None when it is not there."""
        with self._translated():
            try:
                return dict(self._client().get_entity(partition_key, row_key))
            except ResourceNotFoundError:
                return None

    def query(self, text: str, **parameters: Any) -> list[Row]:
        """The rows that an OData filter selects; `@name` in the text stands for a parameter."""
        with self._translated():
            try:
                return list(self._client().query_entities(text, parameters=parameters))
            except ResourceNotFoundError:
                return []

    def insert(self, row: Row) -> bool:
        """Create a row if it is absent; False when one is there already."""
        with self._translated():
            try:
                self._creating(lambda client: client.create_entity(row))
            except ResourceExistsError:
                return False
            return True

    def put(self, row: Row) -> None:
        """Create or replace a row."""
        from azure.data.tables import UpdateMode

        with self._translated():
            self._creating(lambda client: client.upsert_entity(row, mode=UpdateMode.REPLACE))

    def merge(self, row: Row) -> None:
        """Change some columns of a row, or create it."""
        with self._translated():
            self._creating(lambda client: client.upsert_entity(row))

    def delete(self, partition_key: str, row_key: str) -> None:
        """Delete a row; one that is gone already is as good."""
        with self._translated():
            try:
                self._client().delete_entity(partition_key, row_key)
            except ResourceNotFoundError:
                return

    def delete_unchanged(self, row: Row) -> bool:
        """Delete a row of `query` unless somebody wrote it since; False where somebody did."""
        from azure.core import MatchConditions

        etag = getattr(row, "metadata", {}).get("etag")
        key = (row["PartitionKey"], row["RowKey"])
        with self._translated():
            try:
                self._client().delete_entity(*key, etag=etag, match_condition=MatchConditions.IfNotModified)
            except (ResourceModifiedError, ResourceNotFoundError):
                return False
            return True

    def write_all(self, rows: list[tuple[str, Row]]) -> None:
        """Write rows of one partition, each with "upsert" (replaces), "merge" or "delete"; a hundred at a time together.

        The last hundred is written last: what must come after everything else stands at the end.
        """
        operations = [(kind, row, {"mode": "replace"} if kind == "upsert" else {}) for kind, row in rows]
        operations = [("upsert" if kind == "merge" else kind, row, more) for kind, row, more in operations]
        with self._translated():
            for i in range(0, len(operations), _BATCH):
                self._submit(operations[i : i + _BATCH])

    def _submit(self, batch: Any) -> None:
        self._creating(lambda client: client.submit_transaction(batch))

    def _client(self) -> TableClient:
        with self._lock:
            if self._made is None:
                self._made = self._service().get_table_client(self._name)
            return self._made

    def _creating(self, write: Callable[[TableClient], Any]) -> None:
        """Write; a table that is missing is made first (once in its life). A batch has an error class of its own."""
        try:
            write(self._client())
        except HttpResponseError as error:
            if error.status_code != 404:
                raise
            self._service().create_table_if_not_exists(self._name)
            write(self._client())

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except AzureError as error:
            status = getattr(error, "status_code", None)
            text = f"the ledger's table {self._name}: {status or type(error).__name__}"
            raise TransientError(text, code="LedgerUnavailable") from error
