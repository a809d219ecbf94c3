"""Random walks: 200 seeds in `make test`, 5,000 in `make test-long`."""

from __future__ import annotations

import pytest

from tests.review.walk import Walk

TOGETHER = 25
"""Seeds of one test."""


@pytest.mark.parametrize(
    "first",
    [*range(0, 200, TOGETHER), *(pytest.param(n, marks=pytest.mark.long) for n in range(200, 5200, TOGETHER))],
)
def test_whatever_happens_in_whatever_order_ends_well(first: int) -> None:
    for seed in range(first, first + TOGETHER):
        Walk(seed).run()
