"""Event Grid's filters, one operator at a time."""

from __future__ import annotations

from typing import Any

import pytest

from local.azure.filters import matches

EVENT = {
    "eventType": "Microsoft.Resources.ResourceWriteSuccess",
    "subject": "/subscriptions/s/resourceGroups/rg",
    "topic": "/subscriptions/s",
    "data": {"operationName": "A.B/c/Write", "count": 5, "flag": True, "resourceInfo": {"type": "A.B/c"}},
}


def advanced(operator: str, key: str, *values: Any) -> dict[str, Any]:
    return {"advancedFilters": [{"operatorType": operator, "key": key, "values": list(values)}]}


@pytest.mark.parametrize(
    ("event_filter", "expected"),
    [
        ({}, True),
        ({"includedEventTypes": ["microsoft.resources.resourcewritesuccess"]}, True),
        ({"includedEventTypes": ["Microsoft.Resources.ResourceDeleteSuccess"]}, False),
        ({"subjectBeginsWith": "/SUBSCRIPTIONS/s"}, True),
        ({"subjectBeginsWith": "/SUBSCRIPTIONS/s", "isSubjectCaseSensitive": True}, False),
        ({"subjectEndsWith": "/rg"}, True),
        ({"subjectEndsWith": "/other"}, False),
        (advanced("StringEndsWith", "data.operationName", "/other", "/write"), True),
        (advanced("StringEndsWith", "data.operationName", "/read"), False),
        (advanced("StringBeginsWith", "data.operationName", "a.b/"), True),
        (advanced("StringContains", "data.operationName", "/C/"), True),
        (advanced("StringIn", "data.resourceInfo.type", "A.B/C"), True),
        (advanced("StringNotIn", "data.resourceInfo.type", "A.B/C"), False),
        (advanced("StringNotContains", "data.missing", "x"), True),
        (advanced("NumberGreaterThan", "data.count", 4), True),
        (advanced("NumberIn", "data.count", 4), False),
        (advanced("NumberIn", "data.flag", 1), False),
        ({"advancedFilters": [{"operatorType": "BoolEquals", "key": "data.flag", "value": True}]}, True),
        (advanced("IsNullOrUndefined", "data.missing"), True),
        (advanced("IsNotNull", "data.count"), True),
        (advanced("StringIn", "source", "/subscriptions/s"), True),
    ],
)
def test_a_filter_decides_as_documented(event_filter: dict[str, Any], expected: bool) -> None:
    assert matches(event_filter, EVENT) is expected


def test_all_filters_must_hold() -> None:
    both = (
        advanced("StringContains", "subject", "rg")["advancedFilters"]
        + advanced("NumberIn", "data.count", 6)["advancedFilters"]
    )
    assert not matches({"advancedFilters": both}, EVENT)
