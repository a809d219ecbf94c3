"""The tips of all chains, once a day: one hash over every target's newest decision, kept where nobody can change it.

Whoever can write the tables can put a whole record back as it once was, and its seals still hold: only a hash that was kept
elsewhere shows it. The row goes to the feed (partition `tips|<day>`) and, where the storage account has a container `tips`
(with an immutability policy), as `<day>.json` into it.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError

from shared.ledger.feed import partition_of
from shared.ledger.rows import HEAD, MALFORMED
from shared.ledger.tables import Row, Table, newest_first, pack, timestamp, unpack

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

CONTAINER = "tips"
PAGE = 1000

log = logging.getLogger(__name__)


def root_of(tips: Iterable[str]) -> str:
    """The Merkle root of hashes (hexadecimal, in order): pairs are hashed together until one is left; "" of none."""
    level = [bytes.fromhex(tip) for tip in tips]
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [hashlib.sha256(b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0].hex() if level else ""


class Tips:
    """Takes the tips of all records and keeps their root."""

    def __init__(self, targets: Table, feed: Table, container: Callable[[], ContainerClient]) -> None:
        self._targets = targets
        self._feed = feed
        self._container = container

    def keep(self, now: datetime) -> str:
        """Keep the root of today; answers it. Reads the heads page by page."""
        tips = sorted(self._all())
        root = root_of(tip for _, tip in tips)
        item = {"at": timestamp(now), "targets": len(tips), "root": root}
        row = {"PartitionKey": partition_of("tips", now), "RowKey": newest_first(now)}
        self._feed.put(row | pack("item", item))
        self._beside(now, {**item, "tips": dict(tips)})
        log.info("tips of %d targets: %s", len(tips), root)
        return root

    def _all(self) -> Iterable[tuple[str, str]]:
        for rows in self._targets.pages("RowKey eq @head", PAGE, head=HEAD):
            yield from (pair for row in rows if (pair := _tip(row)) is not None)

    def _beside(self, now: datetime, item: dict[str, Any]) -> None:
        """Into the container, where there is one. What is there already for the day stays as it is."""
        try:
            self._container().upload_blob(f"{now:%Y-%m-%d}.json", json.dumps(item).encode(), overwrite=False)
        except ResourceExistsError:
            return
        except ResourceNotFoundError:
            log.info("no container %r: the tips are in the feed only", CONTAINER)
        except AzureError as error:
            log.warning("the tips were not written to the container %r: %s", CONTAINER, type(error).__name__)


def _tip(row: Row) -> tuple[str, str] | None:
    try:
        tip = (unpack(row, "value") or {}).get("tip") or {}
        return (str(row["PartitionKey"]), str(tip["hash"])) if tip.get("hash") else None
    except MALFORMED:
        return None
