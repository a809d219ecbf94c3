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
    pattern, segments = "", [_segment(text) for text in template.split("/") if text]
    for number, segment in enumerate(segments):
        expression = f"/{segment.pattern}" if number else segment.pattern
        pattern += f"(?:{expression})?" if segment.can_be_absent else expression
    return Route(
        function=function,
        template=template,
        methods=frozenset(str(method).upper() for method in properties.get("methods") or []),
        pattern=re.compile(pattern + r"\Z", re.IGNORECASE),
        defaults={name: value for segment in segments for name, value in segment.defaults.items()},
        order=tuple(segment.order for segment in segments),
    )


@dataclass(frozen=True)
class _Segment:
    """A part of a template between slashes; `order`: 0 literal, 1 constrained parameter, 2 free one, 3 the rest."""

    pattern: str
    order: int
    can_be_absent: bool
    defaults: Mapping[str, str]


def _segment(text: str) -> _Segment:
    pattern, order, can_be_absent, defaults, position = "", 0, False, {}, 0
    for part in _PARAMETER.finditer(text):
        checks = "".join(f"(?={_constraint(one)}(?:/|\\Z))" for one in part["constraints"].split(":") if one)
        value = ".+" if part["all"] else "[^/]+?"
        pattern += f"{re.escape(text[position : part.start()])}(?P<{part['name']}>{checks}{value})"
        position = part.end()
        order = max(order, 3 if part["all"] else 1 if checks else 2)
        can_be_absent = bool(part["optional"] or part["all"] or part["default"] is not None)
        if part["default"] is not None:
            defaults[part["name"]] = part["default"]
    rest = text[position:]
    if "{" in rest or "}" in rest:
        raise FunctionInError(f"the route segment '{text}' is not understood")
    return _Segment(pattern + re.escape(rest), order, can_be_absent, defaults)


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
