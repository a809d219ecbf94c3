"""The hint in an alert at which service's private endpoint it may be."""

from __future__ import annotations

import pytest

from shared.evidence.looks_like import looks_like
from shared.resource_id import parse

SUBSCRIPTION = "92b2afd7-e3db-4660-90c5-0da4aebf53d4"


@pytest.mark.parametrize(
    ("group", "name", "service"),
    [
        ("vnet-92b2afd7-northeurope-55-rg", "ws.AzureBlobStorage371", "Synapse or Data Factory"),
        ("vnet-92b2afd7-northeurope-55-rg", "ws.mpe.x", "Synapse or Data Factory"),
        ("vnet-92b2afd7-northeurope-55-rg", "mpe-landing.2d2eb87d-45c9-440f-9438-c9cd94befe1d", None),
        ("vnet-92b2afd7-northeurope-55-rg", "mpe", None),
        ("vnet-92b2afd7-northeurope-55-rg", "ws.", None),
        ("vnet-11111111-northeurope-55-rg", "ws.mpe", None),
        ("commonHoboRG28", "__SYS_PE_account_blob_64f9f871", "Azure Machine Learning"),
        ("eafd-Prod-centralus", "2d2eb87d-45c9-440f-9438-c9cd94befe1d", "Azure Front Door"),
        ("prod-westeurope-snp-1", "databricks-x", "Azure Databricks serverless"),
        ("rg", "grafana-g-mpe", "Azure Managed Grafana"),
        ("rg", "pe", None),
    ],
)
def test_an_id_of_a_published_shape_is_known_by_it(group: str, name: str, service: str | None) -> None:
    scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"
    assert looks_like(parse(f"{scope}/providers/Microsoft.Network/privateEndpoints/{name}")) == service
