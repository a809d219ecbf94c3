"""The Event Grid trigger's webhook: `/runtime/webhooks/eventgrid?functionName=NAME`.

Copied from the behaviour of Microsoft.Azure.WebJobs.Extensions.EventGrid (HttpRequestProcessor): one run an event, all of
a request in parallel; 202 when all went well, 500 with the first error otherwise. A body that is not JSON, or not made of
objects, is 400 here (the extension's parser throws, which ends as 500).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from local.host.bindings import Function, Trigger
from local.host.invocations import Invoker, Outcome
from local.host.protos import TypedData

_log = logging.getLogger(__name__)


class EventGridWebhook:
    """Answers Event Grid for all functions with its trigger."""

    def __init__(self, functions: Mapping[str, Function], invoker: Invoker) -> None:
        self._functions = {name.lower(): one for name, one in functions.items() if one.kind is Trigger.EVENT_GRID}
        self._invoker = invoker

    async def answer(self, request: web.Request) -> web.Response:
        """The handshake, or the events' runs."""
        if request.method == "OPTIONS":  # CloudEvents webhook validation
            origin = request.headers.get("WebHook-Request-Origin", "eventgrid.azure.net")
            return web.Response(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})
        name = request.query.get("functionName", "")
        function = self._functions.get(name.lower())
        if function is None:
            return web.Response(status=404, text=f"cannot find function: '{name}'")
        kind = request.headers.get("aeg-event-type", "").lower()
        if kind == "unsubscribe":
            return web.Response(status=202)
        if kind not in {"notification", "subscriptionvalidation"}:
            return web.Response(status=400)
        try:
            events = _events(await request.read())
            if kind == "subscriptionvalidation":
                _log.info("perform handshake with eventGrid for function: %s", function.name)
                return web.json_response({"validationResponse": _validation_code(events)})
        except ValueError as error:
            return web.Response(status=400, text=f"the body is not what Event Grid sends: {error}")
        return await self._notify(function, events)

    async def _notify(self, function: Function, events: list[dict[str, Any]]) -> web.Response:
        outcomes = await asyncio.gather(
            *(asyncio.shield(self._invoker.start(self.run(function, one))) for one in events)
        )
        failed = next((outcome.error for outcome in outcomes if outcome.error is not None), None)
        if failed is not None:
            return web.Response(
                status=500, text=f"Exception while executing function: Functions.{function.name}: {failed}"
            )
        return web.Response(status=202)

    async def run(self, function: Function, event: object) -> Outcome:
        """Run the function for one event."""
        reason = f"EventGrid trigger fired at {datetime.now(UTC).isoformat()}"
        return await self._invoker.run(function, TypedData(json=json.dumps(event)), reason=reason)


def _events(body: bytes) -> list[dict[str, Any]]:
    content = json.loads(body)
    events = content if isinstance(content, list) else [content]
    if not all(isinstance(event, dict) for event in events):
        raise ValueError("an event is not an object")
    return events


def _validation_code(events: list[dict[str, Any]]) -> str:
    try:
        data = events[0]["data"]
        return str((json.loads(data) if isinstance(data, str) else data)["validationCode"])
    except (LookupError, TypeError) as error:
        raise ValueError("it has no data.validationCode") from error
