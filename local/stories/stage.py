"""The stage of the stories: a local Azure and a Functions host, both real child processes, and what a story does with them.

Decides nothing about what should happen; every method does one thing that a person or a program could do by hand.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.azure.process import AzureProcess
from local.host.process import REPOSITORY, HostProcess
from local.stories import estate
from local.stories.expect import StoryError, eventually, expect
from local.stories.screen import Screen

POLICY = Path(__file__).parent / "policy.yaml"
TIME_SCALE = 0.02
"""A managed private endpoint of Data Explorer takes three minutes in Azure; here 3.6 s."""
NEVER = "0 0 0 29 2 *"
"""The demo is about events: no sweep may help it."""
_ARM = "https://management.azure.com"
_HTTP_SECONDS = 60
_BUSY = 409


class Stage:
    """`with Stage(screen) as stage:` starts both processes on free ports; they end with the block."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self._stack = ExitStack()
        self.policy = Path()
        self.azure: AzureProcess
        self.host: HostProcess

    def __enter__(self) -> Self:
        with ExitStack() as started:
            folder = started.enter_context(tempfile.TemporaryDirectory(prefix="stories-"))
            self.policy = Path(shutil.copy(POLICY, folder))
            self.azure = started.enter_context(AzureProcess(time_scale=TIME_SCALE, webhook=""))
            settings = {**self.azure.settings, "POLICY_PATH": str(self.policy), "SWEEP_SCHEDULE": NEVER}
            self.host = started.enter_context(HostProcess(settings))
            estate.build(self.azure.client)
            estate.subscribe(self.azure.client, self.host.url)
            self._stack = started.pop_all()
        self._client = self.azure.client
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def arm(self, method: str, path: str, body: Any = None, *, version: str = "", tenant: str = "") -> Any:
        """An ARM call of an engineer of a tenant (default: ours); answers the body.

        Raises:
            StoryError: it was refused.
        """
        version = version or estate.version_of(path)
        return self.call(method, f"{path}?api-version={version}", body, audience=_ARM, tenant=tenant)

    def call(self, method: str, url: str, body: Any, *, audience: str, tenant: str = "") -> Any:
        """A call with an engineer's token for an audience; a path is ARM's. Answers the body.

        Raises:
            StoryError: it was refused.
        """
        token = self._client.token(tenant, estate.ENGINEER, audience)
        reply = self._client.send(method, url, body, {"Authorization": f"Bearer {token}"})
        expect(200 <= reply.status < 300, f"{method} {url} was answered with {reply.status}: {reply.body}")
        return reply.body

    def local(self, path: str) -> Any:
        """A read of the local Azure's control interface."""
        return self._client.local("GET", path)

    def connections(self, target: str) -> list[Any]:
        """The private endpoint connections of a target, as ARM lists them."""
        found: list[Any] = self.arm("GET", f"{target}/privateEndpointConnections")["value"]
        return found

    def connection_of(self, target: str, requester: str, sub_resource: str = "") -> Any:
        """The connection at a target that belongs to a requester's endpoint (the local Azure knows), as ARM shows it.

        Raises:
            StoryError: there is none (yet), or more than one.
        """
        truth = [
            c["connectionId"]
            for c in self.local("oracle/connections")
            if c["targetId"].lower() == target.lower()
            and c["requesterId"].lower() == requester.lower()
            and sub_resource in ("", c["subResource"])
        ]
        name = requester.rpartition("/")[2]
        expect(len(truth) == 1, f"{len(truth)} connections of {name} are at {target}, not one")
        return self.arm("GET", truth[0])

    def expect_status(self, target: str, requester: str, wanted: str, *, rule: str = "") -> None:
        """Raise `StoryError` unless the connection of a requester's endpoint has a status (and names the rule)."""
        state = self.connection_of(target, requester)["properties"]["privateLinkServiceConnectionState"]
        name, status, description = requester.rpartition("/")[2], state["status"], state["description"]
        expect(status == wanted, f"the connection of {name} is {status}, not {wanted}")
        expect(
            not rule or f"rule {rule}," in description, f"the description of {name} does not name {rule}: {description}"
        )

    def alerts(self, subject: str) -> list[Any]:
        """The alerts about a subject that arrived at the topic, as CloudEvents."""
        arrived = [entry["event"] for entry in self.local("topics/alerts/events")]
        return [event for event in arrived if event["subject"].lower() == subject.lower()]

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        """A call of the app's HTTP API: the status and the answer's JSON."""
        content = json.dumps(body).encode()
        sent = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.host.url}{path}", content, sent, method="POST")  # noqa: S310  # our own
        try:
            with urllib.request.urlopen(request, timeout=_HTTP_SECONDS) as answer:  # noqa: S310
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except urllib.error.URLError as error:
            raise StoryError(f"the HTTP API cannot be reached: {error.reason}") from error

    def reevaluate(self, scope: str, *, dry_run: bool = False) -> Any:
        """`POST /api/reevaluate` of a target or a connection, once no other review holds it; answers the body.

        Raises:
            StoryError: it was not answered with 200.
        """

        def asked() -> tuple[int, Any]:
            status, body = self.post("/api/reevaluate", {"scope": scope, "dryRun": dry_run})
            expect(status != _BUSY, f"another review holds {scope}")
            return status, body

        status, body = eventually(asked, seconds=30)
        expect(status == 200, f"POST /api/reevaluate was answered with {status}: {body}")
        return body

    def policy_tool(self, *arguments: str) -> str:
        """What `python -m shared.policy ...` prints.

        Raises:
            StoryError: it did not succeed.
        """
        command = [sys.executable, "-m", "shared.policy", *arguments]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        expect(done.returncode == 0, f"python -m shared.policy {arguments[0]} failed: {done.stdout}{done.stderr}")
        return done.stdout.strip()
