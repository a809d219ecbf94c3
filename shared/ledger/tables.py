"""Azure Tables as the ledger needs them: tables made when missing, JSON in several columns, transactions of one partition.

Decides nothing about what the rows mean. Limits of the service: a transaction holds 100 entities and 4 MiB, an entity 1 MiB,
a text column 32,768 UTF-16 units (https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)

from shared.errors import ApproverError, TransientError
from shared.ledger.sealing import Sealing
from shared.resource_id import ResourceId

if TYPE_CHECKING:
    from azure.data.tables import TableClient, TableServiceClient

COLUMN = 32_000
"""Characters of one column; what `pack` writes is ASCII, so that a character is a UTF-16 unit."""

MOST_WRITES = 100
MOST_BYTES = 3 * 1024 * 1024
"""Of one transaction: less than the 4 MiB that the service takes, since its own framing counts too."""

_PASSES = (408, 409, 412, 429)
"""Refusals that may go away by themselves; every other 4xx stays until somebody changes something."""

Row = dict[str, Any]

log = logging.getLogger(__name__)


class LedgerRefusedError(ApproverError):
    """The storage account refuses for a reason that stays (permission, size, a malformed row): somebody must be told."""


class RowChangedError(TransientError):
    """Somebody else has written the row that guards a transaction: what was read is no longer so."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write of a transaction. `etag` guards an update: "" for a row that must not be there yet; None: unguarded."""

    kind: Literal["put", "delete"]
    row: Row
    etag: str | None = None

    @property
    def size(self) -> int:
        """About as many bytes as it takes in the request."""
        return len(json.dumps(self.row)) + 500


def partition(resource: ResourceId | str) -> str:
    """The partition of a resource: its folded id with the characters that a key may not hold replaced."""
    key = resource.key if isinstance(resource, ResourceId) else resource
    return key.replace("/", "|")


def pack(name: str, value: Any) -> Row:
    """A JSON value as one or more text columns: `name`, `name1`, ..."""
    text = json.dumps(value, separators=(",", ":"))
    parts = [text[i : i + COLUMN] for i in range(0, len(text), COLUMN)]
    return {f"{name}{i or ''}": part for i, part in enumerate(parts)}


def unpack(row: Row, name: str) -> Any:
    """The JSON value of `pack`; None where the row has no such column. Raises ValueError where it is no JSON."""
    parts, i = [], 0
    while (part := row.get(f"{name}{i or ''}")) is not None:
        parts.append(str(part))
        i += 1
    return json.loads("".join(parts)) if parts else None


