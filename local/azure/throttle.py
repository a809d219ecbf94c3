"""ARM's token buckets. Time is passed in, in seconds; sizes can be changed while it runs.

Source: https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
"""

from __future__ import annotations

from dataclasses import dataclass

from local.azure.wire import AzureError, Json

SIZES: dict[str, tuple[float, float]] = {
    "reads": (250, 25),
    "writes": (200, 10),
    "deletes": (200, 10),
    "storageLists": (100, 100 / 300),
    "graphQueries": (15, 3),
}
"""Bucket size, and tokens a second: for each subscription and principal, of storage lists for each subscription, of Resource
Graph queries for each principal."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Throttle:
    """All buckets. `kind` is one of `SIZES`; `owner` is whose bucket it is."""

    def __init__(self) -> None:
        self.sizes = dict(SIZES)
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def take(self, kind: str, owner: str, now: float) -> tuple[int, float]:
        """Take a token; answers how many are left, and 0, or (if there was none) how many seconds to wait for one."""
        size, refill = self.sizes[kind]
        bucket = self._buckets.get((kind, owner))
        if bucket is None:
            bucket = self._buckets[(kind, owner)] = _Bucket(size, now)
        bucket.tokens = min(size, bucket.tokens + (now - bucket.at) * refill)
        bucket.at = now
        if bucket.tokens < 1:
            return 0, (1 - bucket.tokens) / refill
        bucket.tokens -= 1
        return int(bucket.tokens), 0.0

    def configure(self, sizes: Json) -> None:
        """Change sizes: `{"reads": {"size": 250, "refill": 25}}`; every bucket is full again.

        Raises:
            AzureError: 400, an unknown kind or a number that is not positive.
        """
        for kind, values in sizes.items():
            size, refill = values.get("size"), values.get("refill")
            numbers = all(isinstance(n, (int, float)) and n > 0 for n in (size, refill))
            if kind not in SIZES or not numbers:
                known = ", ".join(SIZES)
                raise AzureError(400, "BadRequest", f"{kind}: one of {known}, each with positive size and refill")
            self.sizes[kind] = (float(size), float(refill))
        self._buckets.clear()

    def describe(self) -> Json:
        """The sizes in force, as `configure` takes them."""
        return {kind: {"size": size, "refill": refill} for kind, (size, refill) in self.sizes.items()}
