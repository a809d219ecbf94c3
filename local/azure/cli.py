"""`python -m local azure`: starts the local Azure, prints the settings that an app needs, and runs until it is ended."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys

from local.azure.cloud import DEFAULT_WEBHOOK, Options
from local.azure.process import end_with_parent
from local.azure.server import LocalAzure
from local.azure.tenants import HOME_TENANT
from shared.resource_id import is_guid

_TEXT = """\
The local Azure: Azure Resource Manager over TLS with a private CA, its identity endpoint, Resource Graph, Event Grid and an
alert topic, and Azurite. Prints one NAME=value line for each setting that an app needs, then "ready" on standard error."""


def main(arguments: list[str]) -> int:
    """Run until SIGINT or SIGTERM; answers the exit code."""
    options, dies_with_parent = _options(arguments)
    if dies_with_parent:
        end_with_parent()
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        asyncio.run(_run(options))
    except KeyboardInterrupt:
        return 130
    except (OSError, RuntimeError) as error:
        print(f"the local Azure could not be started: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(options: Options) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers in the loop
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with LocalAzure(options) as azure:
        for name, value in azure.settings.items():
            print(f"{name}={value}")
        sys.stdout.flush()
        print("ready", file=sys.stderr, flush=True)
        await ended.wait()


def _options(arguments: list[str]) -> tuple[Options, bool]:
    parser = argparse.ArgumentParser(prog="python -m local azure", description=_TEXT)
    parser.add_argument("--port", type=int, default=0, help="the port of the local Azure (default: a free one)")
    parser.add_argument(
        "--time-scale",
        type=_scale,
        default=1.0,
        metavar="X",
        help="shortens the providers' delays: 0.01 and 100 both mean 100 times shorter (default: 1, as in Azure)",
    )
    parser.add_argument(
        "--webhook",
        default=DEFAULT_WEBHOOK,
        metavar="URL",
        help="where events about all subscriptions of the home tenant go, retried while nobody is there; empty: nowhere",
    )
    parser.add_argument("--home-tenant", type=_guid, default=HOME_TENANT, metavar="GUID", help="the app's own tenant")
    parser.add_argument("--state", default="", metavar="DIR", help="keep everything in this folder over restarts")
    parser.add_argument("--no-azurite", action="store_true", help="start no storage; prints no AzureWebJobsStorage")
    parser.add_argument("--end-with-parent", action="store_true", help="end when the parent process does (Linux)")
    given = parser.parse_args(arguments)
    options = Options(
        port=given.port,
        time_scale=given.time_scale,
        webhook=given.webhook,
        home_tenant=given.home_tenant,
        state_dir=given.state,
        azurite=not given.no_azurite,
    )
    return options, given.end_with_parent


def _scale(text: str) -> float:
    scale = float(text)
    if not 0 < scale < float("inf"):
        raise argparse.ArgumentTypeError("a positive number")
    return scale


def _guid(text: str) -> str:
    if not is_guid(text):
        raise argparse.ArgumentTypeError("a GUID")
    return text.lower()
