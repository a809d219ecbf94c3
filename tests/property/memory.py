"""Azure in memory for random worlds: one target, our services and people, and whoever passes for them.

Behind the Protocols that a review reads through; the review itself (`Observer`, `plan`, `Executor`, the evidence) is the
real one. Before every access `interrupt` is called, so that anything can happen between two of them. The oracle is
`Connection`'s `owner`, which no reader shows.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.azure.arm import Listed
from shared.azure.leases import Held
from shared.azure.operations import Operation
from shared.errors import NotFoundError, PermanentError
from shared.ledger.record import HistoryEntry, Record
from shared.ledger.sealing import Sealing
from shared.model.check import Certainty, Check, FailedCheck
from shared.model.requester import ManagedEndpoint, PrivateEndpointView, RequesterSide, ServiceRequester
from shared.model.target_types import TargetType, type_of
from shared.policy.rules import Policy, Scope
from shared.requesters.tenants import TenantAnswer
from shared.resource_id import ResourceId, fold
from shared.review.carry_out import Executor
from shared.review.observe import Observer
from shared.review.review import Reviewer, Trigger
from shared.targets.adapter import FirewallReading, TargetAdapter
from shared.targets.base import Adapter
from shared.targets.firewalls.form import Request

PAGE = 3
"""Connections on a page, where the list comes in pages."""

Json = dict[str, Any]


@dataclass
class Made:
    """A connection at the target. `owner`: the endpoint of ours that it was made for, None for whoever else."""

    name: str
    private_endpoint_id: str
    message: str
    owner: Endpoint | None
    status: str = "Pending"
    by_hand: str = ""


@dataclass
class Endpoint:
    """A managed private endpoint of ours, or (`service` "") a private endpoint of our people's."""

    id: str
    name: str
    service: str
    message: str
    private_endpoint_id: str
    made_at: datetime
    state: str = "Creating"
    shown: str = ""
    connection: Made | None = None
    gone: bool = False


