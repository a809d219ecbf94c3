"""When a timer is due: NCRONTAB expressions of six (or five) fields, and `hh:mm:ss` intervals.

NCRONTAB differs from cron: the seconds come first, and where both a day of the month and a day of the week are given, both
must match. Times are UTC, as in Azure without WEBSITE_TIME_ZONE.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from croniter import CroniterBadCronError, croniter

from local.host.host_json import timespan_seconds

_FIELD = re.compile(
    r"(?:\*|[0-9A-Za-z]+(?:-[0-9A-Za-z]+)?)(?:/\d+)?(?:,(?:\*|[0-9A-Za-z]+(?:-[0-9A-Za-z]+)?)(?:/\d+)?)*\Z"
)


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
    try:
        if len(fields) == 6 and all(_FIELD.match(field) for field in fields):
            croniter(cron, second_at_beginning=True, day_or=False)
            return cron
    except CroniterBadCronError:
        pass
    raise ScheduleError(f"The schedule expression '{text}' was not recognized as a valid cron expression or time span.")
