"""`python -m local up` (`make up`): the local Azure and the Functions host until Ctrl-C, with a small estate to play in."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from local.azure.client import LocalClient
from local.azure.process import AzureProcess
from local.host.process import REPOSITORY
from local.stories import estate
from local.stories.stage import POLICY, TIME_SCALE

_POLICY = REPOSITORY / ".local" / "policy.yaml"
_HANDS_ON = """
ARM endpoint   {arm}
HTTP API       {host}/api/reevaluate
Alerts         {arm}/local/topics/alerts/events
Policy         {policy} (edit it; it is read again within 45 s)

Make a request by hand, in another terminal:

  export CURL_CA_BUNDLE={certificate}
  export ARM={arm}
  export CLUSTER={cluster}
  export STORAGE={storage}
  export TOKEN={token}

  # the Data Explorer cluster asks for a private endpoint to the storage account (approved after a few seconds)
  curl -X PUT "$ARM$CLUSTER/managedPrivateEndpoints/byHand?api-version=2022-02-01" \\
    -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
    -d '{{"properties": {{"privateLinkResourceId": "'$STORAGE'", "groupId": "blob", "requestMessage": "'$({message})'"}}}}'

  # what the storage account shows
  curl -H "Authorization: Bearer $TOKEN" "$ARM$STORAGE/privateEndpointConnections?api-version=2023-05-01"

  # what would be decided, rule by rule
  curl -X POST "{host}/api/reevaluate" -H "Content-Type: application/json" -d '{{"scope": "'$STORAGE'", "dryRun": true}}'

  # the sweep, and the alerts so far
  curl -X POST "{host}/admin/functions/sweep" -H "Content-Type: application/json" -d '{{}}'
  curl "$ARM/local/topics/alerts/events"

Ctrl-C ends everything.
"""


def main(arguments: list[str]) -> int:
    """Run until Ctrl-C or SIGTERM, or until the host ends by itself; answers the host's exit code."""
    given = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    host_url = f"http://127.0.0.1:{given.port}"
    if not given.policy.exists():
        given.policy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(POLICY, given.policy)
    webhook = f"{host_url}/runtime/webhooks/eventgrid?functionName=on_resource_event"
    print("Starting the local Azure ...", flush=True)
    try:
        with AzureProcess(time_scale=given.time_scale, webhook=webhook, state=given.state) as azure:
            estate.build(azure.client)
            print(_hands_on(azure.client, azure.settings["SSL_CERT_FILE"], host_url, given.policy), flush=True)
            return _host({**azure.settings, "POLICY_PATH": str(given.policy.resolve())}, given.port)
    except KeyboardInterrupt:
        return 0
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1


def _host(settings: dict[str, str], port: int) -> int:
    """Run the host in the foreground; it gets Ctrl-C from the terminal as well."""
    command = [sys.executable, "-m", "local", "host", "--environment-only", "--lifeline", "--port", str(port)]
    with subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ, **settings}, stdin=subprocess.PIPE) as host:
        try:
            return host.wait()
        finally:
            host.terminate()


def _hands_on(client: LocalClient, certificate: str, host_url: str, policy: Path) -> str:
    return _HANDS_ON.format(
        arm=client.url,
        host=host_url,
        certificate=certificate,
        policy=policy,
        token=client.token(client=estate.ENGINEER),
        cluster=estate.CLUSTER,
        storage=estate.LANDING_ZONE,
        message=f"{os.path.relpath(sys.executable)} -m shared.policy message",
    )


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local up", description=__doc__)
    parser.add_argument("--port", type=int, default=7071, help="of the Functions host (default: 7071, as func start)")
    parser.add_argument("--policy", type=Path, default=_POLICY, help="made from the demo's where it is missing")
    parser.add_argument("--time-scale", type=float, default=TIME_SCALE, metavar="X", help="as of python -m local azure")
    parser.add_argument("--state", default="", metavar="DIR", help="keep the local Azure in this folder over restarts")
    return parser