@dataclass
class MemoryAzure:
    """The target and who asks for it. Times are seconds."""

    target: ResourceId
    tenants: dict[str, str | None]
    paged: bool = False
    seconds: float = 0.0
    connections: list[Made] = field(default_factory=list)
    endpoints: list[Endpoint] = field(default_factory=list)
    jobs: list[tuple[float, Endpoint, Callable[[], None]]] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    listed: set[str] = field(default_factory=set)
    """Private endpoints (folded) whose connections a list has shown waiting."""
    interrupt: Callable[[str], None] = lambda _: None
    made: int = 0

    def now(self) -> datetime:
        return datetime(2026, 11, 21, 12, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def clock(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Time passes, and what is due in it happens."""
        end = self.seconds + seconds
        while due := [job for job in self.jobs if job[0] <= end]:
            first = min(due, key=lambda job: job[0])
            self.jobs.remove(first)
            self.seconds = max(self.seconds, first[0])
            first[2]()
        self.seconds = end

    def hurry(self, endpoint: Endpoint) -> None:
        """What is due for one endpoint happens now."""
        while due := [job for job in self.jobs if job[1] is endpoint]:
            first = min(due, key=lambda job: job[0])
            self.jobs.remove(first)
            first[2]()

    # --- what the players do

    def connect(self, private_endpoint_id: str, message: str, owner: Endpoint | None = None) -> Made | None:
        """A connection, unless there is such a private endpoint already."""
        if any(fold(c.private_endpoint_id) == fold(private_endpoint_id) for c in self.connections):
            return None
        self.made += 1
        name = f"{self.target.name}.{self.made}"
        if type_of(self.target).reuses_names:
            name = f"{private_endpoint_id.rpartition('/')[2]}-conn"
            if any(c.name == name for c in self.connections):
                name += f"-{self.made}"
        made = Made(name, private_endpoint_id, message, owner)
        self.connections.append(made)
        return made

    def ask(self, endpoint: Endpoint, appears: float, ready: float) -> None:
        """We ask for a private endpoint."""
        self.endpoints.append(endpoint)
        self.jobs.append((self.seconds + appears, endpoint, lambda: self._appear(endpoint)))
        self.jobs.append((self.seconds + ready, endpoint, lambda: self._ready(endpoint)))

    def delete(self, endpoint: Endpoint, gone: float) -> None:
        """We take it back."""
        endpoint.state = "Deleting"
        self.jobs = [job for job in self.jobs if job[1] is not endpoint]
        self.jobs.append((self.seconds + gone, endpoint, lambda: self._gone(endpoint)))

    def _appear(self, endpoint: Endpoint) -> None:
        endpoint.connection = self.connect(endpoint.private_endpoint_id, endpoint.message, endpoint)
        if endpoint.connection is None:
            endpoint.state = "Failed"

    def _ready(self, endpoint: Endpoint) -> None:
        if endpoint.state == "Creating":
            endpoint.state = "Succeeded"
            self._notice(endpoint)

    def _gone(self, endpoint: Endpoint) -> None:
        endpoint.gone = True
        self.endpoints.remove(endpoint)
        if endpoint.connection in self.connections:
            self.connections.remove(endpoint.connection)

    def _notice(self, endpoint: Endpoint) -> None:
        endpoint.shown = endpoint.connection.status if endpoint.connection else "Disconnected"

    def decided(self, made: Made, status: str) -> None:
        """A connection has another status, which its service notices later."""
        made.status = status
        if (owner := made.owner) is not None:
            self.jobs.append((self.seconds + 30, owner, lambda: self._notice(owner)))


class MemoryAdapter(Adapter):
    """The adapter of the target's type, whose wire is `MemoryAzure`."""

    def __init__(self, kind: TargetType, azure: MemoryAzure) -> None:
        super().__init__(kind)
        self._azure = azure

    def get(self, target: ResourceId, path: str = "") -> Json:
        raise NotImplementedError("no rule here asks for tags or a firewall")

    def get_all(self, target: ResourceId, path: str) -> Listed:
        del target, path
        azure, found, pages = self._azure, list[Json](), 0
        size = PAGE if azure.paged else 1_000
        while True:
            azure.interrupt("list" if not pages else "page")
            start = pages * size
            page = azure.connections[start : start + size]
            azure.listed |= {fold(one.private_endpoint_id) for one in page if one.status == "Pending"}
            found += [self._body(one) for one in page]
            pages += 1
            if start + size >= len(azure.connections):
                return Listed(tuple(found), pages)

    def get_connection(self, target: ResourceId, name: str) -> Json:
        del target
        self._azure.interrupt("get")
        return self._body(self._there(name))

    def put_connection(self, target: ResourceId, name: str, body: Json) -> Operation | None:
        del target
        if not self.kind.reuses_names:  # what comes between a key vault's GET and its PUT is told in docs/security.md
            self._azure.interrupt("put")
        there = self._there(name)
        if there.status != "Pending":
            raise PermanentError("400: the status is not Pending", code="InvalidValuesForRequestParameters")
        state = body["properties"]["privateLinkServiceConnectionState"]
        there.message = state["description"]
        self._azure.decided(there, state["status"])
        return None

    def send(self, target: ResourceId, request: Request) -> Operation | None:
        raise NotImplementedError("no rule here asks for a firewall")

    def firewall(self, target: ResourceId) -> FirewallReading:
        raise NotImplementedError("no rule here asks for a firewall")

    def _there(self, name: str) -> Made:
        for one in self._azure.connections:
            if one.name == name:
                return one
        raise NotFoundError(f"{name}: 404", code="NotFound")

    def _body(self, one: Made) -> Json:
        return {
            "id": f"{self._azure.target}/privateEndpointConnections/{one.name}",
            "name": one.name,
            "properties": {
                "privateEndpoint": {"id": one.private_endpoint_id},
                "privateLinkServiceConnectionState": {"status": one.status, "description": one.message},
                "provisioningState": "Succeeded",
            },
        }


@dataclass(frozen=True)
class MemoryReaders:
    """Requesters' sides, tenants, and private endpoints, which nobody may read."""

    azure: MemoryAzure

    def read(self, requester: ServiceRequester) -> RequesterSide:
        self.azure.interrupt("side")
        if "sides" in self.azure.down:
            return RequesterSide(problem=FailedCheck(Check.UNREADABLE, "an answer", "503", Certainty.WAITING))
        shows = requester.service != "kusto"
        return RequesterSide(
            tuple(
                ManagedEndpoint(
                    id=fold(one.id),
                    name=one.name,
                    target_id=str(self.azure.target),
                    sub_resource="",
                    request_message="" if shows else one.message,
                    provisioning_state=one.state,
                    connection_status=one.shown if shows else None,
                    created_at=None if shows else one.made_at,
                )
                for one in self.azure.endpoints
                if fold(one.id).startswith(requester.resource.key + "/")
            )
        )

    def of(self, subscription_ids: Iterable[str], *, fresh: bool = False) -> dict[str, TenantAnswer]:
        del fresh
        self.azure.interrupt("tenants")
        if "tenants" in self.azure.down:
            return {one: TenantAnswer(unreadable="503") for one in subscription_ids}
        return {one: TenantAnswer(self.azure.tenants.get(one)) for one in subscription_ids}

    def view(self, endpoint: ResourceId, target: ResourceId) -> PrivateEndpointView:
        del endpoint, target
        self.azure.interrupt("view")
        return PrivateEndpointView(readable=False)


@dataclass
class MemoryLedger:
    """One record, whoever holds its lease, what was told, and the policy."""

    azure: MemoryAzure
    policy: Policy
    record: Record
    told: list[Json] = field(default_factory=list)

    def current(self) -> Policy:
        return self.policy

    def require(self, scope: Scope, resource: ResourceId) -> None:
        """See `ScopeGuard`."""

    def members(self, scope: Scope) -> frozenset[str]:
        del scope
        return frozenset()

    @contextmanager
    def hold(self, target: ResourceId) -> Iterator[Held]:
        del target
        yield Held(self.azure.now())

    def load(self, subject: ResourceId | str) -> Record:
        del subject
        return self.record

    def commit(self, before: Record, after: Record, history: Iterable[HistoryEntry] = ()) -> Record:
        del history
        assert before == self.record, "one review at a time"
        self.record = after
        return after

    def keep(self, policy: Policy) -> None:
        """See `shared.ledger.policies.Policies`: nobody asks for its text here."""

    def deliver(self, record: Record) -> Record:
        self.told += [copy.deepcopy(dict(entry.body)) for entry in record.outbox.values()]
        return self.commit(record, replace(record, outbox={}))


class NoOperations:
    """ARM's operations: there are none here."""

    def send_url(self, url: str) -> Any:
        raise NotImplementedError(url)


def reviewer_of(azure: MemoryAzure, policy: Policy) -> tuple[Reviewer, MemoryLedger]:
    """The real review on Azure in memory."""
    ledger: Any = MemoryLedger(azure, policy, Record(str(azure.target)))
    readers, arm = MemoryReaders(azure), NoOperations()
    sealing = Sealing()
    observer = Observer(
        tenants=readers,
        sides=readers,
        views=readers,
        shown_tenants=lambda _: frozenset(),  # one target: what its approvals have shown stands in its record
        is_trace_of=sealing.is_trace_of,
        now=azure.now,
        clock=azure.clock,
    )
    kind = type_of(azure.target)
    adapters: dict[str, TargetAdapter] = {kind.name: MemoryAdapter(kind, azure)}
    executor = Executor(arm, observer, azure.clock)  # type: ignore[arg-type]  # the part of ARM that it needs
    made = Reviewer(
        policy=ledger,
        scope=ledger,
        adapters=adapters,
        observer=observer,
        executor=executor,
        records=ledger,
        policies=ledger,
        sealing=sealing,
        outbox=ledger,
        alerts=ledger,
        leases=ledger,
        now=azure.now,
        sleep=azure.sleep,
    )
    return made, ledger


EVENT = Trigger("event")
