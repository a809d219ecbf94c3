"""Table `policies`: the text of every policy that was in force, by its hash, so that a decision can always be explained.

Partition `policy`, row: the hash. Columns `text` (JSON of the text, in several columns where long) and `firstUsedAt`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import Protocol

from shared.ledger.tables import Row, pack, timestamp, unpack
from shared.policy.rules import Policy

PARTITION = "policy"


class PolicyRows(Protocol):
    """The part of `tables.Table` that is needed."""

    def insert(self, row: Row) -> bool:
        """See `Table.insert`."""
        ...

    def get(self, partition_key: str, row_key: str) -> Row | None:
        """See `Table.get`."""
        ...


class Policies:
    """The table `policies`."""

    def __init__(self, table: PolicyRows, now: Callable[[], datetime]) -> None:
        self._table = table
        self._now = now
        self._kept: set[str] = set()
        self._lock = Lock()

    def keep(self, policy: Policy) -> None:
        """Store a policy's text before anything rests on it; once for each text in a process. Raises `ApproverError`."""
        with self._lock:
            if policy.hash in self._kept:
                return
        row = {"PartitionKey": PARTITION, "RowKey": policy.hash, "firstUsedAt": timestamp(self._now())}
        self._table.insert(row | pack("text", policy.text))
        with self._lock:
            self._kept.add(policy.hash)

    def text(self, policy_hash: str) -> str | None:
        """The text of a hash; None where it was never in force."""
        row = self._table.get(PARTITION, policy_hash)
        return None if row is None else str(unpack(row, "text"))