def timestamp(moment: datetime) -> str:
    """A time as rows hold it: UTC, ISO 8601, microseconds, so that texts sort as times."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment(text: Any) -> datetime | None:
    """The time of `timestamp`; None for an empty column."""
    return datetime.fromisoformat(text) if text else None


def newest_first(moment: datetime) -> str:
    """A part of a key that sorts the newest first: 13 digits, milliseconds counted back from the year 2286."""
    return f"{9_999_999_999_999 - int(moment.astimezone(UTC).timestamp() * 1000):013d}"


class Table:
    """One table.

    Every method raises `TransientError` when the storage cannot be reached, `LedgerRefusedError` when it refuses for good.
    """

    def __init__(self, service: Callable[[], TableServiceClient], name: str, sealing: Sealing | None = None) -> None:
        """`sealing`: seals every row that is written, and is asked about every row that is read."""
        self._service = service
        self._name = name
        self._sealing = sealing or Sealing()
        self._made: TableClient | None = None
        self._lock = Lock()

    def get(self, partition_key: str, row_key: str) -> Row | None:
        """One row, None when it is not there (or is not authentic); its ETag is its `metadata["etag"]`."""
        with self._translated():
            try:
                found = self._client().get_entity(partition_key, row_key)
            except ResourceNotFoundError:
                return None
        return found if self._believed(found) else None

    def query(self, text: str, **parameters: Any) -> list[Row]:
        """The rows that an OData filter selects; `@name` in the text stands for a parameter, with a space after it.

        Rows that are not authentic are left out, with a warning in the log.
        """
        return self.read(text, [], **parameters)

    def read(self, text: str, forged: list[str], **parameters: Any) -> list[Row]:
        """As `query`; the row keys of those that are not authentic go into `forged`."""
        with self._translated():
            try:
                rows = list(self._client().query_entities(text, parameters=parameters))
            except ResourceNotFoundError:
                return []
        return self._authentic(rows, forged)

    def pages(self, text: str, most: int, **parameters: Any) -> Iterator[list[Row]]:
        """As `query`, page by page of at most so many rows each.

        A page may be empty and others follow: the service ends a page where it likes, and rows that are not authentic are
        left out.
        """
        pages = self._client().query_entities(text, parameters=parameters, results_per_page=most).by_page()
        while True:
            with self._translated():
                try:
                    rows = list(next(pages))
                except (StopIteration, ResourceNotFoundError):
                    return
            yield self._authentic(rows, [])

    def insert(self, row: Row) -> bool:
        """Create a row if it is absent; False when one is there already. One that is not authentic is as good as absent."""
        with self._translated():
            try:
                self._creating(lambda client: client.create_entity(self._sealed(row)))
            except ResourceExistsError:
                return self._sealing.authenticates and self._instead_of_forged(row)
            return True

    def put(self, row: Row) -> str:
        """Create or replace a row; answers its ETag."""
        from azure.data.tables import UpdateMode

        with self._translated():
            written = self._creating(lambda client: client.upsert_entity(self._sealed(row), mode=UpdateMode.REPLACE))
            return str(written["etag"])

    def replace(self, row: Row, etag: str) -> bool:
        """Replace a row that still has that ETag; False where somebody else has written or deleted it."""
        from azure.core import MatchConditions
        from azure.data.tables import UpdateMode

        with self._translated():
            try:
                self._client().update_entity(
                    self._sealed(row),
                    mode=UpdateMode.REPLACE,
                    etag=etag,
                    match_condition=MatchConditions.IfNotModified,
                )
            except (ResourceModifiedError, ResourceNotFoundError):
                return False
            return True

    def delete(self, partition_key: str, row_key: str, etag: str | None = None) -> bool:
        """Delete a row, where an ETag is given only if it still has it. False where it is gone, or was written since."""
        from azure.core import MatchConditions

        guard: dict[str, Any] = {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}
        with self._translated():
            try:
                self._client().delete_entity(partition_key, row_key, **guard)
            except (ResourceModifiedError, ResourceNotFoundError):
                return False
            return True

    def transact(self, writes: Sequence[Write]) -> str:
        """Carry out writes of one partition, all or none; answers the ETag of the first one's row ("" for a delete).

        Raises:
            RowChangedError: a guarded row is not as it was.
        """
        operations = [
            _operation(write, self._sealed(write.row) if write.kind == "put" else write.row) for write in writes
        ]
        with self._translated():
            done = self._creating(lambda client: client.submit_transaction(operations))
            return str(done[0].get("etag") or "")

    def put_all(self, rows: Sequence[Row]) -> None:
        """Create or replace rows of one partition, in as many transactions as that takes."""
        for part in parts([Write("put", row) for row in rows]):
            self.transact(part)

    def _instead_of_forged(self, row: Row) -> bool:
        """Replace the row that is there unless it is authentic; `get` shows nothing, so that nobody else ever would."""
        try:
            there = self._client().get_entity(row["PartitionKey"], row["RowKey"])
        except ResourceNotFoundError:
            return False  # whoever deleted it was faster
        return not self._believed(there) and self.replace(row, str(there.metadata["etag"]))

    def _sealed(self, row: Row) -> Row:
        return self._sealing.sealed(self._name, row)

    def _believed(self, row: Row) -> bool:
        return self._sealing.holds(self._name, row)

    def _authentic(self, rows: Sequence[Row], forged: list[str]) -> list[Row]:
        found = []
        for row in rows:
            if self._believed(row):
                found.append(row)
                continue
            log.warning("row %r of %r in table %s is not authentic", row["RowKey"], row["PartitionKey"], self._name)
            forged.append(str(row["RowKey"]))
        return found

    def _client(self) -> TableClient:
        with self._lock:
            if self._made is None:
                self._made = self._service().get_table_client(self._name)
            return self._made

    def _creating(self, write: Callable[[TableClient], Any]) -> Any:
        """Write; a table that is missing is made first (once in its life). A batch has an error class of its own."""
        try:
            return write(self._client())
        except HttpResponseError as error:
            if error.status_code != 404 or "TableNotFound" not in f"{getattr(error, 'error_code', '')} {error}":
                raise
            self._service().create_table_if_not_exists(self._name)
            return write(self._client())

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except AzureError as error:
            status = getattr(error, "status_code", None)
            text = f"the ledger's table {self._name}: {status or type(error).__name__}"
            if status in (404, 409, 412):
                raise RowChangedError(
                    f"{text}: somebody else was faster", code="LedgerChanged", retry_after=1
                ) from error
            if status is not None and 400 <= status < 500 and status not in _PASSES:
                raise LedgerRefusedError(f"{text}: {_why(error)}", code="LedgerRefused") from error
            raise TransientError(text, code="LedgerUnavailable") from error


def parts(writes: Sequence[Write], reserved: int = 0) -> Iterator[list[Write]]:
    """Writes in the order given, as many together as one transaction takes; `reserved` places are left free in each."""
    part: list[Write] = []
    size = 0
    for write in writes:
        if part and (len(part) >= MOST_WRITES - reserved or size + write.size > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(write)
        size += write.size
    if part:
        yield part


def _operation(write: Write, row: Row) -> tuple[Any, ...]:
    from azure.core import MatchConditions

    guard: dict[str, Any] = {"etag": write.etag, "match_condition": MatchConditions.IfNotModified} if write.etag else {}
    if write.kind == "delete":
        return ("delete", row, guard)
    if write.etag == "":
        return ("create", row)
    return ("update" if write.etag else "upsert", row, {"mode": "replace", **guard})


def _why(error: AzureError) -> str:
    return " ".join(str(error).split())[:300]
