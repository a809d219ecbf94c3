"""Microsoft.ServiceBus: namespaces, with the shapes of Event Hubs (docs/azure-on-the-wire.md)."""

from __future__ import annotations

from local.azure.cloud import Cloud
from local.azure.providers.event_hubs import Namespaces


class ServiceBusNamespaces(Namespaces):
    """Service Bus namespaces; private endpoints need the Premium tier, which is therefore the default here."""

    type = "Microsoft.ServiceBus/namespaces"
    shown_type = "Microsoft.ServiceBus/Namespaces"
    connection_type = "Microsoft.ServiceBus/Namespaces/PrivateEndpointConnections"
    versions = (
        "2018-01-01-preview",
        "2021-06-01-preview",
        "2021-11-01",
        "2022-10-01-preview",
        "2024-01-01",
        "2025-05-01-preview",
    )
    tier = "Premium"


def register(cloud: Cloud) -> None:
    """Serve Service Bus namespaces."""
    ServiceBusNamespaces(cloud).register()
