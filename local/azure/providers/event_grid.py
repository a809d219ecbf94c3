"""Microsoft.EventGrid: system topics and event subscriptions as ARM resources; a webhook is asked for consent first."""

from __future__ import annotations

import asyncio
import uuid

from local.azure import filters
from local.azure.cloud import Cloud
from local.azure.events import EVENT_SUBSCRIPTION, SYSTEM_TOPIC
from local.azure.providers.base import Provider, envelope, require, system_data
from local.azure.router import Call, route
from local.azure.state import Resource
from local.azure.wire import Answer, AzureError, Json, as_object
from shared.resource_id import fold

VERSIONS = ("2020-06-01", "2021-12-01", "2022-06-15", "2024-06-01-preview", "2025-02-15", "2025-04-01-preview")
_SCHEMAS = ("EventGridSchema", "CloudEventSchemaV1_0")
_ENDPOINTS = ("webhook", "azurefunction")


class EventGrid(Provider):
    """System topics, and event subscriptions at a scope or under a system topic."""

    type = SYSTEM_TOPIC

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self._handshakes: set[asyncio.Task[None]] = set()

    def show(self, resource: Resource) -> Json:
        """A system topic."""
        return {**envelope(resource), "systemData": system_data(resource), "properties": resource.properties}

    def put_topic(self, call: Call) -> Answer:
        """PUT of a system topic on a subscription or resource group."""
        body = call.body
        given = as_object(body.get("properties"))
        if not given.get("source") or not given.get("topicType"):
            raise AzureError(400, "InvalidRequest", "properties.source and properties.topicType are required.")
        properties = {**given, "provisioningState": "Succeeded", "metricResourceId": str(uuid.uuid4())}
        kept = {
            "location": body.get("location", "global"),
            "tags": as_object(body.get("tags")),
            "properties": properties,
        }
        resource, created = self.keep(call, self.type, kept)
        self.cloud.events.refresh()
        return Answer(201 if created else 200, self.show(resource))

    def put_subscription(self, call: Call) -> Answer:
        """PUT of an event subscription: 201 `Creating`; it gets events once its webhook has consented."""
        given = as_object(call.body.get("properties"))
        destination = as_object(given.get("destination"))
        if fold(str(destination.get("endpointType", ""))) not in _ENDPOINTS:
            raise AzureError(
                400, "InvalidRequest", "The local Azure delivers to WebHook and AzureFunction destinations only."
            )
        if given.get("eventDeliverySchema", _SCHEMAS[0]) not in _SCHEMAS:
            raise AzureError(400, "InvalidRequest", f"eventDeliverySchema must be one of {', '.join(_SCHEMAS)}.")
        filters.check(as_object(given.get("filter")))
        properties = {
            "eventDeliverySchema": _SCHEMAS[0],
            "filter": {},
            "labels": [],
            "retryPolicy": {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440},
            **given,
            "provisioningState": "Creating",
        }
        created = self.state.resource(call.id) is None
        resource = Resource(
            call.id, call.route.type, {"properties": properties}, self.clock.stamp(), call.caller.object_id
        )
        self.state.add(resource)
        self.cloud.events.refresh()
        if fold(destination["endpointType"]) == "azurefunction":
            self._consented(resource)  # the Functions host answers the handshake by itself
        else:
            self._shake_hands(resource, call.host)
        return Answer(201 if created else 200, self.show_subscription(resource))

    def get_subscription(self, call: Call) -> Answer:
        """GET of an event subscription."""
        return Answer(200, self.show_subscription(require(self.cloud, call, call.id, call.route.type)))

    def delete_subscription(self, call: Call) -> Answer:
        """DELETE of an event subscription."""
        known = self.state.resource(call.id)
        self.state.remove(call.path.key)
        self.cloud.events.refresh()
        return Answer(200 if known else 204)

    def show_subscription(self, resource: Resource) -> Json:
        """An event subscription; a webhook's whole URL is its secret and shows as its base only."""
        properties = {name: value for name, value in resource.properties.items() if name != "validationCode"}
        destination = as_object(properties.get("destination"))
        url = as_object(destination.get("properties")).get("endpointUrl")
        if url:
            shown = {"endpointBaseUrl": url.partition("?")[0], "endpointUrl": None}
            properties["destination"] = {**destination, "properties": {**destination["properties"], **shown}}
        return {"id": resource.id, "name": resource.name, "type": resource.type, "properties": properties}

    def consent(self, subscription_id: str, code: str) -> bool:
        """GET of the validation URL: the other way to consent to an event subscription."""
        resource = self.state.resource(subscription_id)
        if resource is None or resource.properties.get("validationCode") != code:
            return False
        self._consented(resource)
        return True

    def _shake_hands(self, resource: Resource, host: str) -> None:
        code = str(uuid.uuid4())
        resource.properties["validationCode"] = code
        task = asyncio.get_running_loop().create_task(self._handshake(resource, host, code))
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)

    async def _handshake(self, resource: Resource, host: str, code: str) -> None:
        destination = as_object(resource.properties["destination"])
        endpoint = str(as_object(destination.get("properties")).get("endpointUrl", ""))
        url = f"{host}/eventgrid/validate?id={resource.id}&code={code}"
        topic = resource.id.rpartition("/providers/")[0]
        schema = str(resource.properties["eventDeliverySchema"])
        if await self.cloud.deliveries.validate(endpoint, schema, topic, url, code):
            self._consented(resource)
        elif resource.properties["provisioningState"] == "Creating":
            resource.properties["provisioningState"] = "AwaitingManualAction"

    def _consented(self, resource: Resource) -> None:
        resource.properties["provisioningState"] = "Succeeded"
        self.cloud.events.refresh()


def register(cloud: Cloud) -> None:
    """Serve system topics and event subscriptions."""
    grid = EventGrid(cloud)
    topic, nested = f"{SYSTEM_TOPIC}/{{}}", f"{SYSTEM_TOPIC}/{{}}/eventSubscriptions/{{}}"
    handlers = {"GET": grid.get_subscription, "PUT": grid.put_subscription, "DELETE": grid.delete_subscription}
    cloud.router.add(
        [
            route(SYSTEM_TOPIC, VERSIONS, GET=grid.list),
            route(topic, VERSIONS, GET=grid.get, PUT=grid.put_topic, DELETE=grid.delete),
            route(nested, VERSIONS, **handlers),
            route(f"{EVENT_SUBSCRIPTION}/{{}}", VERSIONS, **handlers),
        ]
    )
    cloud.show_with(SYSTEM_TOPIC, grid.show)
    cloud.consent = grid.consent
