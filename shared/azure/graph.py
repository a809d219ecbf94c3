"""Azure Resource Graph: one query over subscriptions or management groups, page by page.

Wire facts: at most 1,000 rows a page, the next by `$skipToken`; `resultTruncated` ("true" or "false", a text) without a
token means that rows were cut off; a query that covers more than 10,000 subscriptions answers for 10,000 of them and says so
in the header `x-ms-tenant-subscription-limit-hit`. What the identity may not read is missing without notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.azure.arm import MOST_PAGES, Arm
from shared.errors import PermanentError, TransientError
from shared.resource_id import fold

GRAPH = "/providers/Microsoft.ResourceGraph/resources"
GRAPH_VERSION = "2022-10-01"


@dataclass(frozen=True, slots=True)
class GraphRows:
    """The rows of a query, and why some may be missing (None: nothing tells that any is)."""

    rows: tuple[dict[str, Any], ...]
    incomplete: str | None = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)


def query_graph(arm: Arm, query: str, over: dict[str, list[str]]) -> GraphRows:
    """All rows of a query.

    Args:
        arm: where to ask.
        query: the KQL text; it must end with an order where more than a page is expected.
        over: `subscriptions` or `managementGroups` to ask about.

    Raises:
        TransientError: an answer is no table, beside the errors of `Arm`.
        PermanentError: the pages do not end.
    """
    rows: list[dict[str, Any]] = []
    options: dict[str, object] = {"resultFormat": "objectArray", "$top": 1000}
    incomplete: str | None = None
    for _ in range(MOST_PAGES):
        response = arm.send("POST", GRAPH, GRAPH_VERSION, {"query": query, "options": options, **over})
        answer = arm.decoded(response)
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
            raise TransientError("Resource Graph's answer is no table", code="NotAList")
        rows += data
        if fold(response.headers.get("x-ms-tenant-subscription-limit-hit") or "") == "true":
            incomplete = "more subscriptions than Resource Graph answers for (10,000)"
        token = answer.get("$skipToken")
        if not token:
            if fold(str(answer.get("resultTruncated"))) == "true":
                incomplete = "Resource Graph cut its answer off"
            return GraphRows(tuple(rows), incomplete)
        options = {**options, "$skipToken": token}
    raise PermanentError(f"Resource Graph's answer does not end ({len(rows)} rows)", code="EndlessList")
