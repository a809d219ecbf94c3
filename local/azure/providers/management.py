"""Subscriptions, resource groups, management groups and locks."""

from __future__ import annotations

from typing import Any

from local.azure.cloud import Cloud
from local.azure.providers.base import RESOURCE_GROUP, ensure_group
from local.azure.router import Call, route
from local.azure.state import Resource, Subscription
from local.azure.wire import Answer, AzureError, Json, as_object
from shared.resource_id import fold

VERSIONS = ("2015-01-01", "2016-06-01", "2018-05-01", "2019-06-01", "2019-11-01", "2020-01-01", "2020-06-01", "2021-01-01",
            "2021-04-01", "2022-09-01", "2022-12-01", "2024-03-01", "2024-11-01", "2025-04-01")  # fmt: skip
GROUP_VERSIONS = ("2020-02-01", "2020-05-01", "2021-04-01", "2023-04-01")
LOCK_VERSIONS = ("2016-09-01", "2020-05-01")


class Management:
    """What is above the resources."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.state = cloud.state

    def subscriptions(self, call: Call) -> Answer:
        """GET /subscriptions: those of the caller's tenant."""
        own = [show_subscription(s) for s in self.state.subscriptions.values() if s.tenant == call.caller.tenant]
        return Answer(200, {"value": own, "count": {"type": "Total", "value": len(own)}})

    def subscription(self, call: Call) -> Answer:
        """GET /subscriptions/{id}."""
        return Answer(200, show_subscription(self.state.subscriptions[call.path.subscription]))

    def tenants(self, call: Call) -> Answer:
        """GET /tenants: the caller's own."""
        tenant = call.caller.tenant
        return Answer(200, {"value": [{"id": f"/tenants/{tenant}", "tenantId": tenant, "tenantCategory": "Home"}]})

    def groups(self, call: Call) -> Answer:
        """GET of all resource groups of a subscription."""
        found = self.state.children(f"/subscriptions/{call.path.subscription}", RESOURCE_GROUP)
        return Answer(200, {"value": [show_group(group) for group in found]})

    def group(self, call: Call) -> Answer:
        """GET of a resource group; HEAD asks only whether it is there."""
        if call.method == "HEAD":
            self._group(call)
            return Answer(204)
        return Answer(200, show_group(self._group(call)))

    def put_group(self, call: Call) -> Answer:
        """PUT of a resource group: 201 for a new one, 200 for a known one."""
        known = self.state.resource(call.path.text)
        ensure_group(self.cloud, call, str(call.body.get("location", "")))
        group = self._group(call)
        group.body["tags"] = as_object(call.body.get("tags"))
        return Answer(200 if known else 201, show_group(group))

    def delete_group(self, call: Call) -> Answer:
        """DELETE of a resource group with everything in it."""
        self.state.remove(self._group(call).key)
        self.cloud.events.refresh()
        return Answer(200)

    def resources(self, call: Call) -> Answer:
        """GET of all top-level resources of a resource group or subscription, in short."""
        prefix = f"{fold(call.path.text.rpartition('/')[0])}/"
        found = [r for r in self.state.resources() if r.key.startswith(prefix) and r.type.count("/") == 1]
        rows = [
            {
                "id": r.id,
                "name": r.name,
                "type": r.type,
                "location": r.body.get("location", ""),
                "tags": r.body.get("tags"),
            }
            for r in found
            if r.type != RESOURCE_GROUP
        ]
        return Answer(200, {"value": rows})

    def management_group(self, call: Call) -> Answer:
        """GET of a management group."""
        name = self._management_group(call)
        properties = {"tenantId": self.cloud.options.home_tenant, "displayName": name}
        kind = "Microsoft.Management/managementGroups"
        return Answer(200, {"id": call.path.text, "type": kind, "name": name, "properties": properties})

    def descendants(self, call: Call) -> Answer:
        """GET of a management group's descendants: its subscriptions."""
        name = self._management_group(call)
        parent = {"id": f"/providers/Microsoft.Management/managementGroups/{name}"}
        rows: list[Json] = [
            {
                "id": f"/subscriptions/{member}",
                "type": "Microsoft.Management/managementGroups/subscriptions",
                "name": member,
                "properties": {"displayName": self.state.subscriptions[member].name, "parent": parent},
            }
            for member in self.state.management_groups[name]
            if member in self.state.subscriptions
        ]
        return Answer(200, {"value": rows})

    def put_lock(self, call: Call) -> Answer:
        """PUT of a lock at any scope."""
        level = as_object(call.body.get("properties")).get("level")
        if level not in ("CanNotDelete", "ReadOnly"):
            raise AzureError(400, "InvalidLockLevel", "properties.level must be CanNotDelete or ReadOnly.")
        created = call.path.key not in self.state.locks
        self.state.locks[call.path.key] = {"scope": call.path.scope, "level": level}
        return Answer(201 if created else 200, self._show_lock(call))

    def get_lock(self, call: Call) -> Answer:
        """GET of a lock."""
        if call.path.key not in self.state.locks:
            raise AzureError(404, "LockNotFound", f"The lock '{call.path.names[0][:90]}' could not be found.")
        return Answer(200, self._show_lock(call))

    def delete_lock(self, call: Call) -> Answer:
        """DELETE of a lock."""
        return Answer(200 if self.state.locks.pop(call.path.key, None) else 204)

    def _show_lock(self, call: Call) -> Json:
        properties: dict[str, Any] = {"level": self.state.locks[call.path.key]["level"]}
        return {"id": call.id, "name": call.path.names[0], "type": call.route.type, "properties": properties}

    def _group(self, call: Call) -> Resource:
        found = self.state.resource(f"/subscriptions/{call.path.subscription}/resourcegroups/{fold(call.path.group)}")
        if found is None:
            raise AzureError(404, "ResourceGroupNotFound", f"Resource group '{call.path.group}' could not be found.")
        return found

    def _management_group(self, call: Call) -> str:
        name = call.path.names[0]
        found = next((known for known in self.state.management_groups if fold(known) == fold(name)), None)
        if found is None or call.caller.tenant != self.cloud.options.home_tenant:
            raise AzureError(404, "NotFound", f"The management group '{name[:90]}' was not found.")
        return found


