"""Azurite for tests: one process, as many accounts as wanted, on ports that it chooses."""

from __future__ import annotations

import base64
import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at (https?://\S+)")
_INSTALLED = Path(__file__).parents[2] / "local" / "azure" / "azurite"


@dataclass(frozen=True)
class Account:
    """A storage account in Azurite; `endpoints` by service name."""

    name: str
    key: str
    endpoints: dict[str, str]

    @property
    def connection_string(self) -> str:
        scheme = self.endpoints["Blob"].partition(":")[0]
        parts = "".join(f"{service}Endpoint={url}/{self.name};" for service, url in self.endpoints.items())
        return f"DefaultEndpointsProtocol={scheme};AccountName={self.name};AccountKey={self.key};{parts}"


@contextmanager
def azurite(accounts: int, *arguments: str) -> Iterator[list[Account]]:
    """Run Azurite in memory with so many empty accounts; ends it afterwards."""
    home = Path(os.environ.get("AZURITE_HOME", _INSTALLED / "node_modules" / "azurite"))
    keys = {f"account{number}": base64.b64encode(secrets.token_bytes(32)).decode() for number in range(accounts)}
    command = ["node", str(home / "dist" / "src" / "azurite.js"), "--inMemoryPersistence", "--silent"]
    command += ["--skipApiVersionCheck", "--disableTelemetry"]
    command += ["--blobPort", "0", "--queuePort", "0", "--tablePort", "0", *arguments]
    environment = {**os.environ, "AZURITE_ACCOUNTS": ";".join(f"{name}:{key}" for name, key in keys.items())}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True
    )
    try:
        endpoints: dict[str, str] = {}
        lines: list[str] = []
        assert process.stdout is not None
        while len(endpoints) < 3:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"Azurite ended: {''.join(lines)}")
            lines.append(line)
            if found := _LISTENING.search(line):
                endpoints[found[1]] = found[2]
        yield [Account(name, key, endpoints) for name, key in keys.items()]
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
