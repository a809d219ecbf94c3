"""Which events an event subscription takes: Event Grid's filters. Pure.

Source: https://learn.microsoft.com/azure/event-grid/event-filtering
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.azure.wire import AzureError, Json, as_object
from shared.resource_id import fold

MAX_VALUES = 25
"""Advanced filters, and values in all of them together, in one event subscription."""


def _strings(test: Callable[[str, str], bool]) -> Callable[[Any, list[Any]], bool]:
    return lambda found, values: isinstance(found, str) and any(test(fold(found), fold(str(v))) for v in values)


def _numbers(test: Callable[[float, float], bool]) -> Callable[[Any, list[Any]], bool]:
    def match(found: Any, values: list[Any]) -> bool:
        is_number = isinstance(found, (int, float)) and not isinstance(found, bool)
        return is_number and any(test(float(found), float(v)) for v in values)

    return match


_POSITIVE: dict[str, Callable[[Any, list[Any]], bool]] = {
    "stringin": _strings(lambda found, value: found == value),
    "stringcontains": _strings(lambda found, value: value in found),
    "stringbeginswith": _strings(str.startswith),
    "stringendswith": _strings(str.endswith),
    "numberin": _numbers(lambda found, value: found == value),
    "numbergreaterthan": _numbers(lambda found, value: found > value),
    "numbergreaterthanorequals": _numbers(lambda found, value: found >= value),
    "numberlessthan": _numbers(lambda found, value: found < value),
    "numberlessthanorequals": _numbers(lambda found, value: found <= value),
    "boolequals": lambda found, values: isinstance(found, bool) and found in values,
    "isnullorundefined": lambda found, _: found is None,
}
_NEGATIVE = {
    "stringnotin": "stringin",
    "stringnotcontains": "stringcontains",
    "stringnotbeginswith": "stringbeginswith",
    "stringnotendswith": "stringendswith",
    "numbernotin": "numberin",
    "isnotnull": "isnullorundefined",
}


def check(event_filter: Json) -> None:
    """Refuse a filter that Event Grid would refuse.

    Raises:
        AzureError: 400 InvalidRequest, with what is wrong.
    """
    advanced = event_filter.get("advancedFilters") or []
    values = sum(len(_values(one)) for one in advanced)
    if len(advanced) > MAX_VALUES or values > MAX_VALUES:
        raise AzureError(400, "InvalidRequest", f"At most {MAX_VALUES} advanced filters and values are allowed.")
    for one in advanced:
        operator = fold(str(one.get("operatorType", "")))
        if operator not in _POSITIVE and operator not in _NEGATIVE:
            raise AzureError(400, "InvalidRequest", f"The operator type '{one.get('operatorType')}' is not supported.")
        if not one.get("key"):
            raise AzureError(400, "InvalidRequest", "An advanced filter needs a key.")


def matches(event_filter: Json, event: Json) -> bool:
    """Whether an event (Event Grid schema) passes: types and subject and every advanced filter."""
    included = event_filter.get("includedEventTypes")
    if included and fold(event["eventType"]) not in {fold(kind) for kind in included}:
        return False
    same = str if event_filter.get("isSubjectCaseSensitive") else fold
    subject = same(event["subject"])
    if not subject.startswith(same(event_filter.get("subjectBeginsWith") or "")):
        return False
    if not subject.endswith(same(event_filter.get("subjectEndsWith") or "")):
        return False
    return all(_advanced(one, event) for one in event_filter.get("advancedFilters") or [])


def _advanced(one: Json, event: Json) -> bool:
    operator = fold(one["operatorType"])
    found = _value(event, one["key"])
    if operator in _NEGATIVE:
        return not _POSITIVE[_NEGATIVE[operator]](found, _values(one))
    return _POSITIVE[operator](found, _values(one))


def _values(one: Json) -> list[Any]:
    values = one.get("values")
    if isinstance(values, list):
        return values
    return [one["value"]] if "value" in one else []


def _value(event: Json, key: str) -> Any:
    """The value under a key (`data.operationName`); CloudEvents' names of the envelope are understood too."""
    first, *rest = key.split(".")
    found = event.get({"source": "topic", "type": "eventType"}.get(first, first))
    for name in rest:
        parent = as_object(found)
        found = next((value for known, value in parent.items() if fold(known) == fold(name)), None)
    return found
