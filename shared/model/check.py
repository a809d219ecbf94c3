"""The checks that a rule makes on a request, by their names in decisions, and a check that failed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Check(StrEnum):
    """The names of the checks, as decisions show them."""

    REQUESTER = "requester"
    TENANT = "tenant"
    SUBSCRIPTION = "subscription"
    RESOURCE_GROUP = "resourceGroup"
    PRIVATE_ENDPOINT = "privateEndpoint"
    TARGET_TYPE = "targetType"
    TARGET_SUBSCRIPTION = "targetSubscription"
    TARGET_RESOURCE_GROUP = "targetResourceGroup"
    TARGET_RESOURCE = "targetResource"
    TARGET_TAG = "targetTag"
    SUB_RESOURCE = "subResource"
    EXPIRES = "expires"
    MAX_CONNECTIONS = "maxConnections"
    NOT_FOUND = "evidence.notFound"
    NOT_READY = "evidence.notReady"
    AMBIGUOUS = "evidence.ambiguous"
    NAME = "evidence.name"
    MESSAGE = "evidence.message"
    SPENT = "evidence.spent"
    UNREADABLE = "evidence.unreadable"
    SCOPE = "scope"

    @property
    def is_evidence(self) -> bool:
        """Whether it is one of the `evidence.*` checks."""
        return self.value.startswith("evidence.")


class Certainty(StrEnum):
    """How much is known of a failed check: it fails for certain, a value is unknown, or asking again may prove it."""

    CERTAIN = "certain"
    UNKNOWN = "unknown"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A check that failed: what was wanted, what there was instead (None: nothing is known), and how certain that is."""

    check: Check
    expected: str | None = None
    found: str | None = None
    certainty: Certainty = Certainty.CERTAIN

    @property
    def unknown(self) -> bool:
        """Whether it may hold all the same: a value is not known, or not known yet."""
        return self.certainty is not Certainty.CERTAIN

    @property
    def waiting(self) -> bool:
        """Whether it may still be proven when asked again."""
        return self.certainty is Certainty.WAITING

    def __str__(self) -> str:
        return f"{self.check}: expected {self.expected or 'another'}, found {self.found or 'nothing known'}"
