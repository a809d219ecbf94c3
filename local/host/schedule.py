"""When a timer is due: NCRONTAB expressions of six (or five) fields, and `hh:mm:ss` intervals.

NCRONTAB differs from cron: the seconds come first, Sunday is only 0, and where both a day of the month and a day of the
week are given, both must match. Times are UTC, as in Azure without WEBSITE_TIME_ZONE.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from croniter import croniter

from local.host.host_json import timespan_seconds

_PART = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/[1-9]\d*)?\Z")
_RANGES = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_NAMES = ("", "", "", "", "jan feb mar apr may jun jul aug sep oct nov dec", "sun mon tue wed thu fri sat")


class ScheduleError(Exception):
    """A timer's schedule is neither NCRONTAB nor a time span."""


@dataclass(frozen=True)
class Schedule:
    """A valid schedule: `cron` with six fields, or `interval`."""

    text: str
    cron: str | None = None
    interval: timedelta = timedelta()

    def after(self, moment: datetime) -> datetime:
        """The first time that is due after `moment`."""
        if self.cron is None:
            return moment + self.interval
        due: datetime = croniter(self.cron, moment, second_at_beginning=True, day_or=False).get_next(datetime)
        return due

    def is_monitored(self, moment: datetime) -> bool:
        """Whether missed times can be made good: only with a minute or more between two times, as in Azure."""
        first = self.after(moment)
        return self.after(first) - first >= timedelta(minutes=1)


def parse_schedule(text: str) -> Schedule:
    """Read a schedule.

    Raises:
        ScheduleError: it is neither a cron expression of five or six fields nor a time span.
    """
    try:
        interval = timedelta(seconds=timespan_seconds(text))
    except ValueError:
        return Schedule(text, cron=_cron(text))
    if interval <= timedelta():
        raise ScheduleError(f"The schedule expression '{text}' is no time at all.")
    return Schedule(text, interval=interval)


def _cron(text: str) -> str:
    fields = text.split()
    if len(fields) == 5:
        fields.insert(0, "0")
    cron = " ".join(fields)
    valid = len(fields) == 6 and all(map(_is_valid, fields, _RANGES, _NAMES))
    if not valid or not croniter.is_valid(cron, second_at_beginning=True):
        raise ScheduleError(f"The schedule expression '{text}' was not recognized as a cron expression or time span.")
    return cron


def _is_valid(field: str, bounds: tuple[int, int], names: str) -> bool:
    """Whether every part of a field is `*`, a value or a range of what the field allows, with or without a step."""
    for part in field.lower().split(","):
        found = _PART.match(part)
        if found is None:
            return False
        for value in filter(None, (found["first"], found["last"])):
            in_range = value.isdecimal() and bounds[0] <= int(value) <= bounds[1]
            if not in_range and value not in names.split():
                return False
    return True
