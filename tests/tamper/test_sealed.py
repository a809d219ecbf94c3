"""The tamper matrix, with LEDGER_KEY: every kind of row x everything that somebody can do to it who has not the key.

Nothing is approved, opened, written or asked that would not have been otherwise; other targets go on; nothing dies; `verify`
names the place; where a target is held, `ReviewFailed` names the row. The table is printed by

    .venv/bin/python -m pytest tests/tamper/test_sealed.py -n 0 -s
"""

from __future__ import annotations

import pytest

from shared.alerts.conditions import one_line
from shared.ledger.records import MEMBERS
from tests.tamper.kinds import KINDS, Kind
from tests.tamper.playing import nothing_gained, others_go_on, play
from tests.tamper.stage import Stage
from tests.tamper.tamperings import AUTHENTIC, TAMPERINGS
from tests.tamper.told import Told

CASES = [(kind, name) for kind in KINDS for name in TAMPERINGS]
FAST = {("head", "forged"), ("spent", "deleted"), ("request", "text"), ("firewall", "older"), ("restore in head", "changed"),
        ("unfinished", "changed"), ("tenant", "forged"), ("history", "changed")}  # fmt: skip


def cases() -> list[object]:
    """All of them; in `make test` some that stand for the rest."""
    return [
        pytest.param(kind, name, id=f"{kind}-{name}", marks=() if (kind.name, name) in FAST else pytest.mark.long)
        for kind, name in CASES
    ]


@pytest.mark.parametrize(("kind", "tampering"), cases())
def test_who_writes_the_tables_without_the_key_gains_nothing(
    kind: Kind, tampering: str, stage: Stage, told: Told
) -> None:
    if kind.restoring:
        stage.begin_restore()
    place = kind.place(stage)
    row = stage.rows()[place]
    tampered = TAMPERINGS[tampering](stage, kind, place, row)
    if tampered is None:
        told.add(kind, tampering, "-")
        return
    now = stage.rows()
    whole_again = tampering == "older" and now[place].get(MEMBERS, 0) == row.get(MEMBERS)
    whole_again |= tampering == "deleted" and not any(one[:2] == place[:2] for one in now)  # see test_whole_record

    seen = play(stage)

    others_go_on(seen)
    nothing_gained(seen)
    named = tampered[2] in seen.said and seen.verified == 1
    assert named or tampering in AUTHENTIC
    if kind.table == "targets" and not whole_again:
        assert seen.verified == 1, "verify says that all is well"
    held = stage.elsewhere if tampering == "copied" else stage.target
    subject = "policy" if kind.name == "policy's head" and tampering != "copied" else held.id
    failed = seen.failed(subject)
    if kind.of_record and not whole_again:
        assert len(failed) == 1, "who is held is told once"
        assert one_line(tampered[2]) in failed[0] or tampering in AUTHENTIC
    elif not kind.of_record:
        assert failed == []
    told.add(kind, tampering, " ".join(["held"] * bool(failed) + ["named"] * (seen.verified == 1)) or "harmless")
