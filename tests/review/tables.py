"""Azure Tables in memory, as `shared.ledger.tables.Table` shows them: ETags, guards, transactions and limits are Azure's.

Limits: 100 entities and 4 MiB a transaction, 1 MiB and 255 properties an entity, 64 KiB a text, 1 KiB a key without `/`,
`\\`, `#`, `?` and control characters. `tests/functional/test_ledger.py` holds it against Azurite.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shared.ledger.tables import LedgerRefusedError, Row, RowChangedError, Write, parts
from tests.review.points import Points

ENTITIES, TRANSACTION, ENTITY, TEXT, KEY, PROPERTIES = 100, 4 * 1024**2, 1024**2, 64 * 1024, 1024, 255
_KEYS = ("PartitionKey", "RowKey")
_FORBIDDEN = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")


class StoredRow(dict[str, Any]):
    """A row as the SDK answers it: with its metadata beside it."""

    def __init__(self, content: Row, etag: str) -> None:
        super().__init__(content)
        self.metadata = {"etag": etag}


class MemoryTables:
    """The tables of one storage account."""

    def __init__(self, points: Points) -> None:
        self.points = points
        self.rows: dict[str, dict[tuple[str, str], StoredRow]] = {}
        self._version = 0

    def table(self, name: str) -> MemoryTable:
        """One of them; there is no need to make it first."""
        return MemoryTable(self, name, self.rows.setdefault(name, {}))

    def next_etag(self) -> str:
        self._version += 1
        return f'W/"{self._version}"'


@dataclass
class MemoryTable:
    """See `shared.ledger.tables.Table`, whose methods these are."""

    account: MemoryTables
    name: str
    rows: dict[tuple[str, str], StoredRow]

    def get(self, partition_key: str, row_key: str) -> Row | None:
        row = self._through("GET", lambda: self.rows.get((partition_key, row_key)))
        return StoredRow(row, row.metadata["etag"]) if row is not None else None

    def query(self, text: str, **parameters: Any) -> list[Row]:
        found: list[Row] = self._through("query", lambda: list(self._found(text, parameters)))
        return found

    def read(self, text: str, forged: list[str], **parameters: Any) -> list[Row]:
        del forged  # nothing here is sealed
        return self.query(text, **parameters)

    def page(self, text: str, most: int, **parameters: Any) -> list[Row]:
        return self.query(text, **parameters)[: min(most, 1000)]

    def insert(self, row: Row) -> bool:
        done: bool = self._through("insert", lambda: self._try([Write("put", row, "")]))
        return done

    def put(self, row: Row) -> str:
        done: str = self._through("put", lambda: self._apply([Write("put", row)]))
        return done

    def replace(self, row: Row, etag: str) -> bool:
        done: bool = self._through("replace", lambda: self._try([Write("put", row, etag)]))
        return done

    def delete(self, partition_key: str, row_key: str, etag: str | None = None) -> bool:
        row = {"PartitionKey": partition_key, "RowKey": row_key}
        done: bool = self._through("delete", lambda: self._try([Write("delete", row, etag)]))
        return done

    def transact(self, writes: Sequence[Write]) -> str:
        done: str = self._through("commit", lambda: self._apply(writes, batch=True))
        return done

    def put_all(self, rows: Sequence[Row]) -> None:
        for part in parts([Write("put", row) for row in rows]):
            self.transact(part)

    def _through(self, what: str, call: Callable[[], Any]) -> Any:
        return self.account.points.through(f"{what} {self.name}", call)

    def _found(self, text: str, parameters: dict[str, Any]) -> Iterator[Row]:
        selects = selects_of(text, parameters)
        for key in sorted(self.rows):
            if selects(self.rows[key]):
                yield StoredRow(self.rows[key], self.rows[key].metadata["etag"])

    def _try(self, writes: Sequence[Write]) -> bool:
        try:
            self._apply(writes)
        except RowChangedError:
            return False
        return True

    def _apply(self, writes: Sequence[Write], *, batch: bool = False) -> str:
        """Carry out all or none; answers the first row's ETag."""
        rows = [json.loads(json.dumps(write.row)) for write in writes]
        self._check(rows, batch=batch)
        for write, row in zip(writes, rows, strict=True):
            self._guard(write, self.rows.get(_key(row)))
        etags = []
        for write, row in zip(writes, rows, strict=True):
            etag = "" if write.kind == "delete" else self.account.next_etag()
            etags.append(etag)
            if write.kind == "delete":
                del self.rows[_key(row)]
            else:
                self.rows[_key(row)] = StoredRow(row, etag)
        return etags[0] if etags else ""

    def _guard(self, write: Write, there: StoredRow | None) -> None:
        """Whether a row is as its write wants it: 404 and 409 and 412 are one error to the ledger."""
        if write.kind == "put" and write.etag is None:
            return
        absent_wanted = write.kind == "put" and write.etag == ""
        fits = (there is None) if absent_wanted else there is not None
        if fits and write.etag and there is not None:
            fits = there.metadata["etag"] == write.etag
        if not fits:
            text = f"the ledger's table {self.name}: {write.row['RowKey']}: somebody else was faster"
            raise RowChangedError(text, code="LedgerChanged", retry_after=1)

    def _check(self, rows: list[Row], *, batch: bool) -> None:
        """What the service refuses, whatever the rows say."""
        for row in rows:
            self._check_row(row)
        if not batch:
            return
        keys = [row["RowKey"] for row in rows]
        if len({row["PartitionKey"] for row in rows}) > 1:
            self._refuse("CommandsInBatchActOnDifferentPartitions")
        if len(keys) > ENTITIES or not keys:
            self._refuse("InvalidInput: 1 to 100 entities")
        if len(set(keys)) < len(keys):
            self._refuse("InvalidDuplicateRow")
        if len(json.dumps(rows)) > TRANSACTION:
            self._refuse("ContentLengthExceeded")

    def _check_row(self, row: Row) -> None:
        for key in _KEYS:
            if not isinstance(row[key], str) or _FORBIDDEN.search(row[key]):
                self._refuse(f"a character that no {key} may hold")
            if len(row[key].encode("utf-16-le")) > KEY:
                self._refuse("KeyValueTooLarge")
        sizes = {name: _size(value) for name, value in row.items()}
        if any(size > TEXT for size in sizes.values()):
            self._refuse("PropertyValueTooLarge")
        if len(row) > PROPERTIES:
            self._refuse("TooManyProperties")
        if sum(sizes.values()) + sum(2 * len(name) for name in row) > ENTITY:
            self._refuse("EntityTooLarge")

    def _refuse(self, why: str) -> None:
        raise LedgerRefusedError(f"the ledger's table {self.name}: 400: {why}", code="LedgerRefused")


