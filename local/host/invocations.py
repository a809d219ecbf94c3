"""One run of a function: log it as the Functions host does, bound its time, write its output bindings.

Decides when a run has failed (an exception, the function timeout, an output that could not be written); what becomes of
the message, event or request is each trigger's business.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from azure.core.exceptions import AzureError

from local.host import logs
from local.host.bindings import Binding, Function
from local.host.protos import TypedData
from local.host.storage import ConnectionMissingError
from local.host.worker import InvocationResult, Worker

_log = logging.getLogger(__name__)
T = TypeVar("T")

WriteOutput = Callable[[Binding, TypedData], Awaitable[None]]


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `error` is None when it succeeded; `http` is the HTTP output, if the function has one."""

    error: str | None = None
    http: TypedData | None = None


class Invoker:
    """Runs functions, and knows what is still running so that the host can end in good order."""

    def __init__(self, worker: Worker, write_output: WriteOutput, timeout: float | None) -> None:
        """`timeout` in seconds; `write_output` sends the value of a binding that is not HTTP."""
        self._worker = worker
        self._write_output = write_output
        self._timeout = timeout
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start work that the host finishes before it ends, even if whoever waits for it goes away."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drain(self, seconds: float) -> bool:
        """Wait until everything started has finished, at most so long; answers whether it has."""
        if not self._tasks:
            return True
        _, unfinished = await asyncio.wait(self._tasks, timeout=seconds)
        if unfinished:
            _log.warning("%d executions were still running when the host ended", len(unfinished))
        return not unfinished

    async def run(
        self,
        function: Function,
        data: TypedData,
        *,
        reason: str,
        details: str = "",
        metadata: Mapping[str, TypedData] | None = None,
        trace_parent: str | None = None,
    ) -> Outcome:
        """Run a function once with its trigger's data; never raises for what the function did."""
        invocation_id = str(uuid.uuid4())
        category = {"category": f"Function.{function.name}"}
        _log.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, reason, invocation_id, extra=category)
        if details:
            _log.info("Trigger Details: %s", details, extra=category)
        logs.running[invocation_id] = function.name
        started = time.monotonic()
        try:
            result = await asyncio.wait_for(
                self._worker.invoke(
                    function.id,
                    invocation_id,
                    {function.trigger.name: data},
                    metadata=metadata or {},
                    trace_parent=trace_parent,
                ),
                self._timeout,
            )
        except TimeoutError:
            result = InvocationResult(error=f"Timeout value of {self._timeout:g} s exceeded by the function")
        finally:
            del logs.running[invocation_id]
        outcome = await self._outcome(function, result)
        _log_end(function, invocation_id, time.monotonic() - started, outcome.error, result.stack)
        return outcome

    async def _outcome(self, function: Function, result: InvocationResult) -> Outcome:
        if result.error is not None:
            return Outcome(result.error)
        values = dict(result.outputs)
        if result.return_value is not None:
            values["$return"] = result.return_value
        http: TypedData | None = None
        for binding in function.outputs:
            value = values.get(binding.name)
            if value is None:
                continue
            if binding.type == "http":
                http = value
                continue
            try:
                await self._write_output(binding, value)
            except (AzureError, ConnectionMissingError, ValueError) as error:
                return Outcome(f"the output binding '{binding.name}' could not be written: {error}")
        return Outcome(http=http)


def _log_end(function: Function, invocation_id: str, seconds: float, error: str | None, stack: str) -> None:
    _log.log(
        logging.INFO if error is None else logging.ERROR,
        "Executed 'Functions.%s' (%s, Id=%s, Duration=%dms)%s",
        function.name,
        "Succeeded" if error is None else "Failed",
        invocation_id,
        round(seconds * 1000),
        "" if error is None else f"\nException: {error}\n{stack}".rstrip(),
        extra={"category": f"Function.{function.name}"},
    )
