"""`python -m bench.kinds`: plays each kind of review in this process and prints its requests by service, as one JSON object.

The environment holds the app's settings, those of a local Azure with Azurite. The functions of the app are called with its
real clients. Each kind is first played for other targets, so that tables, clients, tokens and tenants are there; every
measured approval is of a target that was never reviewed before. What the Functions host does itself with a message
(receive it, delete it) is not counted: only what the app does.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from bench.counting import STORAGE, Services, requests_counted
from bench.estate import APP, SETTLE_SECONDS, Estate
from bench.functions import Functions
from bench.messages import target_of
from local.azure.client import LocalClient
from local.stories.expect import StoryError, expect

_DUE_SECONDS = SETTLE_SECONDS + 20
_MORE_REVIEWS = 3  # that a firewall may take; they count with the first

Counts = dict[str, Counter[str]]


@dataclass(frozen=True)
class Kinds:
    """The kinds of review, played one after the other."""

    client: LocalClient
    estate: Estate
    functions: Functions
    services: Services

    def play(self) -> Counts:
        """The requests by kind of review. Those who are held come last: the sweep must find nothing Pending.

        Raises:
            StoryError: something did not end as it should, or the app's requests were not all seen.
        """
        self.estate.without_throttling()
        self.estate.cluster()
        counts: Counts = {}
        for played in (self._people, self._cluster, self._idle_sweep, self._stranger):
            played("first")  # warms
            counts |= played("second")
        for kind, seen in counts.items():
            expect(any(seen[service] for service in STORAGE), f"{kind}: no storage operation went through azure-core")
        return counts

    def _people(self, name: str) -> Counts:
        account = self.estate.account(f"pe{name}")
        self.estate.ask(account, f"pe-{name}")
        approved = self._reviewed(account)
        self.estate.expect_status(account, "Approved")
        return {"approve people without firewall": approved, "unchanged": self._reviewed(account)}

    def _cluster(self, name: str) -> Counts:
        """Tightening is all that comes after the approval until the firewall is closed, a single review as a rule."""
        account = self.estate.account(f"adx{name}")
        self.estate.ask_from_cluster(account, f"adx-{name}")
        approved = self._reviewed(account)
        self.estate.expect_status(account, "Approved")
        tightened = self._delivered(account)  # what the approval left in the queue for when it has settled
        for _ in range(_MORE_REVIEWS):
            if not self.estate.closed(account):
                tightened += self._delivered(account)
        expect(self.estate.closed(account), f"the firewall of {account} is still open")
        return {"approve Data Explorer with firewall": approved, "tighten": tightened}

    def _idle_sweep(self, _name: str) -> Counts:
        """The timer, and every message that it leaves for at once."""
        swept = self._counted(self.functions.sweep)
        while (message := self.functions.next_message(0)) is not None:
            swept += self._counted(partial(self.functions.review, message))
            self.functions.delete(message)
        return {"idle sweep": swept}

    def _stranger(self, name: str) -> Counts:
        account = self.estate.account(f"held{name}")
        self.estate.ask_as_stranger(account, f"held-{name}")
        first = self._reviewed(account)
        again = self._reviewed(account)
        self.estate.expect_status(account, "Pending")
        return {"held first time": first, "held again": again}

    def _reviewed(self, target: str) -> Counter[str]:
        self.functions.ask(target)
        return self._delivered(target)

    def _delivered(self, target: str) -> Counter[str]:
        """Deliver the next message, which must be about this target."""
        message = self.functions.next_message(_DUE_SECONDS)
        if message is None or target_of(message) != target:
            raise StoryError(f"no message about {target} came, but {message}")
        counts = self._counted(partial(self.functions.review, message))
        self.functions.delete(message)
        return counts

    def _counted(self, work: Callable[[], None]) -> Counter[str]:
        """The requests of this work. As many ARM calls must arrive at the local Azure: else some were sent unseen."""
        self.client.local("DELETE", "calls")
        with requests_counted(self.services) as counts:
            work()
        calls = self.client.local("GET", "calls")
        seen = sum(call["principal"] in (APP, "") for call in calls)
        expect(counts["ARM"] == seen, f"{counts['ARM']} ARM calls went through azure-core, {seen} arrived")
        return counts


def main(settings: Mapping[str, str]) -> int:
    """Play all kinds with the app's settings; answers 0."""
    client = LocalClient(settings)
    kinds = Kinds(client, Estate(client), Functions(settings["AzureWebJobsStorage"]), Services(settings))
    print(json.dumps(kinds.play()))
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
