"""The host as a program: how it starts, ends, and says why it could not."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from local.host.process import REPOSITORY, HostProcess, HostProcessError
from tests.local_host.conftest import SAMPLE, StartHost, eventually


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A copy of the sample app that a test may break."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "app"))


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=10).ok
    except requests.ConnectionError:
        return False


def test_the_host_has_exactly_the_settings_it_is_given(app: Path) -> None:
    (app / "local.settings.json").write_text('{"Values": {"AzureWebJobsStorage": "x"}}', encoding="utf-8")
    with HostProcess({}, root=app) as host:
        assert "The 'work' function is in error: the storage account connection 'AzureWebJobsStorage'" in host.log()
        assert requests.get(f"{host.url}/api/text", timeout=10).ok


def test_by_hand_the_host_reads_local_settings(app: Path) -> None:
    (app / "local.settings.json").write_text('{"Values": {"TICK_SCHEDULE": "never"}}', encoding="utf-8")
    command = [sys.executable, "-m", "local", "host", "--port", "0", "--root", str(app)]
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as child:
        try:
            assert child.stderr is not None
            assert any("The schedule expression 'never'" in line for line in child.stderr)
        finally:
            child.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_host_in_good_order(number: signal.Signals, app: Path) -> None:
    with HostProcess({}, root=app) as host:
        os.kill(host.process_id, number)
        assert host.wait() == 0
        assert host.log().endswith("Host stopped")


def test_an_app_that_cannot_be_imported_ends_the_host_and_says_why(app: Path) -> None:
    (app / "function_app.py").write_text("import no_such_module\n", encoding="utf-8")
    with pytest.raises(HostProcessError, match="No module named 'no_such_module'"), HostProcess({}, root=app):
        pass


def test_an_app_whose_bindings_are_wrong_ends_the_host_and_says_why(app: Path) -> None:
    code = (app / "function_app.py").read_text(encoding="utf-8")
    code = code.replace("def text(req: func.HttpRequest)", "def text(request: func.HttpRequest)")
    (app / "function_app.py").write_text(code, encoding="utf-8")
    with pytest.raises(HostProcessError, match="declared in Python but not in the function"), HostProcess({}, root=app):
        pass


def test_a_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HostProcessError, match="not a function app"), HostProcess({}, root=tmp_path):
        pass
    (tmp_path / "host.json").write_text('{"version": "2.0"}', encoding="utf-8")
    with pytest.raises(HostProcessError, match="there is no function_app"), HostProcess({}, root=tmp_path):
        pass


def test_a_port_that_is_taken_is_named(app: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(HostProcessError, match=f"could not start.*{port}"), HostProcess({}, root=app, port=port):
            pass


def test_a_host_whose_parent_is_killed_ends(app: Path) -> None:
    parent = (
        "import sys; from pathlib import Path; from local.host.process import HostProcess\n"
        f"with HostProcess({{}}, root=Path({str(app)!r})) as host:\n"
        "    print(host.url, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        assert answers(url)
        child.kill()
    eventually(lambda: not answers(url))


def test_only_the_loopback_address_is_listened_on(app: Path) -> None:
    with HostProcess({}, root=app) as host, pytest.raises(requests.ConnectionError):
        requests.get(host.url.replace("127.0.0.1", "127.0.0.2"), timeout=10)


def test_a_function_that_takes_too_long_fails(start_host: StartHost) -> None:
    host = start_host(AzureFunctionsJobHost__functionTimeout="00:00:01")
    assert requests.get(f"{host.url}/api/slow/60", timeout=30).status_code == 500
    host.wait_for_log("Timeout value of 1 s exceeded")


def test_a_function_that_blocks_its_event_loop_does_not_block_the_host(start_host: StartHost) -> None:
    host = start_host()
    with ThreadPoolExecutor() as callers:
        blocked = callers.submit(requests.get, f"{host.url}/api/block/1", timeout=30)
        host.wait_for_log("block begins")
        assert requests.get(f"{host.url}/admin/host/status", timeout=10).ok
        assert not blocked.done()


@pytest.mark.slow
def test_storage_that_is_away_is_waited_for(start_host: StartHost) -> None:
    away = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;"
    away += "".join(f"{service}Endpoint=http://127.0.0.1:1/a;" for service in ("Blob", "Queue"))
    host = start_host(AzureWebJobsStorage=away)
    host.wait_for_log("The queue 'work' could not be read, trying again")
    host.wait_for_log("The lease of the timer 'tick' could not be had")
    assert host.stop() == 0


def test_the_route_prefix_of_host_json_is_kept(start_host: StartHost) -> None:
    for prefix, path in (("", "/text"), ("my/own", "/My/own/text")):
        host = start_host(AzureFunctionsJobHost__extensions__http__routePrefix=prefix)
        assert requests.get(host.url + path, timeout=10).text == "GET says hello"
        assert requests.get(f"{host.url}/api/text", timeout=10).status_code == 404


def test_a_request_that_is_being_served_is_finished(start_host: StartHost) -> None:
    host = start_host()
    with ThreadPoolExecutor() as callers:
        answer = callers.submit(requests.get, f"{host.url}/api/slow/1", timeout=30)
        host.wait_for_log("slow begins")
        assert host.stop() == 0
        assert answer.result().text == "done"


def test_log_levels_of_host_json_are_kept(start_host: StartHost) -> None:
    host = start_host(
        **{
            "AzureFunctionsJobHost__logging__logLevel__Function": "Error",
            "AzureFunctionsJobHost__logging__logLevel__Function.echo.User": "Information",
        }
    )
    requests.get(f"{host.url}/api/echo/kept", timeout=10)
    requests.get(f"{host.url}/api/fail", timeout=10)
    log = host.wait_for_log(r"Executed 'Functions.fail' \(Failed")
    assert "echo kept" in log
    assert "Executing 'Functions.echo'" not in log
    assert "Executing 'Functions.fail'" not in log
