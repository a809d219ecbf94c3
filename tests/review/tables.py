"""Azure Tables in memory, as the SDK's clients show them: ETags, guards, transactions and limits are the service's.

Limits: 100 entities and 4 MiB a transaction, 1 MiB and 255 properties an entity, 64 KiB a text, 1 KiB a key without `/`,
`\\`, `#`, `?` and control characters. `tests/functional/test_ledger.py` holds it against Azurite.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)

from tests.review.points import Points

ENTITIES, TRANSACTION, ENTITY, TEXT, KEY, PROPERTIES = 100, 4 * 1024**2, 1024**2, 64 * 1024, 1024, 255
MOST_IN_A_PAGE = 1000
_KEYS = ("PartitionKey", "RowKey")
_FORBIDDEN = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")

Value = TypeVar("Value")
Row = dict[str, Any]
Key = tuple[str, str]


class StoredRow(Row):
    """A row as the SDK answers it: with its metadata beside it."""

    def __init__(self, content: Row, etag: str) -> None:
        super().__init__(content)
        self.metadata = {"etag": etag}


class MemoryTables:
    """The tables of one storage account, and a `TableServiceClient` of it."""

    def __init__(self, points: Points) -> None:
        self.points = points
        self.rows: dict[str, dict[Key, StoredRow]] = {}
        """By the table's name; a table is not there before it was made."""
        self._version = 0

    def get_table_client(self, name: str) -> MemoryTable:
        return MemoryTable(self, name)

    def create_table_if_not_exists(self, name: str) -> None:
        self.points.through(f"make {name}", lambda: self.rows.setdefault(name, {}))

    def partition(self, name: str, partition_key: str) -> list[StoredRow]:
        """The rows of one partition, in order; no client's call."""
        rows = self.rows.get(name, {})
        return [rows[key] for key in sorted(rows) if key[0] == partition_key]

    def next_etag(self) -> str:
        self._version += 1
        return f'W/"{self._version}"'


@dataclass
class Found:
    """What a query finds, row by row or page by page; asked for when it is looked at."""

    find: Callable[[], list[StoredRow]]
    page: int

    def __iter__(self) -> Iterator[StoredRow]:
        return iter(self.find())

    def by_page(self) -> Iterator[list[StoredRow]]:
        rows = self.find()
        yield from (rows[start : start + self.page] for start in range(0, len(rows), self.page))


@dataclass
class MemoryTable:
    """The calls of a `TableClient` that the ledger makes."""

    account: MemoryTables
    name: str

    def get_entity(self, partition_key: str, row_key: str) -> StoredRow:
        def found() -> StoredRow:
            row = self._rows.get((partition_key, row_key))
            if row is None:
                raise _error(ResourceNotFoundError, 404, "ResourceNotFound")
            return StoredRow(row, row.metadata["etag"])

        return self._through("GET", found)

    def query_entities(self, text: str, parameters: Mapping[str, Any], results_per_page: int = MOST_IN_A_PAGE) -> Found:
        selects = selects_of(text, parameters)

        def find() -> list[StoredRow]:
            rows = self._rows
            return [StoredRow(rows[key], rows[key].metadata["etag"]) for key in sorted(rows) if selects(rows[key])]

        return Found(lambda: self._through("query", find), min(results_per_page, MOST_IN_A_PAGE))

    def create_entity(self, row: Row) -> Row:
        return self._through("insert", lambda: self._apply([("create", row)])[0])

    def upsert_entity(self, row: Row, mode: Any) -> Row:
        return self._through("put", lambda: self._apply([("upsert", row, {"mode": mode})])[0])

    def update_entity(self, row: Row, mode: Any, etag: str, match_condition: Any) -> Row:
        guard = {"mode": mode, "etag": etag, "match_condition": match_condition}
        return self._through("replace", lambda: self._apply([("update", row, guard)])[0])

    def delete_entity(self, partition_key: str, row_key: str, **guard: Any) -> None:
        row = {"PartitionKey": partition_key, "RowKey": row_key}
        if guard:
            self._through("delete", lambda: self._apply([("delete", row, guard)]))
        else:
            self._through("delete", lambda: self._drop((partition_key, row_key)))

    def submit_transaction(self, operations: Sequence[tuple[Any, ...]]) -> list[Row]:
        def apply() -> list[Row]:
            self._check_batch([operation[1] for operation in operations])
            return self._apply(operations)

        return self._through("commit", apply)

    @property
    def _rows(self) -> dict[Key, StoredRow]:
        if self.name not in self.account.rows:
            raise _error(ResourceNotFoundError, 404, "TableNotFound")
        return self.account.rows[self.name]

    def _through(self, what: str, call: Callable[[], Value]) -> Value:
        return self.account.points.through(f"{what} {self.name}", call)

    def _drop(self, key: Key) -> None:
        """An unguarded delete of a single row: the SDK takes "not there" for done."""
        self._rows.pop(key, None)

    def _apply(self, operations: Sequence[tuple[Any, ...]]) -> list[Row]:
        """Carry out all or none."""
        rows = self._rows
        sent = [(operation[0], json.loads(json.dumps(operation[1])), *operation[2:]) for operation in operations]
        for what, row, *options in sent:
            _check_row(row)
            _guard(what, rows.get(_key(row)), (options or [{}])[0].get("etag"))
        answers: list[Row] = []
        for what, row, *_ in sent:
            if what == "delete":
                del rows[_key(row)]
                answers.append({})
                continue
            rows[_key(row)] = StoredRow(row, self.account.next_etag())
            answers.append({"etag": rows[_key(row)].metadata["etag"]})
        return answers

    @staticmethod
    def _check_batch(rows: Sequence[Row]) -> None:
        keys = [row["RowKey"] for row in rows]
        if len({row["PartitionKey"] for row in rows}) > 1:
            raise _refusal("CommandsInBatchActOnDifferentPartitions")
        if len(keys) > ENTITIES or not keys:
            raise _refusal("InvalidInput")
        if len(set(keys)) < len(keys):
            raise _refusal("InvalidDuplicateRow")
        if len(json.dumps(rows)) > TRANSACTION:
            raise _error(HttpResponseError, 413, "RequestBodyTooLarge")


