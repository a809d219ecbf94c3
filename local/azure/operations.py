"""Long-running operations: started by a provider, ended by the clock, read in each provider's own form."""

from __future__ import annotations

import uuid

from local.azure.clock import Clock
from local.azure.events import Events
from local.azure.router import Call
from local.azure.state import Operation, State
from local.azure.wire import AzureError, Json

_KEPT_SECONDS = 86400


class Operations:
    """Starts and ends operations; the providers say what the end does and what an operation's URL looks like."""

    def __init__(self, state: State, clock: Clock, events: Events) -> None:
        self._state = state
        self._clock = clock
        self._events = events
        clock.on("operation.end", self._end)
        clock.on("operation.forget", self._forget)

    def start(self, call: Call, seconds: float, *then: str, working: str = "InProgress", name: str = "") -> Operation:
        """Begin an operation that takes that many of Azure's seconds; at its end the job `then` runs.

        The resource event of the call is published at the end too (ARM publishes the success of a 202 then). `name` is its
        id where a provider has no id of its own for operations; a later one of the same name takes its place.
        """
        operation = Operation(
            id=name or str(uuid.uuid4()),
            resource=call.id,
            action=call.route.permission(call.method),
            caller=call.caller.object_id,
            started_at=self._clock.stamp(),
            status=working,
            then=list(then),
        )
        self._state.operations[operation.id] = operation
        self._clock.after(seconds, "operation.end", operation.id, operation.started_at)
        return operation

    def get(self, operation_id: str) -> Operation:
        """An operation by its id.

        Raises:
            AzureError: 404, there is none.
        """
        operation = self._state.operations.get(operation_id)
        if operation is None:
            raise AzureError(404, "OperationNotFound", f"The operation '{operation_id[:64]}' was not found.")
        return operation

    def _end(self, operation_id: str, started_at: str) -> None:
        operation = self._state.operations.get(operation_id)
        if operation is None or operation.started_at != started_at:
            return
        operation.status = "Succeeded"
        operation.ended_at = self._clock.stamp()
        if operation.then:
            self._clock.after(0, *operation.then)
        self._events.arm_success(operation.resource, operation.action, operation.caller, operation.id)
        self._clock.after(_KEPT_SECONDS, "operation.forget", operation_id, started_at)

    def _forget(self, operation_id: str, started_at: str) -> None:
        operation = self._state.operations.get(operation_id)
        if operation is not None and operation.started_at == started_at:
            del self._state.operations[operation_id]


def status_body(operation: Operation, name: str | None = None) -> Json:
    """An operation as most providers show it: id, name, status, startTime, and endTime when it has ended."""
    body: Json = {"name": name or operation.id, "status": operation.status, "startTime": operation.started_at}
    if operation.ended_at:
        body["endTime"] = operation.ended_at
    if operation.error:
        body["error"] = operation.error
    return body
