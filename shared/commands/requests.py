"""A request in a file (REQUEST) as the situation that a decision looks at, and the other way round. Pure.

What is missing or null is unknown, and unknown never approves anything: a request without `endpoints` is one whose
requesters were not asked, an endpoint without a target points elsewhere, another connection without a status is Pending.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.evidence.kinds import kind_of
from shared.model.connection import Connection
from shared.model.requester import HOME, ManagedEndpoint, RequesterSide, ServiceRequester
from shared.model.situation import Situation, Target
from shared.model.target_types import TARGET_TYPES
from shared.policy.language.fields import DIALECT, GUID, ArmId, Day, Kind, Schema, Text
from shared.policy.language.findings import Place, Report
from shared.policy.language.records import Either, Entry, Field, ListOf, MapOf, OrNull, Record
from shared.policy.language.yaml_nodes import Mapping, Node
from shared.policy.rules import Policy
from shared.resource_id import ResourceId, fold, try_parse

_TYPES = tuple(t.name for t in TARGET_TYPES.values())
_ANYTHING = Text("text", r"(?s:.{0,4096})")


def _optional(key: str, kind: Kind, description: str) -> Field:
    return Field(key, OrNull(kind), description)


_CONNECTION = (
    Field(
        "privateEndpointId", OrNull(_ANYTHING), "the private endpoint's whole id, as the target shows it", required=True
    ),
    _optional(
        "tenantId", Either(Text("a GUID", GUID, fold), HOME), "the tenant of its subscription; home: the app's own"
    ),
    _optional("subResource", _ANYTHING, "the sub-resource, where the target shows it"),
    _optional("requestMessage", _ANYTHING, "the description that the connection carries"),
)

_ENDPOINT = Record(
    "a managed private endpoint",
    (
        Field("requester", _ANYTHING, "the name of the requester in the policy", required=True),
        Field("name", _ANYTHING, "the endpoint's name", required=True),
        _optional("targetId", _ANYTHING, "the whole id of the resource that it points at"),
        _optional("subResource", _ANYTHING, "the sub-resource that it asks for"),
        _optional("requestMessage", _ANYTHING, "the message that it sent"),
        _optional("provisioningState", _ANYTHING, "for example Succeeded"),
        _optional("connectionStatus", _ANYTHING, "for example Pending; Data Explorer shows none"),
    ),
)


REQUEST = Record(
    "a request",
    (
        Field("targetId", ArmId("a target of a supported type", _TYPES), "the target's whole id", required=True),
        *_CONNECTION,
        _optional("tags", MapOf(_ANYTHING, _ANYTHING, "a mapping of tags"), "the target's tags"),
        _optional("date", Day(), "the day of the decision; default: today (UTC)"),
        _optional("endpoints", ListOf(_ENDPOINT, least=0), "all managed private endpoints of the service requesters"),
        _optional(
            "otherConnections",
            ListOf(Record("a connection", (*_CONNECTION, _optional("status", _ANYTHING, "its state"))), least=0),
            "the target's other connections",
        ),
    ),
)


def json_schema() -> Schema:
    """The JSON Schema (2020-12) of a request."""
    return {"$schema": DIALECT, "title": "Private Endpoint Approver: request"} | REQUEST.schema()


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was read, and where its endpoints name their requesters."""

    entry: Entry

    @property
    def target(self) -> ResourceId:
        """The target."""
        target: ResourceId = self.entry["targetId"]
        return target

    def day(self, today: date) -> date:
        """The day of the decision: the request's own, else today."""
        day: date = self.entry["date"] or today
        return day

    def situation(self, policy: Policy) -> Situation:
        """What is known; the request's own connection is the first one."""
        connections = self.connections()
        return Situation(
            Target(self.target, self.entry["tags"]),
            tuple(_connection(self.target, number, entry) for number, entry in enumerate(connections)),
            tenants=_tenants(connections),
            sides={name: self._side(requester) for name, requester in policy.requesters.items()
                   if isinstance(requester, ServiceRequester) and self.entry["endpoints"] is not None},
            home_tenant=HOME,  # in a request the app's own tenant is written with this word, any GUID is another's
        )  # fmt: skip

    def connections(self) -> list[Entry]:
        """The request itself, then the other connections."""
        return [self.entry, *(entry for _, entry in self.entry.items("otherConnections"))]

    def requester_names(self) -> Iterator[tuple[Place, str]]:
        """The names that the endpoints give to their requesters, with their places."""
        for _, endpoint in self.entry.items("endpoints"):
            yield endpoint.place("requester"), endpoint["requester"]

    def _side(self, requester: ServiceRequester) -> RequesterSide:
        own = (endpoint for _, endpoint in self.entry.items("endpoints") if endpoint["requester"] == requester.name)
        return RequesterSide(tuple(_endpoint(requester, endpoint) for endpoint in own))


