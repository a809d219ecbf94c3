"""The parts of the local Azure, wired once. Providers and services take from here what they need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from local.azure.clock import Clock
from local.azure.delivery import Deliveries
from local.azure.events import Events
from local.azure.identity import Identity
from local.azure.operations import Operations
from local.azure.private_link import PrivateLink
from local.azure.router import Router
from local.azure.state import Resource, State
from local.azure.tenants import HOME_TENANT
from local.azure.throttle import Throttle
from local.azure.wire import Answer, Json, Request
from shared.resource_id import fold

DEFAULT_WEBHOOK = "http://127.0.0.1:7071/runtime/webhooks/eventgrid?functionName=on_resource_event"
DEFAULT_EVENT_SUBSCRIPTION = "/providers/Microsoft.EventGrid/eventSubscriptions/local"


@dataclass(frozen=True, slots=True)
class Options:
    """How a local Azure is started. `webhook` empty: no event subscription at the start."""

    port: int = 0
    time_scale: float = 1.0
    webhook: str = DEFAULT_WEBHOOK
    home_tenant: str = HOME_TENANT
    state_dir: str = ""
    azurite: bool = True


class Cloud:
    """State, clock, events, private link and routes of one local Azure."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.url = ""
        self.state = State()
        self.clock = Clock(options.time_scale)
        self.identity = Identity(self.clock, options.home_tenant)
        self.events = Events(self.state, self.clock, options.home_tenant)
        self.operations = Operations(self.state, self.clock, self.events)
        self.links = PrivateLink(self.state, self.clock, self.events)
        self.deliveries = Deliveries(self.clock, self.events, lambda: options.webhook.partition("/runtime/")[0])
        self.throttle = Throttle()
        self.router = Router()
        self._shown: dict[str, Callable[[Resource], Json]] = {}
        self.events.show = self.show
        self.quirks = {"iotHubBareList": False, "storageRulesAsGiven": False, "smallPages": False,
                       "oneManagedSubscription": False}  # fmt: skip
        self.data_planes: dict[str, Callable[[Request], Answer]] = {}
        self.consent: Callable[[str, str], bool] = lambda _subscription, _code: False
        if options.webhook:
            self.state.add(Resource(DEFAULT_EVENT_SUBSCRIPTION, *_default_event_subscription(options.webhook)))
            self.events.refresh()

    def show_with(self, arm_type: str, show: Callable[[Resource], Json]) -> None:
        """Say how resources of a type are shown by a GET."""
        self._shown[fold(arm_type)] = show

    def show(self, resource: Resource) -> Json:
        """Any resource as a GET shows it."""
        show = self._shown.get(fold(resource.type))
        return show(resource) if show else {"id": resource.id, "name": resource.name, **resource.body}

    def show_id(self, shown_id: str) -> Json | None:
        """The resource or the private endpoint connection with that id as a GET shows it; None if it is not there."""
        resource = self.state.resource(shown_id)
        if resource is not None:
            return self.show(resource)
        target, _, name = fold(shown_id).partition("/privateendpointconnections/")
        connection = self.state.connection(target, name)
        return self.links.show(connection) if connection else None

    def snapshot(self) -> Json:
        """Everything as JSON: what is, what is to come, and the events on their way."""
        jobs = self.clock.snapshot() + self.deliveries.interrupted()
        return {"version": 1, "state": self.state.snapshot(), "jobs": jobs, "deliveries": self.deliveries.snapshot()}

    def load(self, snapshot: Json) -> None:
        """Replace everything by a snapshot.

        Raises:
            KeyError, TypeError: it is not one.
        """
        self.state.load(snapshot["state"])
        self.clock.load(snapshot["jobs"])
        self.deliveries.load(snapshot["deliveries"])
        self.events.refresh()


def _default_event_subscription(webhook: str) -> tuple[str, Json]:
    """The event subscription that is there from the start: writes of private endpoint connections and of their proxies."""
    operations = ["/privateEndpointConnectionProxies/write", "/privateEndpointConnections/write"]
    properties = {
        "destination": {"endpointType": "WebHook", "properties": {"endpointUrl": webhook}},
        "eventDeliverySchema": "EventGridSchema",
        "filter": {
            "includedEventTypes": ["Microsoft.Resources.ResourceWriteSuccess"],
            "advancedFilters": [{"operatorType": "StringEndsWith", "key": "data.operationName", "values": operations}],
        },
        "provisioningState": "Succeeded",
    }
    return "Microsoft.EventGrid/eventSubscriptions", {"properties": properties}
