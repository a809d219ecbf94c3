"""`python -m local host`: the command line of the local Functions host."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import threading
from pathlib import Path

from local.host import logs
from local.host.host import Host, Options
from local.host.host_json import HostJsonError, read_host_json
from local.host.settings import SettingsError, read_settings
from local.host.worker import AppLoadError


def main(arguments: list[str]) -> int:
    """Run the host until Ctrl-C or SIGTERM; answers 0, or 1 when it could not start."""
    chosen = _parser().parse_args(arguments)
    root = chosen.root.resolve()
    if chosen.lifeline:
        threading.Thread(target=_end_with_parent, name="lifeline", daemon=True).start()
    try:
        settings = read_settings(os.environ, None if chosen.environment_only else root / "local.settings.json")
        os.environ.update(settings.values)
        host_json = read_host_json(root / "host.json", settings.values)
    except (SettingsError, HostJsonError) as error:
        print(error, file=sys.stderr)
        return 1
    logs.configure(host_json.log_levels, debug=settings.get("PYTHON_ENABLE_DEBUG_LOGGING") == "1")
    options = Options(root, chosen.port, min(chosen.time_scale, 1 / chosen.time_scale), chosen.enable_auth)
    try:
        finished = asyncio.run(_serve(Host(options, settings, host_json)))
    except AppLoadError as error:
        print(f"The app could not be loaded.\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The host could not start: {error}", file=sys.stderr)
        return 1
    if not finished:
        sys.stdout.flush()
        os._exit(0)  # the interpreter would wait for the app's threads
    return 0


async def _serve(host: Host) -> bool:
    stopping = asyncio.Event()

    def stop() -> None:
        if stopping.is_set():
            os._exit(130)  # asked twice: end at once
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        await host.start()
        parts = [asyncio.create_task(host.wait()), asyncio.create_task(stopping.wait())]
        done, waiting = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        for part in waiting:
            part.cancel()
    finally:
        finished = await host.stop()
    for part in done:
        part.result()
    return finished


def _end_with_parent() -> None:
    """End at once when standard input closes: the parent is gone, however it ended."""
    while os.read(sys.stdin.fileno(), 4096):
        pass  # nothing is expected; the end is what matters
    os._exit(1)


def _positive(text: str) -> float:
    number = float(text)
    if number <= 0:
        raise ValueError(text)
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local host",
        description="The Functions host for function_app.py: HTTP, Event Grid, storage queue and timer triggers, run by "
        "Microsoft's worker code. Settings come from the environment, then from local.settings.json.",
    )
    parser.add_argument("--port", type=int, default=7071, help="of the URLs, on loopback; 0 takes a free one")
    parser.add_argument("--root", type=Path, default=Path(), help="the folder of function_app.py and host.json")
    parser.add_argument(
        "--time-scale",
        type=_positive,
        default=1.0,
        metavar="X",
        help="shortens the ten minutes for which a killed host's message stays invisible, and the timers' leases; "
        "0.01 and 100 both mean 100 times shorter",
    )
    parser.add_argument("--enable-auth", action="store_true", help="ask for function keys; they are printed at start")
    parser.add_argument("--environment-only", action="store_true", help="do not read local.settings.json")
    parser.add_argument("--lifeline", action="store_true", help="end when standard input closes")
    return parser