def read_request(node: Node, report: Report, requesters: Collection[str]) -> Request | None:
    """The request of a node, as `check_request` says; a decision, alone or in an alert, is read as its request."""
    entry = REQUEST.read(_of_decision(node), report)
    return check_request(entry, report, requesters) if entry else None


def _of_decision(node: Node) -> Node:
    """What a decision tells of the request that it was made on; any other node as it is.

    It tells neither the requesters' endpoints nor the target's other connections, and an alert shortens a random message.
    """
    alert = node.entries.get("data") if isinstance(node, Mapping) else None
    shown = alert.entries.get("decision") if isinstance(alert, Mapping) else node
    if not isinstance(shown, Mapping) or "decisionId" not in shown.entries:
        return node
    told = ("targetId", "privateEndpointId", "subResource", "requestMessage")
    entries = {key: shown.entries[key] for key in told if key in shown.entries}
    requester = shown.entries.get("requester")
    if isinstance(requester, Mapping) and "tenantId" in requester.entries:
        entries["tenantId"] = requester.entries["tenantId"]
    return Mapping(
        shown.line, shown.column, shown.path, entries, {key: shown.keys[key] for key in told if key in entries}
    )


def exported(situation: Situation, policy: Policy) -> Iterator[dict[str, Any]]:
    """The Pending connections of a target as REQUESTs, each with all that is known about the target."""
    endpoints = [
        _exported_endpoint(name, endpoint)
        for name, side in situation.sides.items()
        if name in policy.requesters and side.problem is None
        for endpoint in side.endpoints
    ]
    for connection in situation.connections:
        if connection.pending:
            others = [c for c in situation.connections if c is not connection]
            yield {
                "targetId": str(situation.target.id),
                "tags": dict(situation.target.tags) if situation.target.tags is not None else None,
                **_exported_connection(connection, situation),
                "endpoints": endpoints if any(side.problem is None for side in situation.sides.values()) else None,
                "otherConnections": [{**_exported_connection(c, situation), "status": c.status} for c in others],
            }


def _exported_connection(connection: Connection, situation: Situation) -> dict[str, Any]:
    tenant = situation.tenant_of(connection)
    return {
        "privateEndpointId": connection.private_endpoint_id,
        "tenantId": HOME if tenant is not None and tenant == situation.home_tenant else tenant,
        "subResource": connection.sub_resource,
        "requestMessage": connection.message,
    }


def _exported_endpoint(requester: str, endpoint: ManagedEndpoint) -> dict[str, Any]:
    return {
        "requester": requester,
        "name": endpoint.name,
        "targetId": endpoint.target_id,
        "subResource": endpoint.sub_resource,
        "requestMessage": endpoint.request_message,
        "provisioningState": endpoint.provisioning_state,
        "connectionStatus": endpoint.connection_status,
    }


def check_request(entry: Entry, report: Report, requesters: Collection[str]) -> Request | None:
    """The request of an entry; None where the report has an error, whatever it is about.

    Args:
        entry: what `REQUEST` read.
        report: gets what is wrong.
        requesters: the names that the policy knows.
    """
    request = Request(entry)
    for place, name in request.requester_names():
        if name not in requesters:
            report.unknown(place, "requester", name, requesters)
    _check_tenants(request.connections(), report)
    return None if report.failed else request


def _check_tenants(connections: list[Entry], report: Report) -> None:
    tenants: dict[str, str] = {}
    for connection in connections:
        endpoint, tenant = try_parse(connection["privateEndpointId"]), connection["tenantId"]
        if endpoint and tenant and tenants.setdefault(endpoint.subscription_id, tenant) != tenant:
            report.error(
                connection.place("tenantId"), f"subscription {endpoint.subscription_id} has another tenant above"
            )


def _tenants(connections: list[Entry]) -> dict[str, str | None]:
    known = ((try_parse(c["privateEndpointId"]), c["tenantId"]) for c in connections)
    return {endpoint.subscription_id: tenant for endpoint, tenant in known if endpoint and tenant}


def _connection(target: ResourceId, number: int, entry: Entry) -> Connection:
    return Connection(
        f"{target}/privateEndpointConnections/{number or 'request'}",
        entry["privateEndpointId"],
        entry["status"] or "Pending",
        entry["requestMessage"] or "",
        entry["subResource"],
    )


def _endpoint(requester: ServiceRequester, entry: Entry) -> ManagedEndpoint:
    def text(key: str) -> str:
        value: Any = entry[key]
        return value or ""

    return ManagedEndpoint(
        id=fold(f"{requester.resource}/managedPrivateEndpoints/{text('name')}"),
        name=text("name"),
        target_id=text("targetId"),
        sub_resource=text("subResource"),
        request_message=text("requestMessage"),
        provisioning_state=text("provisioningState"),
        connection_status=text("connectionStatus") if kind_of(requester).shows_state else None,
    )
