"""The host's HTTP front end: functions' routes, the Event Grid webhook, `/admin`, and a page that says that it runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from aiohttp import web

from local.host import http_trigger
from local.host.bindings import Function
from local.host.event_grid import EventGridWebhook
from local.host.invocations import Invoker
from local.host.keys import Keys
from local.host.routes import Route, find

_LARGEST_BODY = 100 * 1024 * 1024  # the limit of Azure Functions
_PAGE = "<!doctype html><title>Functions</title><h1>Your Functions 4.0 app is up and running</h1>\n"
RunByHand = Callable[[Function, str], Coroutine[Any, Any, None]]


class FrontEnd:
    """Routes requests; one for each host."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        routes: list[Route],
        invoker: Invoker,
        *,
        prefix: str,
        host_id: str,
        keys: Keys,
        run_by_hand: RunByHand,
    ) -> None:
        """`run_by_hand` runs a function with the `input` of `/admin/functions/NAME`."""
        self._functions = {name.lower(): function for name, function in functions.items()}
        self._routes = routes
        self._invoker = invoker
        self._prefix = f"/{prefix}" if prefix else ""
        self._host_id = host_id
        self._keys = keys
        self._run_by_hand = run_by_hand
        self._webhook = EventGridWebhook(functions, invoker)
        self._runner: web.AppRunner | None = None

    async def start(self, port: int) -> int:
        """Listen on loopback; answers the port, a free one for 0. Raises OSError when the port is taken."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_get("/admin/host/status", self._status, allow_head=False)
        app.router.add_get("/admin/functions", self._list, allow_head=False)
        app.router.add_post("/admin/functions/{name}", self._run_function)
        app.router.add_route("*", "/runtime/webhooks/eventgrid", self._event_grid)
        app.router.add_route("*", "/{path:.*}", self._function)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        listening: int = self._runner.addresses[0][1]
        return listening

    async def stop_listening(self) -> None:
        """Take no new connections; requests being served are finished by the invoker."""
        if self._runner is not None:
            for site in list(self._runner.sites):
                await site.stop()

    async def stop(self) -> None:
        """Close the connections."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _function(self, request: web.Request) -> web.StreamResponse:
        path = request.rel_url.raw_path
        match = None
        if path.lower().startswith(f"{self._prefix}/".lower()):
            match = find(self._routes, request.method, path[len(self._prefix) :])
        if match is None:
            return web.Response(text=_PAGE, content_type="text/html") if path == "/" else web.Response(status=404)
        if not self._keys.may_call(request, match.function):
            return web.Response(status=401)
        return await asyncio.shield(self._invoker.start(http_trigger.answer(request, match, self._invoker)))

    async def _event_grid(self, request: web.Request) -> web.StreamResponse:
        if request.method != "OPTIONS" and not self._keys.may_send_events(request):
            return web.Response(status=401)
        if request.method not in {"POST", "OPTIONS"}:
            return web.Response(status=404)
        return await self._webhook.answer(request)

    async def _run_function(self, request: web.Request) -> web.StreamResponse:
        if not self._keys.may_administer(request):
            return web.Response(status=401)
        function = self._functions.get(request.match_info["name"].lower())
        if function is None:
            return web.Response(status=404)
        try:
            text = _input(await request.read())
        except ValueError as error:
            return web.Response(status=400, text=f'the body must be {{"input": "..."}}: {error}')
        self._invoker.start(self._run_by_hand(function, text))
        return web.Response(status=202)

    async def _status(self, request: web.Request) -> web.StreamResponse:
        if not self._keys.may_administer(request):
            return web.Response(status=401)
        return web.json_response({"id": self._host_id, "state": "Running", "version": "4.0.0-local"})

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if not self._keys.may_administer(request):
            return web.Response(status=401)
        return web.json_response([self._describe(request, function) for function in self._functions.values()])

    def _describe(self, request: web.Request, function: Function) -> dict[str, Any]:
        path = next((route.template for route in self._routes if route.function is function), None)
        url = None if path is None else f"{request.url.origin()}{self._prefix}/{path}"
        return {
            "name": function.name,
            "config": {"name": function.name, "language": "python", "bindings": list(function.raw)},
            "isDisabled": False,
            "invoke_url_template": url,
            "trigger": function.kind.value,
        }


def _input(body: bytes) -> str:
    """The `input` of `/admin/functions/NAME` as text; "" without a body."""
    content = json.loads(body) if body.strip() else {}
    if not isinstance(content, dict):
        raise ValueError("not an object")  # noqa: TRY004 - one error for every malformed body
    value = content.get("input") or ""
    return value if isinstance(value, str) else json.dumps(value)


def function_urls(routes: list[Route], base: str, prefix: str) -> dict[str, str]:
    """What to print for each HTTP function: `[GET,POST] http://localhost:7071/api/route`."""
    path = f"{base}/{prefix}" if prefix else base
    return {
        route.function.name: f"[{','.join(sorted(route.methods)) or 'ALL'}] {path}/{route.template}" for route in routes
    }
