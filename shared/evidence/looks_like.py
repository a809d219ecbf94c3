"""Which Azure service a private endpoint's id looks like: a hint for people in an alert, never evidence. Pure.

Everything after the subscription is the requester's choice in a subscription of their own. The shapes are those of ids in
public code and documentation; where a service's shape is not published (Data Explorer), no shape is claimed for it.
"""

from __future__ import annotations

import re

from shared.resource_id import ResourceId, fold, is_guid

_SHAPES = (
    ("Azure Machine Learning", re.compile(r"commonhoborg\d+"), re.compile(r"__sys_pe_.+")),
    ("Azure Front Door", re.compile(r"eafd-prod-.+"), re.compile(r".+")),
    ("Azure Databricks serverless", re.compile(r"prod-.+-snp-.+"), re.compile(r".+")),
    ("Azure Managed Grafana", re.compile(r".+"), re.compile(r"grafana-.+")),
)


def looks_like(endpoint: ResourceId) -> str | None:
    """The service whose private endpoints have such ids; None where no known shape fits."""
    group, name = fold(endpoint.resource_group), fold(endpoint.name)
    if _in_managed_network(endpoint, group):
        owner, _, rest = name.partition(".")
        # `<workspace>.<endpoint>`: what ends in a GUID is another service's, which shares these groups.
        return "Synapse or Data Factory" if owner and rest and not is_guid(rest) else None
    return next((service for service, g, n in _SHAPES if g.fullmatch(group) and n.fullmatch(name)), None)


def _in_managed_network(endpoint: ResourceId, group: str) -> bool:
    """Managed virtual networks have groups named `vnet-<first eight digits of their own subscription>-<region>-<n>-rg`."""
    return re.fullmatch(rf"vnet-{endpoint.subscription_id[:8]}-.+-rg", group) is not None
