"""Route templates."""

from __future__ import annotations

from typing import Any

import pytest

from local.host.bindings import Binding, Function, FunctionInError
from local.host.routes import Match, find, read_route


def function(template: str | None, *methods: str, name: str = "f") -> Function:
    properties: dict[str, Any] = {"methods": list(methods)}
    if template is not None:
        properties["route"] = template
    return Function(name, name, Binding("req", "httpTrigger", properties), (), ())


def parameters(template: str, path: str) -> dict[str, str] | None:
    match = find([read_route(function(template))], "GET", path)
    return None if match is None else dict(match.parameters)


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("runs/{runId}", "/Runs/abc", {"runId": "abc"}),
        ("runs/{runId}", "/runs", None),
        ("runs/{runId}", "/runs/a/b", None),
        ("runs/{runId?}", "/runs", {}),
        ("runs/{runId?}", "/runs/", {}),
        ("runs/{page=1}", "/runs", {"page": "1"}),
        ("runs/{page:int=1}", "/runs/7", {"page": "7"}),
        ("{a:int}", "/12", {"a": "12"}),
        ("{a:int}", "/12b", None),
        ("{a:guid}/x", "/11111111-1111-1111-1111-111111111111/x", {"a": "11111111-1111-1111-1111-111111111111"}),
        ("{a:alpha:length(2,3)}", "/abcd", None),
        ("{a:alpha:length(2,3)}", "/abc", {"a": "abc"}),
        ("{a:minlength(3)}", "/ab", None),
        ("files/{*path}", "/files/a/b.txt", {"path": "a/b.txt"}),
        ("files/{*path}", "/files", {}),
        ("v{version}/{name}.json", "/v2/x.json", {"version": "2", "name": "x"}),
        ("a.b", "/aXb", None),
        ("", "/", {}),
        ("{a}", "/x%20y%2Fz", {"a": "x y%2Fz"}),
    ],
)
def test_a_template_takes_a_path_or_not(template: str, path: str, expected: dict[str, str] | None) -> None:
    assert parameters(template, path) == expected


def test_literal_segments_go_before_parameters_and_constrained_ones_before_free_ones() -> None:
    routes = [read_route(function(text, name=text)) for text in ("{any}", "{n:int}", "status", "{*rest}")]

    def served(path: str) -> str:
        match = find(routes, "GET", path)
        assert isinstance(match, Match)
        return match.function.name

    assert [served(path) for path in ("/status", "/12", "/other", "/a/b")] == ["status", "{n:int}", "{any}", "{*rest}"]


def test_functions_share_a_route_by_method() -> None:
    routes = [read_route(function("x", "get", name="reads")), read_route(function("x", "post", name="writes"))]
    match = find(routes, "POST", "/x")
    assert match is not None
    assert match.function.name == "writes"
    assert find(routes, "DELETE", "/x") is None


def test_without_a_route_the_functions_name_is_the_route() -> None:
    assert read_route(function(None, name="Reevaluate")).template == "Reevaluate"


@pytest.mark.parametrize("template", ["{a:datetime}", "{a:regex(^x$)}", "{a", "a}"])
def test_what_the_local_host_does_not_understand_is_refused(template: str) -> None:
    with pytest.raises(FunctionInError):
        read_route(function(template))
