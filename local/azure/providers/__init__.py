"""The resource providers, one file each. `register` makes a local Azure serve all of them."""

from __future__ import annotations

from local.azure.cloud import Cloud
from local.azure.providers import data_factory, event_grid, event_hubs, kusto, management, network, storage, synapse


def register(cloud: Cloud) -> None:
    """Add every provider's routes, jobs and target types."""
    for provider in (management, network, storage, event_hubs, kusto, synapse, data_factory, event_grid):
        provider.register(cloud)
