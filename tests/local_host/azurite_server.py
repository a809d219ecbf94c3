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

from local.azure import azurite as installed
from local.azure.process import end_with_parent

_LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at (https?://\S+)")


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
    installed.install()
    keys = {f"account{number}": base64.b64encode(secrets.token_bytes(32)).decode() for number in range(accounts)}
    command = [*installed._node(), str(installed._PROGRAM), "--inMemoryPersistence", "--extentMemoryLimit", "512"]
    command += ["--silent", "--skipApiVersionCheck", "--disableTelemetry", *arguments]
    for service in ("blob", "queue", "table"):
        command += [f"--{service}Port", "0", f"--{service}KeepAliveTimeout", "120"]
    environment = {**os.environ, "AZURITE_ACCOUNTS": ";".join(f"{name}:{key}" for name, key in keys.items())}
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=end_with_parent,
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
