"""The local Functions host: puts its parts together, starts and ends them in order.

Each instance is one host of the app, as in Azure: several may share a storage account and its work.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import dataclass, field
from pathlib import Path

from local.host.bindings import Function, FunctionInError, Trigger, read_function
from local.host.host_json import HostJson
from local.host.invocations import Invoker
from local.host.keys import Keys
from local.host.outputs import QueueOutputs
from local.host.protos import RpcHttp, TypedData
from local.host.queues import QueueListener, Queues
from local.host.routes import Route, read_route
from local.host.schedule import ScheduleError, parse_schedule
from local.host.server import FrontEnd, function_urls
from local.host.settings import Settings
from local.host.singleton import TimerBlobs
from local.host.storage import HOST_STORAGE, ConnectionMissingError, Storage
from local.host.timers import TimerListener
from local.host.worker import IndexedFunction, Worker

_log = logging.getLogger(__name__)
_MESSAGE_INVISIBLE = 600.0  # seconds, fixed in Azure
_TIMER_LEASE = 60.0  # seconds, host.json's singleton.listenerLockPeriod in Azure
_LONGEST_STOP = 10.0  # seconds for running functions to finish


@dataclass(frozen=True)
class Options:
    """How to run: `scale` (0 < scale <= 1) shortens Azure's own long delays, `port` 0 takes a free one."""

    root: Path
    port: int = 7071
    scale: float = 1.0
    enable_auth: bool = False


@dataclass
class _Listeners:
    queues: dict[str, list[QueueListener]] = field(default_factory=dict)
    timers: dict[str, TimerListener] = field(default_factory=dict)

    def all(self) -> list[QueueListener | TimerListener]:
        return [*(one for several in self.queues.values() for one in several), *self.timers.values()]

    def notify(self, queue: str) -> None:
        for listener in self.queues.get(queue, []):
            listener.notify()


class Host:
    """One running host; `start`, then `stop` once."""

    def __init__(self, options: Options, settings: Settings, host_json: HostJson) -> None:
        self._options = options
        self._settings = settings
        self._host_json = host_json
        self._storage = Storage(settings)
        self._worker = Worker()
        self._listeners = _Listeners()
        outputs = QueueOutputs(self._storage, self._listeners.notify, base64_encoded=host_json.queues.base64)
        self._invoker = Invoker(self._worker, outputs.write, host_json.function_timeout)
        self._functions: dict[str, Function] = {}
        self._routes: list[Route] = []
        self._running: list[asyncio.Task[None]] = []
        self._front_end: FrontEnd | None = None
        self._host_id = _host_id(settings, options.root)

    async def start(self) -> int:
        """Load the app, listen, start the triggers; answers the port. Raises AppLoadError or OSError."""
        for key in self._host_json.not_copied:
            _log.warning("host.json: %s is not copied by the local host", key)
        for indexed in await self._worker.load(self._options.root):
            self._add(indexed)
        keys = Keys.make(self._functions.values(), required=self._options.enable_auth)
        self._front_end = FrontEnd(
            self._functions,
            self._routes,
            self._invoker,
            prefix=self._host_json.route_prefix,
            host_id=self._host_id,
            keys=keys,
            run_by_hand=self._run_by_hand,
        )
        port = await self._front_end.start(self._options.port)
        self._announce(port, keys)
        self._running = [asyncio.create_task(listener.run()) for listener in self._listeners.all()]
        _log.info("Host started")
        return port

    async def wait(self) -> None:
        """Return only if a trigger's listener broke; raises what broke it."""
        if not self._running:
            await asyncio.Event().wait()
        done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()

    async def stop(self) -> bool:
        """Take no more work, let running functions finish for at most ten seconds, close everything.

        Answers whether they have finished.
        """
        _log.info("Stopping host...")
        for listener in self._listeners.all():
            listener.stop()
        if self._front_end is not None:
            await self._front_end.stop_listening()
        if self._running:
            await asyncio.wait(self._running, timeout=_LONGEST_STOP)
        finished = await self._invoker.drain(_LONGEST_STOP)
        if self._front_end is not None:
            await self._front_end.stop()
        await self._storage.close()
        _log.info("Host stopped")
        return finished

    def _add(self, indexed: IndexedFunction) -> None:
        if self._settings.is_disabled(indexed.name):
            _log.info("Function '%s' is disabled.", indexed.name)
            return
        try:
            function = read_function(indexed, self._settings)
            self._listen(function)
        except (FunctionInError, ScheduleError, ConnectionMissingError, ValueError) as error:
            _log.error("The '%s' function is in error: %s", indexed.name, error)
            return
        self._functions[function.name] = function

    def _listen(self, function: Function) -> None:
        if function.kind is Trigger.HTTP:
            self._routes.append(read_route(function))
        elif function.kind is Trigger.QUEUE:
            connection, name = function.trigger.text("connection"), function.trigger.text("queueName").lower()
            own = self._storage.queue(connection, name)
            poison = None if name.endswith("-poison") else self._storage.queue(connection, f"{name}-poison")
            listener = QueueListener(
                function,
                Queues(own, poison),
                self._host_json.queues,
                self._invoker,
                invisible=_MESSAGE_INVISIBLE * self._options.scale,
                notify=self._listeners.notify,
            )
            self._listeners.queues.setdefault(name, []).append(listener)
        elif function.kind is Trigger.TIMER:
            self._listeners.timers[function.name] = TimerListener(
                function,
                parse_schedule(function.trigger.text("schedule")),
                TimerBlobs(self._storage.blobs(HOST_STORAGE), self._host_id, function.name),
                self._invoker,
                lease_seconds=_TIMER_LEASE * self._options.scale,
            )

    async def _run_by_hand(self, function: Function, text: str) -> None:
        """`POST /admin/functions/NAME`: run with the given input, whatever comes of it."""
        if function.kind is Trigger.TIMER:
            await self._listeners.timers[function.name].fire(by_hand=True)
            return
        data = TypedData(string=text)
        if function.kind is Trigger.EVENT_GRID:
            data = TypedData(json=text)
        elif function.kind is Trigger.HTTP:
            body = TypedData(bytes=text.encode())
            data = TypedData(http=RpcHttp(method="POST", url="", headers={}, query={}, params={}, body=body))
        await self._invoker.run(function, data, reason="This function was programmatically called via the host APIs.")

    def _announce(self, port: int, keys: Keys) -> None:
        base = f"http://localhost:{port}"
        urls = function_urls(self._routes, base, self._host_json.route_prefix)
        lines = [f"\t{name}: {urls.get(name, function.kind.value)}" for name, function in self._functions.items()]
        _log.info("Functions:\n\n%s\n", "\n\n".join(lines) if lines else "\tnone")
        if keys.required:
            _log.info("Keys:\n%s", "\n".join(f"\t{line}" for line in keys.lines()))
        _log.info("Now listening on: http://127.0.0.1:%d", port)


def _host_id(settings: Settings, root: Path) -> str:
    """The same for all hosts of one app: the setting, the site's name, or the app's folder."""
    given = settings.get("AzureFunctionsWebHost__hostid") or settings.get("WEBSITE_SITE_NAME")
    return (given or f"local-{hashlib.sha256(str(root).encode()).hexdigest()[:16]}").lower()[:32]
