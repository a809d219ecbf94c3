"""The timer trigger: on one host at a time, on schedule, with `past_due` for a time that was missed.

Copied from the behaviour of Microsoft.Azure.WebJobs.Extensions.Timers (TimerListener, ScheduleMonitor): the status of a
monitored timer is kept in a blob, so that a host that starts late runs a missed time once, at once.
"""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta

from azure.core.exceptions import AzureError

from local.host.bindings import Function
from local.host.invocations import Invoker
from local.host.protos import TypedData
from local.host.schedule import Schedule
from local.host.singleton import ScheduleStatus, TimerBlobs, TimerLease
from local.host.storage import reason

_log = logging.getLogger(__name__)
_LONGEST_SLEEP = timedelta(minutes=1)  # the machine's clock may be set


class TimerListener:
    """Fires one timer function."""

    def __init__(
        self, function: Function, schedule: Schedule, blobs: TimerBlobs, invoker: Invoker, *, lease_seconds: float
    ) -> None:
        """`lease_seconds`: 60 in Azure."""
        self._function = function
        self._schedule = schedule
        self._blobs = blobs
        self._lease = TimerLease(blobs, lease_seconds)
        self._invoker = invoker
        self._run_on_startup = bool(function.trigger.properties.get("runOnStartup", False))
        use_monitor = function.trigger.properties.get("useMonitor", True)
        self._monitored = use_monitor is not False and schedule.is_monitored(datetime.now(UTC))
        self._status: ScheduleStatus | None = None
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Fire no more; `run` ends, a run in progress is finished by the invoker."""
        self._stopping.set()

    async def run(self) -> None:
        """Fire on schedule whenever this host has the lease, until stopped."""
        while await self._lease.acquire(self._stopping):
            parts = [asyncio.create_task(work) for work in (self._lease.keep(), self._tick(), self._stopping.wait())]
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
            await self._lease.release()
            for part in done:
                part.result()

    async def fire(self, *, past_due: bool = False, by_hand: bool = False) -> None:
        """Run the function once."""
        why = (
            "This function was programmatically called via the host APIs."
            if by_hand
            else f"Timer fired at {datetime.now(UTC).isoformat()}"
        )
        timer = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": self._status.to_json() if self._status else None,
            "IsPastDue": past_due,
        }
        details = f"UnscheduledInvocationReason: IsPastDue, OriginalSchedule: {self._due()}" if past_due else ""
        await self._invoker.run(self._function, TypedData(json=json.dumps(timer)), reason=why, details=details)

    async def _tick(self) -> None:
        now = datetime.now(UTC)
        missed = await self._missed(now)
        if missed:
            _log.info("Function '%s' is past due on startup. Executing now.", self._function.name)
            await self._fire_scheduled(now, past_due=True)
        elif self._run_on_startup:
            _log.info("Function '%s' is configured to run on startup. Executing now.", self._function.name)
            await self._fire_scheduled(now, past_due=False)
        due = self._schedule.after(datetime.now(UTC))
        self._announce(due)
        while True:
            while (remaining := due - datetime.now(UTC)) > timedelta():
                await asyncio.sleep(min(remaining, _LONGEST_SLEEP).total_seconds())
            await self._fire_scheduled(due, past_due=False)
            due = self._schedule.after(max(due, datetime.now(UTC)))

    def _announce(self, due: datetime) -> None:
        times = [due]
        while len(times) < 5:
            times.append(self._schedule.after(times[-1]))
        lines = "\n".join(time.strftime("%m/%d/%Y %H:%M:%SZ") for time in times)
        name, text = self._function.name, self._schedule.text
        _log.info("The next 5 occurrences of the '%s' schedule (%s) will be:\n%s", name, text, lines)

    async def _missed(self, now: datetime) -> bool:
        """Whether the stored status says that a time has passed; keeps the status, a new one if the schedule changed."""
        if not self._monitored:
            return False
        try:
            status = await self._blobs.read_status()
            if status is None or status.next != self._schedule.after(status.last or status.updated):
                status = ScheduleStatus(status.last if status else None, self._schedule.after(now), now)
                await self._blobs.write_status(status)
        except AzureError as error:
            _log.warning("The status of the timer '%s' could not be read: %s", self._function.name, reason(error))
            return False
        self._status = status
        return status.next < now

    async def _fire_scheduled(self, due: datetime, *, past_due: bool) -> None:
        await asyncio.shield(self._invoker.start(self._fire_and_record(due, past_due=past_due)))

    async def _fire_and_record(self, due: datetime, *, past_due: bool) -> None:
        await self.fire(past_due=past_due)
        if not self._monitored:
            return
        self._status = ScheduleStatus(due, self._schedule.after(due), datetime.now(UTC))
        try:
            await self._blobs.write_status(self._status)
        except AzureError as error:
            _log.warning("The status of the timer '%s' could not be written: %s", self._function.name, reason(error))

    def _due(self) -> str:
        return self._status.next.isoformat() if self._status else ""