def show_subscription(subscription: Subscription) -> Json:
    """A subscription as ARM shows it."""
    return {
        "id": f"/subscriptions/{subscription.id}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription.id,
        "tenantId": subscription.tenant,
        "displayName": subscription.name,
        "state": "Enabled",
        "subscriptionPolicies": {"locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01",
                                 "spendingLimit": "Off"},
    }  # fmt: skip


def show_group(group: Resource) -> Json:
    """A resource group as ARM shows it."""
    return {
        "id": group.id,
        "name": group.name,
        "type": RESOURCE_GROUP,
        "location": group.body["location"],
        "tags": group.body["tags"],
        "properties": {"provisioningState": "Succeeded"},
    }


def register(cloud: Cloud) -> None:
    """Serve what is above the resources."""
    management = Management(cloud)
    groups = "subscriptions/{}/resourceGroups"
    management_group = "Microsoft.Management/managementGroups/{}"
    locks = "Microsoft.Authorization/locks/{}"
    cloud.router.add(
        [
            route("tenants", VERSIONS, GET=management.tenants),
            route("subscriptions", VERSIONS, GET=management.subscriptions),
            route("subscriptions/{}", VERSIONS, GET=management.subscription),
            route("subscriptions/{}/resources", VERSIONS, GET=management.resources),
            route(groups, VERSIONS, GET=management.groups),
            route(f"{groups}/{{}}", VERSIONS, GET=management.group, PUT=management.put_group,
                  DELETE=management.delete_group),
            route(f"{groups}/{{}}/resources", VERSIONS, GET=management.resources),
            route(management_group, GROUP_VERSIONS, GET=management.management_group),
            route(f"{management_group}/descendants", GROUP_VERSIONS, GET=management.descendants),
            route(locks, LOCK_VERSIONS, GET=management.get_lock, PUT=management.put_lock, DELETE=management.delete_lock),
        ]
    )  # fmt: skip
    cloud.show_with(RESOURCE_GROUP, show_group)
