"""The command line, and that the kinds of review can be played on the product as it is."""

from __future__ import annotations

import json

import pytest

from bench import operations
from bench.__main__ import main
from bench.figure import Figure, line
from bench.rate import rate_of


def test_a_benchmark_that_is_not_there_ends_with_the_names_of_those_that_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["speed"])

    assert ended.value.code == 2
    assert "there are policy, cold_start, operations, approval, rate" in capsys.readouterr().err


def test_a_line_tells_the_machines_load_beside_the_figure() -> None:
    shown = json.loads(line(Figure("approval", 0.2, "s", 20)))

    assert {**shown, "load": 0, "python": ""} == {
        "name": "approval", "value": 0.2, "unit": "s", "samples": 20, "load": 0, "python": "",
    }  # fmt: skip
    assert shown["load"] >= 0


def test_a_rate_counts_the_steps_between_the_first_and_the_last_moment() -> None:
    assert rate_of([12.0, 10.0, 11.0]) == 1


@pytest.mark.slow
def test_every_kind_of_review_is_counted() -> None:
    counts = {figure.name: figure.value for figure in operations.run()}

    kinds = {name.removeprefix("storage_operations_per_review: ") for name in counts if name.count(":") == 1}
    assert kinds == {
        "unchanged", "held again", "held first time", "approve people without firewall",
        "approve Data Explorer with firewall", "tighten", "idle sweep",
    }  # fmt: skip
    assert counts["calls_per_review: unchanged: ARM"] == 1  # the list of its connections
    assert counts["calls_per_review: held first time: topic"] == 1
    for kind in kinds:
        parts = [counts[f"storage_operations_per_review: {kind}: {service}"] for service in ("table", "blob", "queue")]
        assert sum(parts) == counts[f"storage_operations_per_review: {kind}"] > 0
