"""Azure Resource Graph: one query over subscriptions or management groups, page by page."""

from __future__ import annotations

from shared.azure.arm import Arm


def query_graph(arm: Arm, query: str, over: dict[str, list[str]]) -> list[dict[str, str]]:
    """All rows of a Resource Graph query (facts/event-grid.md, section 5: 1,000 rows a page, `$skipToken`).

    Args:
        arm: where to ask.
        query: the KQL text; it must end with an order where more than a page is expected.
        over: `subscriptions` or `managementGroups` to ask about.
    """
    rows: list[dict[str, str]] = []
    options: dict[str, object] = {"resultFormat": "objectArray", "$top": 1000}
    while True:
        answer = arm.post(GRAPH, GRAPH_VERSION, {"query": query, "options": options, **over})
        rows += answer.get("data") or []
        token = answer.get("$skipToken")
        if not token:
            return rows
        options = {**options, "$skipToken": token}


GRAPH = "/providers/Microsoft.ResourceGraph/resources"


GRAPH_VERSION = "2022-10-01"
