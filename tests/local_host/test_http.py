"""HTTP functions: what a function is given and what its caller gets."""

from __future__ import annotations

import pytest
import requests

from local.host.process import HostProcess


def test_a_function_is_given_method_url_route_parameters_query_headers_and_body(host: HostProcess) -> None:
    url = f"{host.url}/api/echo/H%C3%A9llo%2Fthere/-3?a=1&a=2&b=&c=x%20y"
    answer = requests.post(url, data="the body", headers={"X-Test": "t"}, timeout=10)
    assert answer.json() == {
        "method": "POST",
        "url": url,
        "route": {"word": "Héllo%2Fthere", "number": "-3"},
        "query": {"a": "1,2", "c": "x y"},
        "header": "t",
        "body": "the body",
    }


def test_an_answer_has_the_functions_status_headers_cookies_and_type(host: HostProcess) -> None:
    answer = requests.get(f"{host.url}/api/echo/word", timeout=10)
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Answer"] == "42"
    assert answer.headers["Set-Cookie"] == "a=b; HttpOnly; Max-Age=60; Path=/; SameSite=Strict"


def test_a_returned_text_is_a_plain_text_answer(host: HostProcess) -> None:
    answer = requests.get(f"{host.url}/api/TEXT", timeout=10)
    assert (answer.status_code, answer.text) == (200, "GET says hello")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_head_reaches_a_function_that_takes_it(host: HostProcess) -> None:
    answer = requests.head(f"{host.url}/api/text", timeout=10)
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, str(len("HEAD says hello")))


def test_an_exception_is_500_without_a_body_and_is_logged_with_its_stack(host: HostProcess) -> None:
    answer = requests.get(f"{host.url}/api/fail", timeout=10)
    assert (answer.status_code, answer.content) == (500, b"")
    log = host.wait_for_log(r"Executed 'Functions.fail' \(Failed, Id=")
    assert "ValueError: asked to fail by GET" in log
    assert 'function_app.py", line' in log


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/echo/word"),
        ("HEAD", "/api/echo/word"),
        ("GET", "/api/echo/word/notanumber"),
        ("GET", "/api/echo"),
        ("GET", "/echo/word"),
        ("GET", "/api/nothing"),
        ("GET", "/api"),
        ("GET", "/admin/nothing"),
    ],
)
def test_what_no_function_takes_is_not_found_as_in_azure(host: HostProcess, method: str, path: str) -> None:
    assert requests.request(method, host.url + path, timeout=10).status_code == 404


def test_the_root_says_that_the_app_runs(host: HostProcess) -> None:
    answer = requests.get(host.url, timeout=10)
    assert answer.status_code == 200
    assert "up and running" in answer.text


def test_admin_tells_the_state_and_the_functions_with_their_bindings(host: HostProcess) -> None:
    assert requests.get(f"{host.url}/admin/host/status", timeout=10).json()["state"] == "Running"
    functions = {one["name"]: one for one in requests.get(f"{host.url}/admin/functions", timeout=10).json()}
    assert functions["echo"]["invoke_url_template"] == f"{host.url}/api/echo/{{word}}/{{number:int?}}"
    assert functions["work"]["config"]["bindings"][-1]["queueName"] == "work"
    assert "never" not in functions


def test_a_function_is_run_by_hand_through_admin(host: HostProcess) -> None:
    answer = requests.post(f"{host.url}/admin/functions/FAIL", json={"input": "x"}, timeout=10)
    assert answer.status_code == 202
    host.wait_for_log("ValueError: asked to fail by POST")
    assert requests.post(f"{host.url}/admin/functions/nothing", json={}, timeout=10).status_code == 404
    assert requests.post(f"{host.url}/admin/functions/fail", data="{", timeout=10).status_code == 400


def test_the_log_lists_functions_and_says_which_are_in_error_and_why(host: HostProcess) -> None:
    log = host.log()
    assert f"echo: [GET,POST] {host.url.replace('127.0.0.1', 'localhost')}/api/echo/{{word}}/{{number:int?}}" in log
    assert "on_event: eventGridTrigger" in log
    assert "The 'never' function is in error: '%SCHEDULE_WITHOUT_VALUE%' does not resolve to a value." in log
    assert (
        "The 'on_blob' function is in error: the binding type 'blobTrigger' is not supported by the local host" in log
    )
    assert "host.json: healthMonitor.enabled is not copied by the local host" in log


def test_an_apps_log_line_names_its_function_and_invocation(host: HostProcess) -> None:
    requests.get(f"{host.url}/api/echo/logged", timeout=10)
    assert host.wait_for_log(r"\[echo [0-9a-f]{8}\] echo logged$")
