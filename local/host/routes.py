"""Routes of HTTP functions: ASP.NET templates such as `runs/{runId:guid}/{page:int?}` and `files/{*path}`.

Decides which function and route parameters belong to a method and a path. Matching ignores case. A method that no
function of the route takes is "not found", also HEAD: so does Azure (azure-functions-host issues 10098 and 11625).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from local.host.bindings import Function, FunctionInError

_PARAMETER = re.compile(
    r"\{(?P<all>\*{0,2})(?P<name>\w+)(?P<constraints>(?::[^:{}?=]+)*)(?:=(?P<default>[^{}]*))?(?P<optional>\??)\}"
)
_PATTERNS = {
    "int": r"-?\d{1,10}",
    "long": r"-?\d{1,19}",
    "alpha": r"[A-Za-z]+",
    "bool": r"true|false",
    "decimal": r"-?\d+(?:\.\d+)?",
    "double": r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?",
    "float": r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?",
    "guid": r"\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?",
}


@dataclass(frozen=True)
class Route:
    """One function's route below the prefix; `order` sorts literal segments before parameters."""

    function: Function
    template: str
    methods: frozenset[str]
    pattern: re.Pattern[str]
    defaults: Mapping[str, str]
    order: tuple[int, ...]


@dataclass(frozen=True)
class Match:
    """A function that serves a request, and the route's parameters."""

    function: Function
    parameters: Mapping[str, str]


def read_route(function: Function) -> Route:
    """The route of an HTTP function (its name where none is given; all methods where none are given).

    Raises:
        FunctionInError: the template uses a constraint that the local host does not know.
    """
    properties = function.trigger.properties
    template = str(properties["route"] if properties.get("route") is not None else function.name).strip("/")
    pattern, order, defaults = "", [], {}
    for number, segment in enumerate(template.split("/") if template else []):
        expression, kind, default = _segment(segment)
        defaults.update(default)
        slash = "/" if number else ""
        pattern += f"(?:{slash}{expression})?" if kind >= _CAN_BE_ABSENT else slash + expression
        order.append(kind % _CAN_BE_ABSENT)
    methods = frozenset(str(method).upper() for method in properties.get("methods") or [])
    return Route(function, template, methods, re.compile(pattern + r"\Z", re.IGNORECASE), defaults, tuple(order))


_CAN_BE_ABSENT = 10
_LITERAL, _CONSTRAINED, _FREE, _REST = range(4)


def _segment(segment: str) -> tuple[str, int, dict[str, str]]:
    expression, kind, defaults, position = "", _LITERAL, {}, 0
    for part in _PARAMETER.finditer(segment):
        expression += re.escape(segment[position : part.start()])
        position = part.end()
        constraints = [constraint for constraint in part["constraints"].split(":") if constraint]
        value = ".+" if part["all"] else "[^/]+?"
        checks = "".join(f"(?={_constraint(one)}(?:/|\\Z))" for one in constraints)
        expression += f"(?P<{part['name']}>{checks}{value})"
        kind = max(kind, _REST if part["all"] else _CONSTRAINED if constraints else _FREE)
        if part["default"] is not None:
            defaults[part["name"]] = part["default"]
        if part["optional"] or part["default"] is not None or part["all"]:
            kind += _CAN_BE_ABSENT
    rest = segment[position:]
    if "{" in rest or "}" in rest:
        raise FunctionInError(f"the route segment '{segment}' is not understood")
    return expression + re.escape(rest), kind, defaults


def _constraint(text: str) -> str:
    name, _, argument = text.rstrip(")").partition("(")
    if name in _PATTERNS and not argument:
        return f"(?:{_PATTERNS[name]})"
    if name == "length" and re.fullmatch(r"\d+(?:,\d+)?", argument):
        return f"[^/]{{{argument}}}"
    if name in {"minlength", "maxlength"} and argument.isdigit():
        return f"[^/]{{{argument},}}" if name == "minlength" else f"[^/]{{0,{argument}}}"
    raise FunctionInError(f"the route constraint '{text}' is not supported by the local host")


def find(routes: Iterable[Route], method: str, raw_path: str) -> Match | None:
    """The function for a method and a path below the prefix (still percent-encoded); literal segments win."""
    path = unquote(raw_path.replace("%2F", "%252F").replace("%2f", "%252f")).strip("/")
    for route in sorted(routes, key=lambda route: route.order):
        found = route.pattern.match(path)
        if found is not None and (not route.methods or method in route.methods):
            given = {name: value for name, value in found.groupdict().items() if value is not None}
            return Match(route.function, {**route.defaults, **given})
    return None
