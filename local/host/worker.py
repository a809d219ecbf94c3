"""Microsoft's worker code (`azure_functions_runtime`) as the Functions host sees it: load an app, list it, invoke it.

The worker has an event loop in a thread of its own, so that a function that blocks it, as in Azure, stops neither the
renewal of messages and leases nor the HTTP front end. Its registry is global: one app for each process.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import secrets
import sys
import threading
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import azure_functions_runtime as runtime

from local.host import protos

invocation = contextvars.ContextVar[str | None]("invocation", default=None)
T = TypeVar("T")


class AppLoadError(Exception):
    """function_app.py could not be loaded or indexed; the message holds the worker's stack trace."""


@dataclass(frozen=True)
class IndexedFunction:
    """A line of the worker's index; `raw_bindings` are JSON texts."""

    id: str
    name: str
    raw_bindings: Sequence[str]
    has_retry_policy: bool


@dataclass(frozen=True)
class InvocationResult:
    """What the worker answered: `error` is the exception's type and message, None when the function succeeded."""

    return_value: protos.TypedData | None = None
    outputs: Mapping[str, protos.TypedData] = field(default_factory=dict)
    error: str | None = None
    stack: str = ""


class Worker:
    """One function app, loaded once."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="worker", daemon=True)

    async def load(self, root: Path) -> list[IndexedFunction]:
        """Import and index `function_app.py` of `root`; raises AppLoadError."""
        os.chdir(root)
        sys.path.insert(0, str(root))
        self._thread.start()
        runtime.start_threadpool_executor()
        return await self._on_worker(self._index(root))

    async def _index(self, root: Path) -> list[IndexedFunction]:
        request = protos.Message(
            properties={"protos": protos, "host": "127.0.0.1"},
            request=protos.Message(
                worker_init_request=protos.Message(capabilities={}, function_app_directory=str(root))
            ),
        )
        _raise_on_failure(await runtime.worker_init_request(request))
        answer = await runtime.functions_metadata_request(request)
        _raise_on_failure(answer)
        if answer.function_metadata_results is None:
            raise AppLoadError(f"there is no function_app.py in {root}, or it has no functions")
        functions = [
            IndexedFunction(one.function_id, one.name, one.raw_bindings, one.retry_options is not None)
            for one in answer.function_metadata_results
        ]
        for function in functions:
            load = protos.Message(function_load_request=protos.Message(function_id=function.id))
            _raise_on_failure(await runtime.function_load_request(protos.Message(request=load)))
        return functions

    async def invoke(
        self,
        function_id: str,
        invocation_id: str,
        inputs: Mapping[str, protos.TypedData],
        *,
        metadata: Mapping[str, protos.TypedData],
        trace_parent: str | None = None,
    ) -> InvocationResult:
        """Run a function once; its exception is part of the result, never raised."""
        request = protos.Message(
            invocation_id=invocation_id,
            function_id=function_id,
            input_data=[protos.ParameterBinding(name=name, data=data) for name, data in inputs.items()],
            trigger_metadata=metadata,
            trace_context=protos.Message(
                trace_parent=trace_parent or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01",
                trace_state="",
                attributes={},
            ),
            retry_context=protos.Message(retry_count=0, max_retry_count=0, exception=None),
        )
        return await self._on_worker(_invoke(request))

    async def _on_worker(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


async def _invoke(request: protos.Message) -> InvocationResult:
    invocation.set(request.invocation_id)
    answer = await runtime.invocation_request(
        protos.Message(request=protos.Message(invocation_request=request), properties={})
    )
    if answer.result.status == protos.StatusResult.Failure:
        return InvocationResult(error=answer.result.exception.message, stack=answer.result.exception.stack_trace)
    return InvocationResult(answer.return_value, {output.name: output.data for output in answer.output_data})


def _raise_on_failure(answer: protos.Message) -> None:
    if answer.result.status == protos.StatusResult.Failure:
        raise AppLoadError(answer.result.exception.stack_trace or answer.result.exception.message)
