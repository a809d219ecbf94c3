"""The resource providers, one file each. `register` makes a local Azure serve all of them."""

from __future__ import annotations

from local.azure.cloud import Cloud
from local.azure.providers import (
    data_factory,
    digital_twins,
    event_grid,
    event_hubs,
    iot_hub,
    key_vault,
    kusto,
    management,
    network,
    service_bus,
    sql,
    storage,
    synapse,
)

_ABOVE = (management, network, event_grid)
_TARGETS = (storage, event_hubs, iot_hub, key_vault, sql, kusto, digital_twins, service_bus)
_REQUESTERS = (synapse, data_factory)


def register(cloud: Cloud) -> None:
    """Add every provider's routes, jobs and target types."""
    for provider in (*_ABOVE, *_TARGETS, *_REQUESTERS):
        provider.register(cloud)
