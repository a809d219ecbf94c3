"""A whole record that is taken away, or put back as it once was: every seal holds, and all its rows agree."""

from __future__ import annotations

import pytest

from tests.tamper.playing import nothing_gained, others_go_on, play
from tests.tamper.stage import Stage
from tests.tamper.tamperings import whole_record

MOMENTS = {
    "nothing": None,
    "before its first approval": 0,
    "before ours": 1,
    "before the copy": 2,
    "before the last": 3,
}


@pytest.mark.parametrize("history", [False, True], ids=["its decisions stay", "its decisions too"])
@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_a_record_that_is_put_back_as_it_once_was_gains_nobody_anything(
    moment: int | None, history: bool, stage: Stage
) -> None:
    whole_record(stage, moment, history=history)

    seen = play(stage)

    others_go_on(seen)
    nothing_gained(seen)
    assert history or seen.verified == 1
