"""The app and its Azure in one place, for tests in one process: wake it, let time pass, look at what it did.

The app is the real one, wired by `shared.app.build` with its real clients; replaced are only its clocks and its queue,
whose delayed messages follow the moved time.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from azure.data.tables import TableServiceClient

from local.azure.client import LocalClient
from local.azure.identity import APP_CLIENT
from local.azure.tenants import HOME_TENANT, principal
from shared.app import App, build
from shared.ledger.record import AlertState, FirewallSnapshot, Intent, OutboxEntry, Record
from shared.ledger.rows import HISTORY, history_of, record_of
from shared.ledger.tables import partition
from shared.model.decision import Person
from shared.resource_id import parse
from shared.triggers.http import JSON, Answer, Call
from shared.triggers.messages import ReviewMessage, parse_message
from tests.functional.clock import MovedTime
from tests.functional.estate import Azure, Cluster, Estate, Json, Party, Target, arm_of

APP_PRINCIPAL = principal(HOME_TENANT, APP_CLIENT)


@dataclass
class MovedQueue:
    """The queue `reviews` in moved time. Messages are kept as the text that the real queue would carry."""

    time: MovedTime
    waiting: list[tuple[datetime, str]] = field(default_factory=list)
    poison: list[tuple[str, float]] = field(default_factory=list)

    def send(self, message: ReviewMessage, delay: float = 0) -> None:
        """See `shared.messages.Messages`."""
        due = self.time.now().timestamp() + delay
        self.waiting.append((datetime.fromtimestamp(due, tz=self.time.now().tzinfo), message.to_text()))
        self.waiting.sort(key=lambda one: one[0])

    def postpone_failed(self, text: str | bytes, delay: float) -> None:
        """See `shared.triggers.messages.Messages`."""
        self.poison.append((text if isinstance(text, str) else text.decode("utf-8", "replace"), delay))

    @property
    def causes(self) -> list[str]:
        """Why each waiting message was sent, in the order in which they will be delivered."""
        return [json.loads(text)["cause"] for _, text in self.waiting]


def allow(*requesters: str, name: str = "", **more: Any) -> Json:
    """An allow rule, for any target unless `targets` says otherwise."""
    known = {"name": name or f"allow-{'-'.join(requesters)}", "effect": "allow", "requesters": list(requesters)}
    return {**known, "targets": "any", **more}


def deny(*requesters: str, name: str = "", effect: str = "deny", **more: Any) -> Json:
    """A deny rule (or a reject rule); without requesters it is for any."""
    known = {"name": name or f"{effect}-{'-'.join(requesters) or 'any'}", "effect": effect}
    return {**known, "requesters": list(requesters) or "any", "targets": "any", **more}


class World:
    """One test's Azure and app."""

    def __init__(self, settings: Mapping[str, str], connection_string: str, time: MovedTime, folder: Path) -> None:
        self.client = LocalClient(settings)
        self.time = time
        self.azure = Azure(self.client, time, arm_of(self.client))
        self.home = Estate(self.azure)
        self.hub = Party(self.azure, HOME_TENANT)
        self.partner = Party(self.azure, str(uuid.uuid4()))
        self.queue = MovedQueue(time)
        self.topic = f"alerts-{uuid.uuid4().hex[:8]}"
        self.folder = folder
        self.person: Person | None = None
        self._parties = [self.hub, self.partner]
        self._mine: list[tuple[str, str]] = []
        self.settings = {
            **settings,
            "AzureWebJobsStorage": connection_string,
            "ALERT_TOPIC_ENDPOINT": f"{self.client.url}/topics/{self.topic}/api/events",
        }

    # --- what there is

    def storage_account(self, **properties: Any) -> Target:
        return self.home.storage_account(**properties)

    def namespace(self, **rules: Any) -> Target:
        return self.home.namespace(**rules)

    def cluster(self) -> Cluster:
        return Cluster.in_subscription(self.azure, self.home.subscription)

    def stranger(self) -> Party:
        """Somebody whom nobody knows, in a tenant of their own."""
        party = Party(self.azure, str(uuid.uuid4()))
        self._parties.append(party)
        return party

    def policy(self, requesters: Mapping[str, Json], *rules: Json, mode: str = "enforce", **more: Any) -> None:
        """Write the policy. An app that runs already sees it after 45 s."""
        document = {"version": 1, "mode": mode, "scope": {"subscriptions": [self.home.subscription]},
                    "requesters": dict(requesters), "rules": list(rules), **more}  # fmt: skip
        self.policy_text(json.dumps(document, indent=1))

    def policy_text(self, text: str) -> None:
        (self.folder / "policy.yaml").write_text(text)

    def fault(self, method: str, part: str, *, times: int = 1, when: str = "before", **answer: Any) -> Json:
        """Make the next calls go wrong that have `part` in their path (at its end: `part$`); `answer` comes instead."""
        ends = part.endswith("$")
        match = {"method": method, "pathRegex" if ends else "pathContains": part}
        fault = {"match": match, "times": times, "when": when, "answer": answer}
        shown: Json = self.client.local("POST", "faults", fault)
        return shown

    def throttle(self, method: str, part: str, seconds: int, *, times: int = 1) -> None:
        """ARM answers 429 with a Retry-After."""
        headers = {"Retry-After": str(seconds)}
        self.fault(method, part, times=times, status=429, code="SubscriptionRequestsThrottled", headers=headers)

    # --- the app

    @cached_property
    def app(self) -> App:
        """The app; `restart` makes another instance of it."""
        return build(self.settings, root=self.folder, clocks=self.time.clocks, messages=self.queue)

    def restart(self) -> None:
        """Go on with another instance, which knows only what the ledger holds."""
        del self.app

    def wake(self, target: Target, cause: str = "event") -> None:
        """An event about the target: it is reviewed, with everything that is due at once."""
        self.queue.send(ReviewMessage(parse(target.id), cause))
        self.work()

    def wake_meanwhile(
        self, target: Target, method: str, part: str, act: Callable[[], None], *, seconds: float = 1
    ) -> None:
        """As `wake`, and while the app's first such call is held up (for so many real seconds) somebody acts."""
        fault = self.fault(method, part, delaySeconds=seconds)
        with ThreadPoolExecutor(1) as pool:
            woken = pool.submit(self.wake, target)
            while not woken.done() and not self.seen(fault):
                wait([woken], timeout=0.01)
            act()
            woken.result()
        assert self.seen(fault), f"the app sent no {method} {part}"

    def seen(self, fault: Json) -> bool:
        """Whether a call has met the fault."""
        return any(one["seen"] for one in self.client.local("GET", "faults") if one["id"] == fault["id"])

    def sweep(self) -> int:
        """The timer fires; answers how many targets it queued."""
        queued = self.app.sweep.run()
        self.work()
        return queued

    def later(self, seconds: float) -> None:
        """Let time pass; messages are delivered when they are due."""
        end = self.time.now().timestamp() + seconds
        while self.queue.waiting and self.queue.waiting[0][0].timestamp() <= end:
            self.time.advance(max(0.0, (self.queue.waiting[0][0] - self.time.now()).total_seconds()))
            self.work()
        self.time.advance(max(0.0, end - self.time.now().timestamp()))

    def work(self) -> None:
        """Deliver what is due."""
        while self.queue.waiting and self.queue.waiting[0][0] <= self.time.now():
            _, text = self.queue.waiting.pop(0)
            self.app.message_handler.handle(parse_message(text), None)

    def reevaluate(self, scope: Target | str, **body: Any) -> Answer:
        """A person's POST."""
        named = scope.id if isinstance(scope, Target) else scope
        return self.app.reevaluation.answer(Call(json.dumps({"scope": named, **body}).encode(), JSON, self.person))

    def decided(self, scope: Target | str, **body: Any) -> list[Json]:
        """The decisions that a person's POST answers."""
        answer = self.reevaluate(scope, **body)
        assert answer.status == 200, answer.body
        results: list[Json] = answer.body["results"]
        return results

    # --- what it did

    def calls(self, method: str = "", part: str = "", *, successful: bool = False) -> list[tuple[str, str]]:
        """The app's ARM calls since `forget_calls`, as method and path. Challenges (without a token) are among them."""
        found = self.client.local("GET", f"calls?method={method}&pathContains={part}")
        found = [c for c in found if c["status"] < 300 or not successful]
        return [(c["method"], c["path"]) for c in found if c["principal"] in (APP_PRINCIPAL, "")]

    def forget_calls(self) -> None:
        self.client.local("DELETE", "calls")

    def writes(self) -> list[tuple[str, str]]:
        """The app's writes."""
        return [call for call in self.calls() if call[0] not in ("GET", "POST")]

    def alerts(self) -> list[Json]:
        """The alerts that arrived at the topic."""
        return [event for event in self.topic_events() if event["data"]["severity"] != "info"]

    def notices(self) -> list[Json]:
        """The notices that arrived at the topic."""
        return [event for event in self.topic_events() if event["data"]["severity"] == "info"]

    def topic_events(self) -> list[Json]:
        """Everything that arrived at the topic."""
        return [one["event"] for one in self.client.local("GET", f"topics/{self.topic}/events")]

    def alert_types(self) -> list[str]:
        """Their types without the prefix, sorted."""
        return sorted(alert["type"].partition(".")[2] for alert in self.alerts())

    def rows(self, table: str) -> list[Json]:
        """What a table of the ledger holds; nothing where it was never made."""
        with TableServiceClient.from_connection_string(self.settings["AzureWebJobsStorage"]) as service:
            if table not in {one.name for one in service.list_tables()}:
                return []
            with service.get_table_client(table) as client:
                return [dict(row) for row in client.list_entities()]

    def recorded(self, target: Target, outcome: str = "") -> list[Json]:
        """The decisions on a target in the ledger (with one outcome, or all), newest first."""
        key = partition(parse(target.id))
        rows = [r for r in self.rows("targets") if r["PartitionKey"] == key and r["RowKey"].startswith(HISTORY)]
        found = [history_of(row).decision.to_json() for row in sorted(rows, key=lambda row: str(row["RowKey"]))]
        return [decision for decision in found if outcome in ("", decision["outcome"])]

    def records(self) -> list[Record]:
        """Every record of the ledger."""
        parts: dict[str, list[Json]] = {}
        for row in self.rows("targets"):
            parts.setdefault(row["PartitionKey"], []).append(row)
        live = {key: [r for r in rows if r["RowKey"] < HISTORY] for key, rows in parts.items()}
        return [record_of(key, rows) for key, rows in live.items() if rows]

    def intents(self) -> list[Intent]:
        """Every open intent."""
        return [intent for record in self.records() for intent in record.intents.values()]

    def outbox(self) -> list[OutboxEntry]:
        """What nobody has been told yet."""
        return [entry for record in self.records() for entry in record.outbox.values()]

    def snapshots(self) -> list[FirewallSnapshot]:
        """Every firewall that is kept."""
        return [snapshot for record in self.records() for snapshot in record.snapshots]

    def conditions(self) -> list[AlertState]:
        """Every condition that holds, or did until lately."""
        return [state for record in self.records() for state in record.alerts.values()]
