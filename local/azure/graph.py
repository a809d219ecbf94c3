"""Azure Resource Graph: queries over what the caller may read (docs/azure-on-the-wire.md).

Rows come from the providers' own GETs, without what Resource Graph is known not to have (`HIDDEN_CONNECTIONS`). They can be
stale by a configurable time, as the real ones are.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from local.azure import access, kql
from local.azure.cloud import Cloud
from local.azure.kql_expressions import KqlError, Row
from local.azure.providers.base import RESOURCE_GROUP
from local.azure.router import Call, route
from local.azure.state import Resource
from local.azure.tenants import Caller
from local.azure.wire import Answer, AzureError, Json, as_object
from shared.resource_id import fold

VERSIONS = ("2019-04-01", "2020-04-01-preview", "2021-03-01", "2021-06-01-preview", "2022-10-01", "2024-04-01")
PAGE = 1000
HIDDEN_CONNECTIONS = frozenset({"microsoft.eventhub/namespaces", "microsoft.servicebus/namespaces"})
"""Types whose privateEndpointConnections are null in Resource Graph, unless /local/graph says otherwise."""
_COLUMNS = ("id", "name", "kind", "location", "managedBy", "sku", "plan", "properties", "tags", "identity", "zones")


class ResourceGraph:
    """POST /providers/Microsoft.ResourceGraph/resources."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._state = cloud.state
        self.hidden = set(HIDDEN_CONNECTIONS)
        self._lag = 0.0
        self._index: dict[str, Row] = {}
        cloud.clock.on("graph.index", self._notice)
        cloud.events.noticed = self._changed

    def query(self, call: Call) -> Answer:
        """Run a query; 1,000 rows a page, `$skipToken` for the next."""
        body = call.body
        query = body.get("query")
        if not isinstance(query, str) or not query.strip():
            raise _bad("InvalidQuery", "The query is missing.")
        options = as_object(body.get("options"))
        if options.get("resultFormat", "objectArray") != "objectArray":
            raise _bad("InvalidQuery", "The local Azure answers resultFormat objectArray only.")
        subscriptions = self._scope(call.caller, body)
        tables = {
            "resources": lambda: self._resources(call.caller, subscriptions),
            "resourcecontainers": lambda: self._containers(subscriptions),
        }
        try:
            rows = kql.run(query, tables)
        except KqlError as error:
            raise _bad("ParserFailure", f"Query is invalid: {error}.") from error
        return self._page(rows, options)

    def configure(self, settings: Json) -> None:
        """Change what /local/graph can: `{"hiddenConnections": [types], "lagSeconds": n}`."""
        if "hiddenConnections" in settings:
            self.hidden = {fold(str(name)) for name in settings["hiddenConnections"]}
        if "lagSeconds" in settings:
            self._lag = float(settings["lagSeconds"])
            self._index = {r.key: self._row(r) for r in self._state.resources() if _is_row(r)} if self._lag else {}

    def describe(self) -> Json:
        """What `configure` has set."""
        return {"hiddenConnections": sorted(self.hidden), "lagSeconds": self._lag}

    def _page(self, rows: list[Row], options: Json) -> Answer:
        skip, top = options.get("$skip", 0), options.get("$top", PAGE)
        if not isinstance(skip, int) or not isinstance(top, int) or skip < 0 or top < 1:
            raise _bad("InvalidQuery", "$skip and $top are numbers.")
        start, top = _skip(options["$skipToken"]) if options.get("$skipToken") else skip, min(top, PAGE)
        page = rows[start : start + top]
        body: Json = {
            "totalRecords": len(rows),
            "count": len(page),
            "data": page,
            "facets": [],
            "resultTruncated": "false",
        }
        if start + top < len(rows):
            body["$skipToken"] = base64.urlsafe_b64encode(f"skip:{start + top}".encode()).decode()
        return Answer(200, body)

    def _scope(self, caller: Caller, body: Json) -> set[str]:
        """The subscriptions that a query covers, of those that the caller's tenant has.

        Raises:
            AzureError: 403, none that is asked for can be read.
        """
        subscriptions, groups = body.get("subscriptions") or [], body.get("managementGroups") or []
        if not isinstance(subscriptions, list) or not isinstance(groups, list):
            raise _bad("InvalidQuery", "subscriptions and managementGroups are lists.")
        own = {s.id for s in self._state.subscriptions.values() if s.tenant == caller.tenant}
        if not subscriptions and not groups:
            return own
        asked: set[str] = {fold(str(s)) for s in subscriptions}
        for group in groups:
            members = next((m for n, m in self._state.management_groups.items() if fold(n) == fold(str(group))), [])
            asked |= set(members)
        if asked and not asked & own:
            message = "The client does not have authorization to read any of the subscriptions that were given."
            raise AzureError(403, "AccessDenied", message)
        return asked & own

    def _resources(self, caller: Caller, subscriptions: set[str]) -> Iterator[Row]:
        for resource in self._state.resources():
            if not _is_row(resource) or resource.subscription not in subscriptions:
                continue
            permission = f"{resource.type}/read"
            if self._state.denied and access.denied(self._state, caller, permission, resource.id):
                continue
            if not self._lag:
                yield self._row(resource)
            elif resource.key in self._index:
                yield self._index[resource.key]

    def _changed(self, resource: Resource) -> None:
        """A resource has changed: the index follows after the lag."""
        if self._lag and _is_row(resource):
            self._cloud.clock.after(self._lag, "graph.index", resource.key)

    def _notice(self, key: str) -> None:
        resource = self._state.resource(key)
        if resource is not None:
            self._index[key] = self._row(resource)

    def _row(self, resource: Resource) -> Row:
        shown = self._cloud.show(resource)
        row: Row = {name: shown.get(name) for name in _COLUMNS}
        row["type"] = fold(resource.type)
        row["resourceGroup"] = fold(resource.group)
        row["subscriptionId"] = resource.subscription
        row["tenantId"] = self._state.subscriptions[resource.subscription].tenant
        properties: dict[str, Any] = dict(row["properties"] or {})
        connections = properties.get("privateEndpointConnections")
        if row["type"] in self.hidden or (row["type"] == "microsoft.devices/iothubs" and not connections):
            properties.pop("privateEndpointConnections", None)
        row["properties"] = properties
        return row

    def _containers(self, subscriptions: set[str]) -> Iterator[Row]:
        for subscription in self._state.subscriptions.values():
            if subscription.id in subscriptions:
                yield {
                    "id": f"/subscriptions/{subscription.id}",
                    "name": subscription.name,
                    "type": "microsoft.resources/subscriptions",
                    "tenantId": subscription.tenant,
                    "subscriptionId": subscription.id,
                    "resourceGroup": "",
                    "location": "",
                    "tags": {},
                    "properties": {"state": "Enabled"},
                }
                for group in self._state.children(f"/subscriptions/{subscription.id}", RESOURCE_GROUP):
                    yield {**self._row(group), "type": "microsoft.resources/subscriptions/resourcegroups"}


def _is_row(resource: Resource) -> bool:
    """Whether a resource is in the table `resources`: top-level ones only."""
    return resource.type.count("/") == 1 and resource.type != RESOURCE_GROUP and bool(resource.group)


def _skip(token: object) -> int:
    try:
        kind, _, start = base64.urlsafe_b64decode(str(token)).decode().partition(":")
        if kind == "skip":
            return int(start)
    except (binascii.Error, ValueError) as error:
        raise _bad("InvalidSkipToken", "The skip token is not valid.") from error
    raise _bad("InvalidSkipToken", "The skip token is not valid.")


def _bad(code: str, message: str) -> AzureError:
    details = [{"code": code, "message": message}]
    text = "Please provide below info when asking for support: the query and the correlation id."
    return AzureError(
        400, "BadRequest", message, body={"error": {"code": "BadRequest", "message": text, "details": details}}
    )


def register(cloud: Cloud) -> ResourceGraph:
    """Serve Resource Graph."""
    graph = ResourceGraph(cloud)
    cloud.router.add([route("Microsoft.ResourceGraph/resources", VERSIONS, POST=graph.query)])
    return graph
