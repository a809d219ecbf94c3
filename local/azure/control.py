"""The control interface, `/local/...`: what tests and people change or look at behind Azure's back. It wants no token."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from local.azure.calls import Calls
from local.azure.cloud import Cloud
from local.azure.faults import Faults
from local.azure.graph import ResourceGraph
from local.azure.state import Subscription
from local.azure.tenants import require_guid
from local.azure.topic import Topics
from local.azure.wire import Answer, AzureError, Json, Request
from shared.resource_id import fold

Handler = Callable[[Request, list[str]], Any]


class Control:
    """Answers `/local/{what}[/{name}]`."""

    def __init__(self, cloud: Cloud, calls: Calls, faults: Faults, topics: Topics, graph: ResourceGraph) -> None:
        self._cloud = cloud
        self._state = cloud.state
        self._calls = calls
        self._faults = faults
        self._topics = topics
        self._graph = graph
        self._handlers: dict[tuple[str, str], Handler] = {
            ("GET", "calls"): lambda request, _: calls.list(dict(request.query)),
            ("DELETE", "calls"): lambda _request, _path: calls.clear(),
            ("GET", "faults"): lambda _request, _path: faults.list(),
            ("POST", "faults"): lambda request, _: faults.add(request.json()).describe(),
            ("DELETE", "faults"): lambda _, path: faults.clear(*path),
            ("GET", "eventgrid"): lambda _request, _path: cloud.deliveries.statistics(),
            ("GET", "topics"): lambda _, path: topics.arrived(_one(path)),
            ("DELETE", "topics"): lambda _, path: topics.clear(_one(path)),
            ("GET", "snapshot"): lambda _request, _path: cloud.snapshot(),
            ("PUT", "snapshot"): self._load,
            ("GET", "clock"): lambda _request, _path: {"now": cloud.clock.stamp(), "factor": cloud.clock.factor},
            ("POST", "clock"): self._advance,
            ("GET", "throttling"): lambda _request, _path: cloud.throttle.describe(),
            ("PUT", "throttling"): lambda request, _: cloud.throttle.configure(request.json()),
            ("GET", "graph"): lambda _request, _path: graph.describe(),
            ("PUT", "graph"): lambda request, _: graph.configure(request.json()),
            ("GET", "quirks"): lambda _request, _path: cloud.quirks,
            ("PUT", "quirks"): self._quirks,
            ("GET", "subscriptions"): lambda _request, _path: cloud.snapshot()["state"]["subscriptions"],
            ("PUT", "subscriptions"): self._subscription,
            ("GET", "managementGroups"): lambda _request, _path: self._state.management_groups,
            ("PUT", "managementGroups"): self._management_group,
            ("GET", "oracle"): self._oracle,
            **_table("access", lambda: self._state.denied, _access),
            **_table("locks", lambda: self._state.locks, _lock),
            **_table("denyPolicies", lambda: self._state.deny_policies, _deny_policy),
        }

    def answer(self, request: Request) -> Answer:
        """The answer to a control call; errors have ARM's envelope."""
        what, *path = request.path.strip("/").split("/")[1:] or [""]
        if path[-1:] == ["events"]:
            path = path[:-1]
        handler = self._handlers.get((request.method, what))
        if handler is None:
            known = ", ".join(sorted({name for _, name in self._handlers}))
            return AzureError(
                404, "NotFound", f"{request.method} /local/{what} is not there. There are: {known}."
            ).answer
        try:
            body = handler(request, path)
        except AzureError as error:
            return error.answer
        return Answer(200 if body is not None else 204, body)

    def _advance(self, request: Request, _path: list[str]) -> Json:
        """`{"advanceSeconds"}`: so much time passes; `{"hurry"}`: what is due for that resource happens now."""
        if hurried := request.json().get("hurry"):
            self._cloud.clock.hurry(fold(str(hurried)))
            return {"now": self._cloud.clock.stamp()}
        seconds = request.json().get("advanceSeconds")
        if not isinstance(seconds, (int, float)) or seconds < 0:
            raise AzureError(400, "BadRequest", "advanceSeconds must be a number of seconds, 0 or more.")
        self._cloud.clock.advance(seconds)
        return {"now": self._cloud.clock.stamp()}

    def _load(self, request: Request, _path: list[str]) -> None:
        try:
            self._cloud.load(request.json())
        except (KeyError, TypeError, ValueError) as error:
            raise AzureError(400, "BadRequest", f"not a snapshot: {error!r}") from error

    def _quirks(self, request: Request, _path: list[str]) -> Json:
        for name, value in request.json().items():
            if name not in self._cloud.quirks or not isinstance(value, bool):
                raise AzureError(400, "BadRequest", f"quirks are booleans: {', '.join(self._cloud.quirks)}")
            self._cloud.quirks[name] = value
        return dict(self._cloud.quirks)

    def _subscription(self, request: Request, path: list[str]) -> Json:
        subscription = require_guid(_one(path), "SubscriptionId")
        tenant = require_guid(str(request.json().get("tenantId", "")), "TenantId")
        name = str(request.json().get("displayName") or f"Subscription {subscription[:8]}")
        self._state.subscriptions[subscription] = Subscription(subscription, tenant, name)
        return {"subscriptionId": subscription, "tenantId": tenant, "displayName": name}

    def _management_group(self, request: Request, path: list[str]) -> list[str]:
        members = request.json().get("subscriptions")
        if not isinstance(members, list):
            raise AzureError(400, "BadRequest", "subscriptions must be a list of subscription ids.")
        self._state.management_groups[_one(path)] = [require_guid(str(one), "SubscriptionId") for one in members]
        return self._state.management_groups[_one(path)]

    def _oracle(self, request: Request, path: list[str]) -> list[Json]:
        """Every connection, or those of one `target`."""
        target = request.query.get("target", "")
        if path != ["connections"]:
            raise AzureError(404, "NotFound", "The oracle knows /local/oracle/connections.")
        return [
            {
                "connectionId": f"{c.target}/privateEndpointConnections/{c.name}",
                "targetId": c.target,
                "privateEndpointId": c.endpoint,
                "requesterId": c.requester,
                "requesterTenant": self._tenant(c.requester),
                "subResource": c.group,
                "requestMessage": c.message,
                "status": c.status,
                "createdAt": c.created_at,
            }
            for c in (self._state.connections(target) if target else self._state.all_connections())
        ]

    def _tenant(self, resource_id: str) -> str:
        subscription = self._state.subscriptions.get(resource_id.split("/", 3)[2])
        return subscription.tenant if subscription else ""


