"""Which provider answers an ARM call. A route is a type (or a list, or an action of one) with its api-versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import NoneType

from local.azure.path import ArmPath
from local.azure.tenants import Caller
from local.azure.wire import Answer, AzureError, Json, Request, invalid_content
from shared.resource_id import fold

_ENVELOPE: dict[str, type] = {
    "properties": dict,
    "tags": dict,
    "sku": dict,
    "identity": dict,
    "location": str,
    "kind": str,
}


@dataclass(frozen=True, slots=True)
class Call:
    """One ARM call that has passed the front: who asks, for what, with which body. `host` is ARM's own URL."""

    method: str
    path: ArmPath
    route: Route
    request: Request
    caller: Caller
    api_version: str
    host: str

    @property
    def body(self) -> Json:
        """The body as a JSON object, the common parts of which have their types.

        Raises:
            AzureError: 400 InvalidRequestContent.
        """
        body = self.request.json()
        for name, kind in _ENVELOPE.items():
            if not isinstance(body.get(name), (kind, NoneType)):
                raise invalid_content(f"{name} is not of type {kind.__name__}")
        return body

    @property
    def id(self) -> str:
        """The id of the resource that is named, with the type in canonical case."""
        return self.path.id_as(self.route.pattern)


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """A path pattern in canonical case (`Microsoft.Storage/storageAccounts/{}`), its api-versions, a handler a method."""

    pattern: str
    versions: frozenset[str]
    handlers: Mapping[str, Handler]

    @property
    def type(self) -> str:
        """The ARM type that a call is about; of an action, the type it belongs to."""
        segments = self.pattern.split("/")
        typed = segments[:1] + [s for s in segments[1:] if s != "{}"]
        return "/".join(typed[:-1] if self.is_action else typed)

    @property
    def is_action(self) -> bool:
        """Whether this is a POST on a resource: an action, not a list."""
        return "POST" in self.handlers

    def permission(self, method: str) -> str:
        """The permission that a call needs (`Microsoft.Storage/storageAccounts/write`)."""
        if method == "POST":
            return f"{self.type}/{self.pattern.rpartition('/')[2]}/action"
        return f"{self.type}/{'read' if method in ('GET', 'HEAD') else 'delete' if method == 'DELETE' else 'write'}"


def route(pattern: str, versions: Iterable[str], **handlers: Handler) -> Route:
    """A route; a handler is given by its method's name in capitals."""
    return Route(pattern, frozenset(versions), handlers)


class Router:
    """All routes, found by a path's pattern."""

    def __init__(self) -> None:
        self._routes: dict[str, Route] = {}

    def add(self, routes: Iterable[Route]) -> None:
        """Register routes; one with the same pattern gets the handlers of both."""
        for new in routes:
            key = fold(new.pattern)
            known = self._routes.get(key)
            handlers = {**known.handlers, **new.handlers} if known else new.handlers
            self._routes[key] = Route(new.pattern, new.versions, handlers)

    def find(self, path: ArmPath, method: str) -> tuple[Route, Handler]:
        """The route of a path and the handler of a method.

        Raises:
            AzureError: 404 for an unknown provider or type, 405 for a method that the type does not have.
        """
        found = self._routes.get(path.pattern)
        if found is None:
            raise self._unknown(path)
        handler = found.handlers.get("GET" if method == "HEAD" else method)
        if handler is None:
            message = f"The requested resource does not support http method '{method}'."
            raise AzureError(405, "MethodNotAllowed", message, headers={"Allow": ", ".join(found.handlers)})
        return found, handler

    def _unknown(self, path: ArmPath) -> AzureError:
        namespace, _, rest = path.pattern.partition("/")
        if not any(known.startswith(namespace + "/") for known in self._routes):
            return AzureError(404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")
        message = f"The resource type '{rest.replace('/{}', '')}' could not be found in the namespace '{namespace}'."
        return AzureError(404, "InvalidResourceType", message)
