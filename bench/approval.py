"""From the event to the approval, through the Functions host, the queue, the ledger and the local Azure.

The local Azure answers at once, so the time is the product's and the host's. The host polls the queue every 0.1 to 2 s, as
Azure's does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.estate import APP, Estate, settings_of
from bench.figure import Figure, median
from local.azure.process import AzureProcess
from local.host.process import HostProcess
from local.stories import estate
from local.stories.expect import eventually

_SAMPLES = 20


def run() -> Iterator[Figure]:
    """Seconds from a private endpoint's PUT to Approved at its target, and ARM calls of the app for each approval."""
    with (
        TemporaryDirectory(prefix="bench-") as folder,
        AzureProcess(time_scale=0.001, webhook="") as azure,
        HostProcess(settings_of(azure, Path(folder))) as host,
    ):
        estate.build(azure.client)
        estate.subscribe(azure.client, host.url)
        asking = Estate(azure.client)
        asking.without_throttling()
        first, *others = [_approval(asking, number) for number in range(_SAMPLES + 1)]
        calls = azure.client.local("GET", f"calls?principal={APP}")
    yield Figure("approval: first one after the start", round(first, 3), "s")
    yield median("approval: each further one", others, "s")
    yield Figure("approval: ARM calls for each", round(len(calls) / (_SAMPLES + 1), 2), "calls", _SAMPLES + 1)


def _approval(asking: Estate, number: int) -> float:
    """Ask for a connection to a new account, wait for its approval; answers the seconds."""
    account = asking.account(str(number))
    began = time.perf_counter()
    asking.ask(account, f"pe{number}")
    eventually(lambda: asking.expect_status(account, "Approved"), seconds=60, pause=0.02)
    return time.perf_counter() - began
