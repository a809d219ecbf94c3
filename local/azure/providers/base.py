"""What the providers share: finding, keeping, listing and deleting resources, with ARM's own errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from local.azure.cloud import Cloud
from local.azure.router import Call
from local.azure.state import Resource
from local.azure.wire import Answer, AzureError, Json
from shared.resource_id import fold

Item = TypeVar("Item")
RESOURCE_GROUP = "Microsoft.Resources/resourceGroups"
PAGE = 100


class Provider:
    """A provider of one top-level type; subclasses say how a resource is shown and what a write does to it."""

    type: str
    pages = True
    """Whether lists come in pages; a few types have no nextLink."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.state = cloud.state
        self.clock = cloud.clock

    def show(self, resource: Resource) -> Json:
        """The resource as a GET answers it."""
        raise NotImplementedError

    def top(self, call: Call) -> Resource:
        """The top-level resource that a call names or lies under.

        Raises:
            AzureError: 404 ResourceGroupNotFound or ResourceNotFound.
        """
        scope = call.path.scope
        return require(self.cloud, call, f"{scope}/providers/{self.type}/{call.path.names[0]}", self.type)

    def get(self, call: Call) -> Answer:
        """GET of the resource."""
        return Answer(200, self.show(self.top(call)))

    def list(self, call: Call) -> Answer:
        """GET of all in a resource group, or in a subscription."""
        found = listed(self.cloud, call, self.type)
        if not self.pages:
            return Answer(200, {"value": [self.show(resource) for resource in found]})
        return paged(call, found, self.show)

    def delete(self, call: Call) -> Answer:
        """DELETE of the resource at once; 204 where there is none."""
        resource = self.state.resource(call.id)
        if resource is None:
            return Answer(204)
        self.remove(resource)
        return Answer(200)

    def remove(self, resource: Resource) -> None:
        """Forget the resource and all below it; private endpoints that were connected see Disconnected."""
        self.state.remove(resource.key)
        self.cloud.events.resource_deleted(resource)

    def keep(self, call: Call, resource_type: str, body: Json) -> tuple[Resource, bool]:
        """Create the resource that a PUT names, or give it a new body; true if it was made."""
        resource = self.state.resource(call.id)
        created = resource is None
        if resource is None:
            ensure_group(self.cloud, call, str(body.get("location", "")))
            resource = Resource(call.id, resource_type, body, self.clock.stamp(), call.caller.object_id)
            self.state.add(resource)
        else:
            resource.body = body
        self.changed(resource)
        return resource, created

    def changed(self, resource: Resource) -> None:
        """Note a change: when, and that others may want to know."""
        resource.changed_at = self.clock.stamp()
        self.cloud.events.resource_changed(resource)


def require(cloud: Cloud, call: Call, resource_id: str, arm_type: str) -> Resource:
    """A resource by its id.

    Raises:
        AzureError: 404 ResourceGroupNotFound or ResourceNotFound, as ARM words them.
    """
    found = cloud.state.resource(resource_id)
    if found is not None:
        return found
    group = call.path.group
    if group and cloud.state.resource(f"/subscriptions/{call.path.subscription}/resourcegroups/{group}") is None:
        raise AzureError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
    name = "/".join(call.path.names[: arm_type.count("/")])
    message = (
        f"The Resource '{arm_type}/{name}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    )
    raise AzureError(404, "ResourceNotFound", message)


def listed(cloud: Cloud, call: Call, arm_type: str) -> list[Resource]:
    """All resources of a top-level type in the resource group or subscription that a call names."""
    subscription = f"/subscriptions/{call.path.subscription}"
    if not call.path.group:
        groups = cloud.state.children(subscription, RESOURCE_GROUP)
        return [one for group in groups for one in cloud.state.children(group.key, arm_type)]
    group_id = f"{subscription}/resourcegroups/{fold(call.path.group)}"
    if cloud.state.resource(group_id) is None:
        raise AzureError(404, "ResourceGroupNotFound", f"Resource group '{call.path.group}' could not be found.")
    return cloud.state.children(group_id, arm_type)


def ensure_group(cloud: Cloud, call: Call, location: str) -> None:
    """Make the resource group of a new resource if it is not there: here it comes into being with its first resource."""
    if call.path.group:
        group_id = f"/subscriptions/{call.path.subscription}/resourceGroups/{call.path.group}"
        if cloud.state.resource(group_id) is None:
            body = {"location": location or "westeurope", "tags": {}}
            cloud.state.add(Resource(group_id, RESOURCE_GROUP, body, cloud.clock.stamp(), call.caller.object_id))


def paged(call: Call, items: list[Item], show: Callable[[Item], Json], size: int = PAGE) -> Answer:
    """A list in pages of 100 with `nextLink`; after a full last page an empty one follows, as recorded traffic shows."""
    start = call.request.query.get("$skiptoken", "0")
    if not start.isdigit():
        raise AzureError(400, "InvalidSkipToken", "The skip token is not valid.")
    first = int(start)
    body: Json = {"value": [show(item) for item in items[first : first + size]]}
    if first + size <= len(items):
        address = f"{call.host}{call.path.text}?api-version={call.api_version}"
        body["nextLink"] = f"{address}&$skiptoken={first + size}"
    return Answer(200, body)


def location_of(body: Json) -> str:
    """The location that a PUT of a tracked resource must have.

    Raises:
        AzureError: 400 LocationRequired.
    """
    location = body.get("location")
    if not isinstance(location, str) or not location:
        raise AzureError(400, "LocationRequired", "The location property is required for this definition.")
    return location.replace(" ", "").lower()


def envelope(resource: Resource, shown_type: str | None = None) -> Json:
    """What tracked resources share: id, name, type, location, tags, and sku, kind and identity where there are any."""
    body: Json = {"id": resource.id, "name": resource.name, "type": shown_type or resource.type}
    for name in ("location", "tags", "sku", "kind", "identity"):
        if resource.body.get(name) is not None:
            body[name] = resource.body[name]
    return body


def system_data(resource: Resource) -> Json:
    """Who made a resource and when."""
    return {
        "createdBy": resource.created_by,
        "createdByType": "Application",
        "createdAt": resource.created_at,
        "lastModifiedBy": resource.created_by,
        "lastModifiedByType": "Application",
        "lastModifiedAt": resource.changed_at or resource.created_at,
    }
