"""Which Azure service a private endpoint's id looks like: a hint for people in an alert, never evidence. Pure.

Everything after the subscription is the requester's choice in his own subscription. Shapes: facts/requesters.md, 1b.
"""

from __future__ import annotations

import re

from shared.resource_id import ResourceId, fold

_SHAPES = (
    ("Azure Machine Learning", re.compile(r"commonhoborg\d+"), re.compile(r"__sys_pe_.+")),
    ("Azure Front Door", re.compile(r"eafd-prod-.+"), re.compile(r".+")),
    ("Azure Databricks serverless", re.compile(r"prod-.+-snp-.+"), re.compile(r".+")),
    ("Synapse or Data Factory", re.compile(r"vnet-[0-9a-f]{8}-.+-rg"), re.compile(r"[^.]+\..+")),
    ("Azure Managed Grafana", re.compile(r".+"), re.compile(r"grafana-.+")),
)


def looks_like(endpoint: ResourceId) -> str | None:
    """The service whose private endpoints have such ids; None where no known shape fits."""
    group, name = fold(endpoint.resource_group), fold(endpoint.name)
    return next((service for service, g, n in _SHAPES if g.fullmatch(group) and n.fullmatch(name)), None)
