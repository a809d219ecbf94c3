"""NCRONTAB and time spans."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local.host.schedule import ScheduleError, parse_schedule

SATURDAY = datetime(2026, 11, 21, 20, 57, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("*/2 * * * * *", "2026-11-21T20:57:32"),
        ("0 */5 * * * *", "2026-11-21T21:00:00"),
        ("15 5/20 * * * *", "2026-11-21T21:05:15"),
        ("0 30 9 * * Mon-Fri", "2026-11-23T09:30:00"),
        ("0 0 9 * * 0", "2026-11-22T09:00:00"),
        ("0 0 0 1 Jan *", "2027-01-01T00:00:00"),
        ("*/5 * * * *", "2026-11-21T21:00:00"),
        ("00:10:00", "2026-11-21T21:07:30"),
        ("1.00:00:00", "2026-11-22T20:57:30"),
    ],
)
def test_the_first_time_after_a_moment(text: str, due: str) -> None:
    assert parse_schedule(text).after(SATURDAY).isoformat() == f"{due}+00:00"


def test_a_day_of_the_month_and_a_day_of_the_week_must_both_match() -> None:
    friday_13th = parse_schedule("0 0 0 13 * 5").after(SATURDAY)
    assert (friday_13th.day, friday_13th.strftime("%A")) == (13, "Friday")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "x",
            "@daily",
            "00:00:00",
            "25:00:00",
            "* * *",
            "* * * * * * *",
            "60 * * * * *",
            "0 0 0 0 * *",
            "0 0 0 L * *",
        ),
        *("0 0 0 * * 7", "0 0 0 * * Mond", "0/0 * * * * *", "1-2-3 * * * * *", "? * * * * *"),
    ],
)
def test_what_functions_does_not_understand_is_refused(text: str) -> None:
    with pytest.raises(ScheduleError, match="The schedule expression"):
        parse_schedule(text)


@pytest.mark.parametrize(("text", "monitored"), [("*/30 * * * * *", False), ("0 * * * * *", True), ("00:00:59", False)])
def test_only_times_a_minute_apart_are_made_good(text: str, monitored: bool) -> None:
    assert parse_schedule(text).is_monitored(SATURDAY) is monitored