def _guard(what: str, there: StoredRow | None, etag: str | None) -> None:
    """Whether a row is as its write needs it."""
    if what == "create" and there is not None:
        raise _error(ResourceExistsError, 409, "EntityAlreadyExists")
    if what in ("update", "delete"):
        if there is None:
            raise _error(ResourceNotFoundError, 404, "ResourceNotFound")
        if etag and there.metadata["etag"] != etag:
            raise _error(ResourceModifiedError, 412, "UpdateConditionNotSatisfied")


def _check_row(row: Row) -> None:
    """What the service refuses, whatever the row says."""
    for key in _KEYS:
        if not isinstance(row[key], str) or _FORBIDDEN.search(row[key]):
            raise _refusal("InvalidInput")
        if len(row[key].encode("utf-16-le")) > KEY:
            raise _refusal("KeyValueTooLarge")
    sizes = [_size(value) for value in row.values()]
    if max(sizes) > TEXT:
        raise _refusal("PropertyValueTooLarge")
    if len(row) > PROPERTIES:
        raise _refusal("TooManyProperties")
    if sum(sizes) + sum(2 * len(name) for name in row) > ENTITY:
        raise _refusal("EntityTooLarge")


def _refusal(code: str) -> HttpResponseError:
    return _error(HttpResponseError, 400, code)


def _error(kind: type[HttpResponseError], status: int, code: str) -> HttpResponseError:
    error = kind(code)
    error.status_code = status
    return error


def _key(row: Row) -> Key:
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


def selects_of(text: str, parameters: Mapping[str, Any]) -> Selects:
    """An OData filter: comparisons of a column with a text or a parameter, joined by `and`, `or` and parentheses."""
    tokens = _TOKEN.findall(text)
    selects = _either(tokens, parameters)
    assert not tokens, f"not understood: {text}"
    return selects


def _either(tokens: list[str], parameters: Mapping[str, Any]) -> Selects:
    found = [_both(tokens, parameters)]
    while tokens[:1] == ["or"]:
        tokens.pop(0)
        found.append(_both(tokens, parameters))
    return lambda row: any(selects(row) for selects in found)


def _both(tokens: list[str], parameters: Mapping[str, Any]) -> Selects:
    found = [_one(tokens, parameters)]
    while tokens[:1] == ["and"]:
        tokens.pop(0)
        found.append(_one(tokens, parameters))
    return lambda row: all(selects(row) for selects in found)


def _one(tokens: list[str], parameters: Mapping[str, Any]) -> Selects:
    column = tokens.pop(0)
    if column == "(":
        selects = _either(tokens, parameters)
        assert tokens.pop(0) == ")"
        return selects
    compares, operand = _COMPARES[tokens.pop(0)], tokens.pop(0)
    value = parameters[operand[1:]] if operand.startswith("@") else operand[1:-1].replace("''", "'")
    return lambda row: column in row and compares(row[column], value)
