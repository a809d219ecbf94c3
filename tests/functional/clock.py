"""Time that a test moves: the app's clocks and the local Azure's go ahead together, and nobody waits."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from local.azure.client import LocalClient
from shared.app import Clocks


class MovedTime:
    """One for all that happens in one local Azure, which never goes back either.

    The times of Azure Storage (leases, messages) are not moved: the app never compares them with its own.
    """

    def __init__(self, client: LocalClient) -> None:
        self._client = client
        self._ahead = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._ahead)

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass, for the app and for Azure."""
        self._ahead += seconds
        self._client.local("POST", "clock", {"advanceSeconds": seconds})

    @property
    def clocks(self) -> Clocks:
        """For the app: what it sleeps passes at once."""
        return Clocks(self.now, self.monotonic, self.advance)
