"""What a review costs in requests: table, blob and queue operations, and ARM calls, for each kind of review."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.counting import STORAGE
from bench.estate import settings_of
from bench.figure import Figure
from local.azure.process import AzureProcess

_ROOT = Path(__file__).parents[1]
_TIME_SCALE = 0.01


def run() -> Iterator[Figure]:
    """Requests for each kind of review that `bench.kinds` plays; `storage` is table, blob and queue together."""
    with TemporaryDirectory(prefix="bench-") as folder, AzureProcess(time_scale=_TIME_SCALE, webhook="") as azure:
        environment = {**os.environ, **settings_of(azure, Path(folder))}
        command = [sys.executable, "-m", "bench.kinds"]
        said = subprocess.run(command, cwd=_ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    for kind, counts in json.loads(said).items():
        storage = sum(counts.get(service, 0) for service in STORAGE)
        yield Figure(f"storage_operations_per_review: {kind}", storage, "operations")
        for service in STORAGE:
            yield Figure(f"storage_operations_per_review: {kind}: {service}", counts.get(service, 0), "operations")
        for service in ("ARM", *sorted(set(counts) - {"ARM", *STORAGE})):
            yield Figure(f"calls_per_review: {kind}: {service}", counts.get(service, 0), "calls")
