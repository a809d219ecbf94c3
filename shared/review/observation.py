"""What one review has seen so far, and what it has done: the input of the plan. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from shared.ledger.record import Record
from shared.model.connection import Connection
from shared.model.decision import request_key
from shared.model.requester import RequesterSide
from shared.model.situation import Situation
from shared.policy.verdict import Verdict
from shared.resource_id import ResourceId
from shared.targets.adapter import FirewallReading

if TYPE_CHECKING:
    from shared.review.connection_work import Step


class Went(StrEnum):
    """How an effect went, as far as the one who carried it out can tell."""

    DONE = "done"  # ARM took it, and no operation runs
    STARTED = "started"  # ARM took it, and an operation runs
    RUNNING = "running"  # that operation still runs
    REFUSED = "refused"  # ARM refused, or the operation failed, for a reason that stays
    FAILED = "failed"  # for a reason that may pass
    CHANGED = "changed"  # nothing was sent: what was decided on is no longer so


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an effect.

    `problem` and `code` say what went wrong; `retry_after` in seconds; `operation` is the URL of the one that was started;
    `request` is the digest of a firewall's request that ARM took.
    """

    went: Went
    problem: str = ""
    retry_after: float | None = None
    operation: str = field(default="", repr=False)
    request: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that could not be read: why, and whether the next try may go better."""

    problem: str
    transient: bool
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be read before a plan can be made.

    `connections`: keys of requests whose connection the list does not show; `sides`: names of requesters.
    """

    firewall: bool = False
    tags: bool = False
    sides: frozenset[str] = frozenset()
    connections: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.firewall or self.tags or self.sides or self.connections)

    def __or__(self, other: Needs) -> Needs:
        return Needs(
            self.firewall or other.firewall,
            self.tags or other.tags,
            self.sides | other.sides,
            self.connections | other.connections,
        )


NOTHING = Needs()


@dataclass(frozen=True, slots=True)
class Observation:
    """What a review knows.

    Args:
        target: the target that is reviewed.
        record: what is remembered of it, as it was read or last committed.
        situation: what the decision rests on; its connections are as they were read last.
        verdicts: what the policy decides on them, made once, from one consistent set of reads.
        listed: whether the connections were listed at all.
        read_at: when the list was begun that the verdicts rest on, in seconds of the host's own clock.
        listed_at: the storage service's time before the list; None where nothing was listed.
        sides: what requesters' resources answered last, by the resource's key.
        firewall: the firewall as it was read last; None: it was not.
        firewall_at: when that was, in seconds of the host's own clock.
        answers: what came of the last effect on each request, by its key.
        firewall_answer: what came of the last effect on the firewall.
        found: requests that the list does not show: whether a read of the connection itself found it.
        read_back: connections (by request) as they were read back after an effect.
        concluded: what this review has done about a request, and will not come back to.
    """

    target: ResourceId
    record: Record
    situation: Situation
    verdicts: tuple[Verdict, ...] = ()
    listed: bool = True
    read_at: float = 0.0
    listed_at: datetime | None = None
    sides: Mapping[str, RequesterSide] = field(default_factory=dict)
    firewall: FirewallReading | Unread | None = None
    firewall_at: float = 0.0
    answers: Mapping[str, Answer] = field(default_factory=dict)
    firewall_answer: Answer | None = None
    found: Mapping[str, bool] = field(default_factory=dict)
    read_back: Mapping[str, Connection | Unread | None] = field(default_factory=dict)
    concluded: Mapping[str, Step] = field(default_factory=dict)

    def current(self) -> dict[str, Connection]:
        """The connections as they were read last, by request; without those that were found gone."""
        listed: dict[str, Connection | Unread | None] = {key_of(c): c for c in self.situation.connections}
        known = listed | {key: now for key, now in self.read_back.items() if not isinstance(now, Unread)}
        return {key: now for key, now in known.items() if isinstance(now, Connection)}

    def gone(self, key: str) -> bool:
        """Whether a connection that the list shows was found gone when it was read back."""
        return key in self.read_back and self.read_back[key] is None

    def with_answer(self, key: str, answer: Answer, now: Connection | Unread | None) -> Observation:
        """After an effect on a request. `now`: its connection as it was read back, None where it is not there any more.

        A connection that was read back under another private endpoint is still the answer to this request: its key stays.
        """
        return replace(self, answers={**self.answers, key: answer}, read_back={**self.read_back, key: now})


def key_of(connection: Connection) -> str:
    """The request that a connection is."""
    return request_key(connection.id, connection.private_endpoint_id)