def _key(row: Row) -> tuple[str, str]:
    return row["PartitionKey"], row["RowKey"]


def _size(value: Any) -> int:
    if not isinstance(value, str | int | float):
        raise TypeError(f"a column holds text, a number or a boolean, not {type(value).__name__}")
    return len(value.encode("utf-16-le", "surrogatepass")) if isinstance(value, str) else 8


_TOKEN = re.compile(r"\s*(\(|\)|'(?:[^']|'')*'|@?\w+)")
_COMPARES: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda one, other: bool(one == other),
    "ne": lambda one, other: bool(one != other),
    "lt": lambda one, other: bool(one < other),
    "le": lambda one, other: bool(one <= other),
    "gt": lambda one, other: bool(one > other),
    "ge": lambda one, other: bool(one >= other),
}


Selects = Callable[[Row], bool]


def selects_of(text: str, parameters: dict[str, Any]) -> Selects:
    """An OData filter: comparisons of a column with a text or a parameter, joined by `and`, `or` and parentheses."""
    tokens = _TOKEN.findall(text)
    selects = _either(tokens, parameters)
    assert not tokens, f"not understood: {text}"
    return selects


def _either(tokens: list[str], parameters: dict[str, Any]) -> Selects:
    found = [_both(tokens, parameters)]
    while tokens[:1] == ["or"]:
        tokens.pop(0)
        found.append(_both(tokens, parameters))
    return lambda row: any(selects(row) for selects in found)


def _both(tokens: list[str], parameters: dict[str, Any]) -> Selects:
    found = [_one(tokens, parameters)]
    while tokens[:1] == ["and"]:
        tokens.pop(0)
        found.append(_one(tokens, parameters))
    return lambda row: all(selects(row) for selects in found)


def _one(tokens: list[str], parameters: dict[str, Any]) -> Selects:
    column = tokens.pop(0)
    if column == "(":
        selects = _either(tokens, parameters)
        assert tokens.pop(0) == ")"
        return selects
    compares, operand = _COMPARES[tokens.pop(0)], tokens.pop(0)
    value = parameters[operand[1:]] if operand.startswith("@") else operand[1:-1].replace("''", "'")
    return lambda row: column in row and compares(row[column], value)
