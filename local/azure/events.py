"""The events that ARM publishes, and which event subscription gets them. Delivery is `delivery.py`'s.

Shapes: https://learn.microsoft.com/azure/event-grid/event-schema-subscriptions. Claims are those of an
application's token.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from local.azure import filters
from local.azure.clock import Clock
from local.azure.state import Resource, State
from local.azure.wire import Json, as_object
from shared.resource_id import fold

EVENT_SUBSCRIPTION = "Microsoft.EventGrid/eventSubscriptions"
SYSTEM_TOPIC = "Microsoft.EventGrid/systemTopics"
NETWORK_PROVIDER = "2cf9eb86-36b5-49dc-86ae-9a63135dfa8c"
"""The principal that writes private endpoint connection proxies: Microsoft.Network's, never the requester."""
_KINDS = {"write": "ResourceWriteSuccess", "delete": "ResourceDeleteSuccess", "action": "ResourceActionSuccess"}
_NOTIFICATIONS = "Microsoft.ResourceNotifications."


@dataclass(frozen=True, slots=True)
class EventSubscription:
    """An event subscription, ready for delivery. `source` is an id, "" for every subscription of the home tenant."""

    key: str
    name: str
    source: str
    notifications: bool
    filter: Json
    properties: Json

    def takes(self, event: Json) -> bool:
        """Whether this event goes to this subscription."""
        notification = event["eventType"].startswith(_NOTIFICATIONS)
        if notification is not self.notifications and self.source:
            return False
        subject, source = fold(event["subject"]), fold(self.source)
        return (subject == source or subject.startswith(source + "/")) and filters.matches(self.filter, event)


class Events:
    """Makes events and hands each to the event subscriptions that take it."""

    def __init__(self, state: State, clock: Clock, home_tenant: str) -> None:
        self._state = state
        self._clock = clock
        self._home = home_tenant
        self._subscriptions: list[EventSubscription] = []
        self.deliver: Callable[[EventSubscription, Json], None] = lambda _subscription, _event: None
        self.show: Callable[[Resource], Json] = lambda resource: resource.body
        self.noticed: Callable[[Resource], None] = lambda _resource: None

    @property
    def subscriptions(self) -> list[EventSubscription]:
        """All event subscriptions that are ready to get events."""
        return self._subscriptions

    def refresh(self) -> None:
        """Read the event subscriptions again: after one was written or deleted, or a snapshot loaded."""
        found = (r for r in self._state.resources() if r.type.endswith("/eventSubscriptions"))
        self._subscriptions = [
            self._subscription(r) for r in found if r.properties.get("provisioningState") == "Succeeded"
        ]

    def arm_success(self, resource_id: str, permission: str, caller: str, correlation: str = "") -> None:
        """Publish `Microsoft.Resources.Resource(Write|Delete|Action)Success` about a call that has succeeded."""
        subscription = _subscription_of(resource_id)
        if not self._subscriptions or not subscription:
            return
        tenant = self._tenant(subscription)
        data = {
            "authorization": {"scope": resource_id, "action": permission, "evidence": {"role": "Contributor"}},
            "claims": {
                "aud": "https://management.azure.com/",
                "iss": f"https://sts.windows.net/{tenant}/",
                "appid": caller,
                "http://schemas.microsoft.com/identity/claims/objectidentifier": caller,
                "http://schemas.microsoft.com/identity/claims/tenantid": tenant,
                "ver": "1.0",
            },
            "correlationId": correlation or str(uuid.uuid4()),
            "resourceProvider": permission.partition("/")[0],
            "resourceUri": resource_id,
            "operationName": permission,
            "status": "Succeeded",
            "subscriptionId": subscription,
            "tenantId": tenant,
        }
        kind = _KINDS[permission.rpartition("/")[2]]
        self._publish(f"Microsoft.Resources.{kind}", resource_id, data, "2")

    def resource_changed(self, resource: Resource) -> None:
        """Publish `Microsoft.ResourceNotifications.Resources.CreatedOrUpdated` with the whole resource."""
        self.noticed(resource)
        if any(s.notifications or not s.source for s in self._subscriptions):
            data = {
                "resourceInfo": {"tags": {}, **self.show(resource)},
                "apiVersion": "2020-03-01",
                "operationalInfo": {"resourceEventTime": self._clock.stamp(), "correlationId": str(uuid.uuid4())},
            }
            self._publish(f"{_NOTIFICATIONS}Resources.CreatedOrUpdated", resource.id, data, "1")

    def resource_deleted(self, resource: Resource) -> None:
        """Publish `Microsoft.ResourceNotifications.Resources.Deleted`."""
        self.noticed(resource)
        data = {
            "resourceInfo": {"id": resource.id, "name": resource.name, "type": resource.type},
            "operationalInfo": {"resourceEventTime": self._clock.stamp()},
        }
        self._publish(f"{_NOTIFICATIONS}Resources.Deleted", resource.id, data, "1")

    def _publish(self, kind: str, subject: str, data: Json, data_version: str) -> None:
        event: Json = {
            "subject": subject,
            "eventType": kind,
            "eventTime": self._clock.stamp(),
            "id": str(uuid.uuid4()),
            "data": data,
            "dataVersion": data_version,
            "metadataVersion": "1",
        }
        subscription = _subscription_of(subject)
        for one in self._subscriptions:
            if not one.source and self._tenant(subscription) != self._home:
                continue
            addressed = {**event, "topic": one.source or f"/subscriptions/{subscription}"}
            if one.takes(addressed):
                self.deliver(one, addressed)

    def _tenant(self, subscription: str) -> str:
        known = self._state.subscriptions.get(subscription)
        return known.tenant if known else self._home

    def _subscription(self, resource: Resource) -> EventSubscription:
        """The event subscription of a resource; that of a system topic gets its source and kind from the topic."""
        holder = resource.id.rpartition("/providers/")[0]
        notifications = False
        if fold(f"/{SYSTEM_TOPIC}/") in resource.key:
            topic = self._state.resource(resource.id.rpartition("/eventSubscriptions/")[0])
            properties = topic.properties if topic else {}
            holder = str(properties.get("source", ""))
            notifications = str(properties.get("topicType", "")).startswith(_NOTIFICATIONS)
        event_filter = as_object(resource.properties.get("filter"))
        return EventSubscription(resource.key, resource.name, holder, notifications, event_filter, resource.properties)


def to_cloud_event(event: Json) -> Json:
    """The event in CloudEvents 1.0: other names of the envelope, the same data."""
    return {
        "id": event["id"],
        "source": event["topic"],
        "specversion": "1.0",
        "type": event["eventType"],
        "subject": event["subject"],
        "time": event["eventTime"],
        "datacontenttype": "application/json",
        "data": event["data"],
    }


def _subscription_of(resource_id: str) -> str:
    parts = resource_id.split("/", 3)
    return fold(parts[2]) if len(parts) > 2 and fold(parts[1]) == "subscriptions" else ""