def _table(
    what: str, table: Callable[[], dict[str, Json]], check: Callable[[Json], Json]
) -> dict[tuple[str, str], Handler]:
    """GET, POST (with an optional `name`) and DELETE (one or all) of a table of the state (a snapshot replaces it)."""

    def add(request: Request, _path: list[str]) -> Json:
        body = request.json()
        name = str(body.pop("name", "") or uuid.uuid4())
        table()[name] = check(body)
        return {"name": name, **table()[name]}

    def remove(_request: Request, path: list[str]) -> None:
        if path:
            table().pop(path[0], None)
        else:
            table().clear()

    return {
        ("GET", what): lambda _request, _path: [{"name": name, **entry} for name, entry in table().items()],
        ("POST", what): add,
        ("DELETE", what): remove,
    }


def _access(body: Json) -> Json:
    return {**_texts(body, "permission", "scope"), "principal": body.get("principal")}


def _lock(body: Json) -> Json:
    if body.get("level") not in ("ReadOnly", "CanNotDelete"):
        raise AzureError(400, "BadRequest", "level must be ReadOnly or CanNotDelete.")
    return _texts(body, "scope", "level")


def _deny_policy(body: Json) -> Json:
    conditions = body.get("if")
    operators = ("exists", "equals", "notEquals")
    if not isinstance(conditions, list) or not all("field" in c and any(o in c for o in operators) for c in conditions):
        raise AzureError(400, "BadRequest", "if must be a list of {field, exists | equals | notEquals}.")
    return {**_texts(body, "type"), "scope": str(body.get("scope") or ""), "if": conditions}


def _texts(body: Json, *names: str) -> Json:
    missing = [name for name in names if not isinstance(body.get(name), str) or not body[name]]
    if missing:
        raise AzureError(400, "BadRequest", f"missing: {', '.join(missing)}")
    return {name: body[name] for name in names}


def _one(path: list[str]) -> str:
    if len(path) != 1:
        raise AzureError(400, "BadRequest", "A name is missing in the path.")
    return path[0]
