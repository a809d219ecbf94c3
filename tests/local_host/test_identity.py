"""Storage by identity: `AzureWebJobsStorage__queueServiceUri` and the like, against Azurite over TLS with OAuth."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme
from azure.storage.queue import QueueClient

from local.host.process import HostProcess
from tests.local_host.azurite_server import Account, azurite
from tests.local_host.conftest import SAMPLE, encoded


def token(audience: str) -> str:
    """A token as Azurite's `--oauth basic` wants it: right claims, any signature."""
    now = int(time.time())
    claims = {
        "aud": audience,
        "iss": "https://sts.windows.net/home/",
        "nbf": now - 60,
        "iat": now - 60,
        "exp": now + 3600,
    }
    parts = ({"alg": "RS256", "typ": "JWT"}, claims, "signature")
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


class Identity(BaseHTTPRequestHandler):
    """The identity endpoint of App Service; remembers which client ids were asked for."""

    asked: set[str]

    def do_GET(self) -> None:
        query = dict(pair.split("=") for pair in self.path.partition("?")[2].split("&"))
        self.asked.add(query.get("client_id", ""))
        body = {"access_token": token("https://storage.azure.com"), "expires_on": str(int(time.time()) + 3600)}
        body |= {"resource": "https://storage.azure.com", "token_type": "Bearer"}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def identity() -> Iterator[tuple[str, set[str]]]:
    """The endpoint's URL, and the client ids that were asked for."""
    asked: set[str] = set()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Identity,), {"asked": asked})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/token", asked
        server.shutdown()


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[Account, Path]]:
    """A storage account that wants TLS and tokens, and the file of the authority that signed its certificate."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    with azurite(1, "--oauth", "basic", "--cert", str(tmp_path / "cert.pem"), "--key", str(tmp_path / "key.pem")) as (
        one,
    ):
        yield one, tmp_path / "ca.pem"


@pytest.mark.slow
def test_queues_and_timers_work_with_the_apps_identity(
    secure: tuple[Account, Path], identity: tuple[str, set[str]]
) -> None:
    account, authority = secure
    endpoint, asked = identity
    settings = {
        f"AzureWebJobsStorage__{name.lower()}ServiceUri": f"{url}/{account.name}"
        for name, url in account.endpoints.items()
    }
    settings |= {
        "AzureWebJobsStorage__credential": "managedidentity",
        "AzureWebJobsStorage__clientId": "user-assigned",
        "IDENTITY_ENDPOINT": endpoint,
        "IDENTITY_HEADER": "secret",
        "SSL_CERT_FILE": str(authority),
        "TICK_SCHEDULE": "* * * * * *",
    }
    queue = QueueClient.from_connection_string(account.connection_string, "work", connection_verify=str(authority))
    queue.create_queue()
    queue.send_message(encoded({"name": "by identity"}))
    with HostProcess(settings, root=SAMPLE) as host:
        host.wait_for_log(r"Executed 'Functions.work' \(Succeeded")
        host.wait_for_log("tick past_due=False")
    assert asked == {"user-assigned"}
