"""What all adapters have in common: connections and firewalls by way of five calls, whoever makes them on the wire."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from shared.azure.arm import NO_CONTENT, Listed
from shared.azure.operations import Operation
from shared.errors import NotFoundError, TransientError
from shared.model.connection import Connection
from shared.model.firewall import Firewall
from shared.model.target_types import TargetType
from shared.resource_id import ResourceId, fold
from shared.targets.adapter import ConnectionList, FirewallReading
from shared.targets.firewalls import FORMS
from shared.targets.firewalls.form import FirewallState, Request

MOST_LISTS = 4
"""A list of several pages is read so often at most, for two in a row that are the same."""

_FAILED = ("failed", "canceled", "disconnected")


class Adapter(ABC):
    """A `TargetAdapter` for one entry of `types`; a subclass sends the requests."""

    def __init__(self, kind: TargetType) -> None:
        self.kind = kind
        self._form = FORMS[kind.firewall]

    @abstractmethod
    def get(self, target: ResourceId, path: str = "") -> dict[str, Any]:
        """GET the target, or a child of it by its path."""

    @abstractmethod
    def get_all(self, target: ResourceId, path: str) -> Listed:
        """GET a list of children, all pages."""

    @abstractmethod
    def get_connection(self, target: ResourceId, name: str) -> dict[str, Any]:
        """GET one connection."""

    @abstractmethod
    def put_connection(self, target: ResourceId, name: str, body: dict[str, Any]) -> Operation | None:
        """PUT one connection. What the answer's body shows is not to be trusted (Data Explorer wraps the request)."""

    @abstractmethod
    def send(self, target: ResourceId, request: Request) -> Operation | None:
        """See `TargetAdapter`."""

    def exists(self, target: ResourceId) -> bool:
        """See `TargetAdapter`."""
        try:
            self.get(target)
        except NotFoundError as error:
            if error.code == NO_CONTENT:
                raise TransientError(f"{target}: an empty answer", code=NO_CONTENT) from error
            return False
        return True

    def list_connections(self, target: ResourceId) -> ConnectionList:
        """See `TargetAdapter`."""
        found, agreed = self._read_list(target, "/privateEndpointConnections")
        return ConnectionList(tuple(connection_of(body, self.kind) for body in found), found.pages, agreed)

    def connections(self, target: ResourceId) -> tuple[Connection, ...]:
        """See `TargetAdapter`."""
        return self.list_connections(target).connections

    def connection(self, target: ResourceId, listed: Connection) -> Connection | None:
        """See `TargetAdapter`."""
        try:
            return connection_of(self.get_connection(target, listed.name), self.kind)
        except NotFoundError:
            return None

    def decide(self, target: ResourceId, listed: Connection, status: str, description: str) -> Operation | None:
        """See `TargetAdapter`."""
        return self.put_connection(target, listed.name, decided_body(listed, status, description))

    def tags(self, target: ResourceId) -> Mapping[str, str]:
        """See `TargetAdapter`."""
        return self.get(target).get("tags") or {}

    def firewall(self, target: ResourceId) -> FirewallReading:
        """See `TargetAdapter`."""
        parts: dict[str, Any] = {path: self.get(target, path) for path in ("", *self._form.objects)}
        parts |= {path: self._read_all(target, path) for path in self._form.collections}
        state = self._form.state(parts)
        return FirewallReading(self._form.to_firewall(state), state, parts, self._form.obstacle(parts))

    def to_firewall(self, state: FirewallState) -> Firewall:
        """See `TargetAdapter`."""
        return self._form.to_firewall(state)

    def tightened(self, reading: FirewallReading, wanted: Firewall) -> FirewallState:
        """See `TargetAdapter`."""
        return self._form.tightened(reading.state, wanted)

    def step(self, reading: FirewallReading, wanted: FirewallState) -> Request | None:
        """See `TargetAdapter`."""
        return self._form.step(reading.parts, wanted)

    def _read_all(self, target: ResourceId, path: str) -> list[dict[str, Any]]:
        """A list that is complete.

        Raises:
            TransientError: it had several pages and went on changing.
        """
        found, agreed = self._read_list(target, path)
        if not agreed:
            raise TransientError(f"{target}{path}: the list changed while it was read", code="ListChanged")
        return list(found)

    def _read_list(self, target: ResourceId, path: str) -> tuple[Listed, bool]:
        """A list, and whether nothing can have fallen between its pages: it is one page, or was twice the same.

        Whole bodies are compared: what was made again under its old name in between has another etag.
        """
        found = self._get_list(target, path)
        for _ in range(MOST_LISTS - 1):
            if found.pages < 2:
                break
            again = self._get_list(target, path)
            if again == found:
                return again, True
            found = again
        return found, found.pages < 2

    def _get_list(self, target: ResourceId, path: str) -> Listed:
        """A list as it was answered; an answer without content is none, and says nothing about the target."""
        try:
            return self.get_all(target, path)
        except NotFoundError as error:
            if error.code == NO_CONTENT:
                raise TransientError(f"{target}{path}: an empty answer", code=NO_CONTENT) from error
            raise


def operation_of(status: int, headers: Mapping[str, str]) -> Operation | None:
    """The operation that a write started, None where it was synchronous.

    `Azure-AsyncOperation` comes with any status (as recorded, Data Explorer and Key Vault answer 200 with it); a `Location`
    alone means an operation only beside 202.
    """
    url = headers.get("Azure-AsyncOperation") or (headers.get("Location") if status == 202 else None)
    if not url:
        return None
    wait = headers.get("Retry-After") or ""
    return Operation(url, float(wait) if wait.isdigit() else None)


def connection_of(body: dict[str, Any], kind: TargetType) -> Connection:
    """A connection from its JSON (docs/azure-on-the-wire.md, "Connections")."""
    properties = body.get("properties") or {}
    state = properties.get("privateLinkServiceConnectionState") or {}
    groups = properties.get("groupIds") or ([properties["groupId"]] if properties.get("groupId") else [])
    provisioning = fold(properties.get("provisioningState") or "")
    return Connection(
        id=body["id"],
        private_endpoint_id=(properties.get("privateEndpoint") or {}).get("id"),
        status=state.get("status") or "",
        description=state.get("description") or "",
        sub_resource=groups[0] if len(groups) == 1 else None,
        provisioned=provisioning in ("", *kind.succeeded, *_FAILED),
        failed=provisioning in _FAILED,
        body=body,
    )


def decided_body(listed: Connection, status: str, description: str) -> dict[str, Any]:
    """The whole connection as it was listed, with another status and description.

    `privateEndpoint.id` is echoed: the Cloud Adoption Framework's deny policy refuses a PUT without it. So is the action, by
    whatever name the type has for it.
    """
    properties = dict(listed.body.get("properties") or {})
    state = dict(properties.get("privateLinkServiceConnectionState") or {})
    properties["privateLinkServiceConnectionState"] = {**state, "status": status, "description": description}
    return {**listed.body, "properties": properties}
