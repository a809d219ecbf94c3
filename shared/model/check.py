"""The checks that a rule makes on a request, by their names in decisions. Pure."""

from __future__ import annotations

from enum import StrEnum


class Check(StrEnum):
    """The names of the checks, as decisions show them (INTERFACE section 6)."""

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

    @property
    def is_evidence(self) -> bool:
        """Whether it is one of the `evidence.*` checks."""
        return self.value.startswith("evidence.")
