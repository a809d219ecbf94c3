"""The local Azure as one HTTPS server: every service under one address, told apart by the path."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import trustme
from aiohttp import ClientSession, web

from local.azure import graph, identity, providers
from local.azure.arm import Arm
from local.azure.azurite import Azurite
from local.azure.calls import Calls
from local.azure.cloud import Cloud, Options
from local.azure.control import Control
from local.azure.faults import Fault, Faults
from local.azure.topic import Topics
from local.azure.wire import Answer, AzureError, Request

log = logging.getLogger(__name__)
_MAX_BODY = 64 * 1024 * 1024
_TOPIC = "alerts"
_STOP_SECONDS = 2


class LocalAzure:
    """`async with LocalAzure(Options(...)) as azure:` serves until the block ends; `azure.settings` is for the app."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.cloud = Cloud(self.options)
        providers.register(self.cloud)
        self.calls, self.faults = Calls(), Faults()
        self.topics = Topics(self.cloud.clock)
        self.arm = Arm(self.cloud)
        self.control = Control(self.cloud, self.calls, self.faults, self.topics, graph.register(self.cloud))
        self.settings: dict[str, str] = {}
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="local-azure-")))
            azurite = Azurite(self.options.state_dir) if self.options.azurite else None
            if azurite:
                stack.push_async_callback(azurite.stop)
                await azurite.start()
            await self._serve(stack, folder)
            if azurite:
                await azurite.ready()
            self.settings = self._settings(folder, azurite)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _serve(self, stack: contextlib.AsyncExitStack, folder: Path) -> None:
        """Listen and run; at the end first stop to listen, then to run, and save last."""
        context = _certificate(folder)
        listener = socket.create_server(("127.0.0.1", self.options.port), backlog=512)
        stack.callback(listener.close)
        self.cloud.url = f"https://localhost:{listener.getsockname()[1]}"
        if self.options.state_dir:
            await stack.enter_async_context(_kept(self.cloud, Path(self.options.state_dir)))
        self.cloud.clock.start()
        stack.callback(self.cloud.clock.stop)
        await self.cloud.deliveries.start()
        stack.push_async_callback(self.cloud.deliveries.stop)
        server = web.Server(self._handle, request_factory=_request, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=_STOP_SECONDS)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listener, ssl_context=context).start()

    async def _handle(self, raw: web.BaseRequest) -> web.StreamResponse:
        content = await raw.read() if raw.can_read_body else b""
        query = {name.lower(): value for name, value in raw.query.items()}
        request = Request(raw.method, raw.path, query, raw.headers, content)
        service = self._service(request)
        control = request.path.startswith("/local/")
        for url in () if control else self.faults.callbacks(request.method, request.path):
            async with ClientSession() as session, session.post(url) as told:
                await told.read()
        fault = None if control else self.faults.take(request.method, request.path)
        if fault is None:
            answer = self._answer(request, service)
        else:
            answer = await self._misbehave(request, service, fault)
        if service == self.arm.answer or service in self.cloud.data_planes.values():
            self._note(request, answer)
        if answer.status == 0:
            if raw.transport:
                raw.transport.abort()
            raise asyncio.CancelledError
        return _response(answer)

    def _answer(self, request: Request, service: Callable[[Request], Answer]) -> Answer:
        try:
            return service(request)
        except AzureError as error:
            return error.answer
        except Exception:
            log.exception("%s %s", request.method, request.path)
            text = "The local Azure has failed; its log says where."
            return Answer(500, {"error": {"code": "InternalServerError", "message": text}})

    async def _misbehave(self, request: Request, service: Callable[[Request], Answer], fault: Fault) -> Answer:
        if fault.delay_seconds:
            await asyncio.sleep(fault.delay_seconds)
        if fault.when == "drop":
            return Answer(0)
        if fault.when == "before" and fault.status:
            return fault.answer()
        real = self._answer(request, service)
        if fault.when == "dropAfter":
            return Answer(0)
        return fault.answer() if fault.status else real

    def _service(self, request: Request) -> Callable[[Request], Answer]:
        """Which service a path belongs to."""
        _, first, *rest = request.path.split("/") if request.path.count("/") else ("", "")
        if first in ("subscriptions", "providers", "tenants"):
            return self.arm.answer
        found = self._services().get(first) or self.cloud.data_planes.get(first)
        if found is not None:
            return found
        if rest[:1] == ["oauth2"] and rest[-1] == "token":
            return lambda r: self.cloud.identity.login(r, first)
        if ".well-known" in rest:
            return lambda _: identity.discovery(self.cloud.url, first)
        return self.arm.answer

    def _services(self) -> dict[str, Callable[[Request], Answer]]:
        return {
            "local": self.control.answer,
            "identity": self.cloud.identity.managed_identity,
            "metadata": lambda _: identity.metadata(self.cloud.url),
            "topics": lambda r: self.topics.publish(r, r.path.split("/")[2]),
            "eventgrid": self._consent,
        }

    def _consent(self, request: Request) -> Answer:
        if self.cloud.consent(request.query.get("id", ""), request.query.get("code", "")):
            return Answer(200, "Webhook successfully validated as a subscription endpoint.")
        raise AzureError(404, "NotFound", "The validation URL is not (or no longer) valid.")

    def _note(self, request: Request, answer: Answer) -> None:
        caller = self.arm.caller(request)
        tenant, principal = (caller.tenant, caller.object_id) if caller else ("", "")
        self.calls.add(request, answer.status, tenant, principal, self.cloud.clock.stamp())

    def _settings(self, folder: Path, azurite: Azurite | None) -> dict[str, str]:
        """What an app needs to use this Azure instead of the real one."""
        url = self.cloud.url
        settings = {"AzureWebJobsStorage": azurite.connection_string} if azurite else {}
        return settings | {
            "ARM_ENDPOINT": url,
            "ARM_AUDIENCE": "https://management.azure.com",
            "SYNAPSE_ENDPOINT": f"{url}/synapse/{{workspace}}",
            "ALERT_TOPIC_ENDPOINT": f"{url}/topics/{_TOPIC}/api/events",
            "ALERT_TOPIC_KEY": self.topics.key,
            "IDENTITY_ENDPOINT": f"{url}/identity/token",
            "IDENTITY_HEADER": self.cloud.identity.header,
            "SSL_CERT_FILE": str(folder / "ca.pem"),
            "REQUESTS_CA_BUNDLE": str(folder / "ca.pem"),
        }


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: asyncio.Task[None]) -> web.BaseRequest:
    """As aiohttp makes requests, with room for a whole snapshot."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=_MAX_BODY)


def _certificate(folder: Path) -> ssl.SSLContext:
    """A certificate for localhost by a private CA, whose own certificate goes into the folder."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1", "::1").configure_cert(context)
    return context


def _response(answer: Answer) -> web.Response:
    if answer.body is None:
        return web.Response(status=answer.status, headers=answer.headers)
    content = json.dumps(answer.body, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", **answer.headers}
    return web.Response(status=answer.status, body=content, headers=headers)


@contextlib.asynccontextmanager
async def _kept(cloud: Cloud, folder: Path) -> AsyncIterator[None]:
    """State that survives a restart: loaded now, saved every few seconds and at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "azure.json"
    if file.exists():
        cloud.load(json.loads(file.read_text("utf-8")))
    saving = asyncio.get_running_loop().create_task(_save_often(cloud, file))
    try:
        yield
    finally:
        saving.cancel()
        _save(file, cloud.snapshot())


async def _save_often(cloud: Cloud, file: Path) -> None:
    while True:
        await asyncio.sleep(5)
        _save(file, cloud.snapshot())


def _save(file: Path, snapshot: dict[str, Any]) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(snapshot), "utf-8")
    fresh.replace(file)
