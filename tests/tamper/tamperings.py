"""What somebody can do to a row who can write the tables and has not the key."""

from __future__ import annotations

import re
import uuid
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from azure.data.tables import EdmType, EntityProperty

from shared.ledger.rows import HEAD, HISTORY
from shared.ledger.sealing import SEAL, Sealing
from shared.ledger.tables import partition
from shared.resource_id import parse
from tests.functional.estate import Json
from tests.tamper.kinds import Kind
from tests.tamper.stage import OTHER_KEY, Place, Stage

Tampering = Callable[[Stage, Kind, Place, Json], Place | None]
"""Tampers with the row at a place; answers the place that is not as it was, None where there is nothing to do."""

_TIME = re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_KEYS = ("PartitionKey", "RowKey")
GARBAGE: tuple[Any, ...] = (
    -7, 0.5, True, b"\x00\xff", datetime(2999, 1, 1, tzinfo=UTC), uuid.UUID(int=7), EntityProperty(2**60, EdmType.INT64),
)  # fmt: skip


def changed(stage: Stage, kind: Kind, place: Place, row: Json) -> Place:
    """What somebody wishes for is written into it; its seal stays."""
    stage.put(kind.table, kind.wished(stage, row))
    return place


def copied(stage: Stage, kind: Kind, place: Place, row: Json) -> Place:
    """It lies, seal and all, where it does not belong: at another target, or in the place of another row."""
    if kind.table == "targets":
        to = (place[0], partition(parse(stage.elsewhere.id)), place[2])
    else:
        beside = [p for p in stage.tables if p[:2] == place[:2] and p != place]
        to = beside[0] if beside else (*place[:2], place[2] + "x")
    stage.put(kind.table, {**row, "PartitionKey": to[1], "RowKey": to[2]})
    return to


def deleted(stage: Stage, kind: Kind, place: Place, row: Json) -> Place:
    del kind, row
    stage.delete(place)
    return place


def older(stage: Stage, kind: Kind, place: Place, row: Json) -> Place | None:
    """An earlier version of it is put back, as it was sealed then."""
    versions = [tables[place] for tables in (*stage.earlier, stage.tables) if place in tables]
    different = [version for version in versions if version != row]
    if not different:
        return None
    stage.put(kind.table, different[-1])
    return place


def dated_2999(stage: Stage, kind: Kind, place: Place, row: Json) -> Place | None:
    """Every time in it is far in the future."""
    late = {k: _TIME.sub("2999-01-01T00:00:00.000000Z", v) if isinstance(v, str) else v for k, v in row.items()}
    if late == row:
        return None
    stage.put(kind.table, late)
    return place


def garbage_text(stage: Stage, kind: Kind, place: Place, row: Json) -> Place:
    """Every column is a text that says nothing; the seal is no hexadecimal text either."""
    stage.put(kind.table, {name: value if name in _KEYS else "{é\u2028" for name, value in row.items()} | {SEAL: "é"})
    return place


def garbage_types(stage: Stage, kind: Kind, place: Place, row: Json) -> Place:
    """Every column, the seal too, is of another type."""
    columns = [name for name in row if name not in _KEYS]
    types = {name: GARBAGE[n % len(GARBAGE)] for n, name in enumerate(columns)}
    stage.put(kind.table, {**{name: row[name] for name in _KEYS}, **types, SEAL: 7})
    return place


def garbage_json(stage: Stage, kind: Kind, place: Place, row: Json) -> Place | None:
    """Its JSON is JSON, and nothing that the app has written."""
    texts = {name: '{"requests":7,"at":[]}' for name, value in row.items() if str(value)[:1] in '{["'}
    if not texts:
        return None
    stage.put(kind.table, {**row, **texts})
    return place


def forged(stage: Stage, kind: Kind, place: Place, row: Json) -> Place:
    """Made anew, with a seal under a key that anybody can think of."""
    unsealed = {name: value for name, value in kind.wished(stage, row).items() if name != SEAL}
    stage.put(kind.table, Sealing(bytes(32)).sealed(kind.table, unsealed))
    return place


def unsealed(stage: Stage, kind: Kind, place: Place, row: Json) -> Place:
    """Made anew, without a seal."""
    stage.put(kind.table, {name: value for name, value in kind.wished(stage, row).items() if name != SEAL})
    return place


def under_another_key(stage: Stage, kind: Kind, place: Place, row: Json) -> Place:
    """As it was, sealed by another deployment of the app."""
    bare = {name: value for name, value in row.items() if name != SEAL}
    stage.put(kind.table, Sealing(b64decode(OTHER_KEY)).sealed(kind.table, bare))
    return place


TAMPERINGS: dict[str, Tampering] = {
    "changed": changed,
    "copied": copied,
    "deleted": deleted,
    "older": older,
    "2999": dated_2999,
    "text": garbage_text,
    "types": garbage_types,
    "json": garbage_json,
    "forged": forged,
    "unsealed": unsealed,
    "other key": under_another_key,
}

AUTHENTIC = ("deleted", "older")
"""Tamperings after which every row that is there was once sealed so, in its very place."""


def whole_record(stage: Stage, moment: int | None, *, history: bool) -> None:
    """The target's record is what it was at an earlier moment (None: nothing is left of it), its history too or not."""
    before = {} if moment is None else stage.of(stage.target, stage.earlier[moment])
    now = stage.of(stage.target)
    for place in now.keys() | before.keys():
        if place[2] >= HISTORY and not history:
            continue
        if place in before:
            stage.put("targets", before[place])
        else:
            stage.delete(place)


__all__ = ["AUTHENTIC", "HEAD", "TAMPERINGS", "whole_record"]
