"""`python -m local fault`: makes a running local Azure misbehave, and well again."""

from __future__ import annotations

import argparse
import json
import os
import sys

from local.azure.client import LocalClient
from local.azure.faults import WHEN

_TEXT = """\
Makes the next calls that match go wrong. The local Azure is found by ARM_ENDPOINT and SSL_CERT_FILE, as the app finds it.
Examples: `fault add --method PUT --path privateEndpointConnections --status 503 --times 3`,
`fault add --path identity/token --when drop`, `fault list`, `fault clear`."""


def main(arguments: list[str]) -> int:
    """Add, list or clear faults; answers the exit code."""
    given = _parser().parse_args(arguments)
    missing = [name for name in ("ARM_ENDPOINT", "SSL_CERT_FILE") if not os.environ.get(name)]
    if missing:
        print(f"set {' and '.join(missing)}, as `python -m local azure` prints them", file=sys.stderr)
        return 2
    client = LocalClient(os.environ)
    try:
        if given.command == "add":
            shown = client.local("POST", "faults", _fault(given))
        elif given.command == "list":
            shown = client.local("GET", "faults")
        else:
            shown = client.local("DELETE", "faults")
    except (OSError, RuntimeError) as error:
        print(f"the local Azure at {client.url} did not take it: {error}", file=sys.stderr)
        return 1
    if shown is not None:
        print(json.dumps(shown, indent=2))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local fault", description=_TEXT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add", help="make the next calls that match go wrong")
    add.add_argument("--method", default="", help="only this method")
    add.add_argument("--path", default="", help="only paths that contain this, in any case")
    add.add_argument("--regex", default="", help="only paths that match this regular expression")
    add.add_argument("--times", type=int, default=1, help="how many calls (default: 1)")
    add.add_argument("--when", choices=WHEN, default="before", help="before: no effect; after: the effect stays, the answer "
                     "is lost; drop, dropAfter: the same, the connection is closed")  # fmt: skip
    add.add_argument("--status", type=int, default=0, help="the status to answer (none: only the delay)")
    add.add_argument("--code", default="", help="the error code in the answer")
    add.add_argument("--message", default="", help="the message in the answer")
    add.add_argument("--retry-after", default="", metavar="SECONDS", help="a Retry-After header")
    add.add_argument("--delay", type=float, default=0, metavar="SECONDS", help="answer so much later")
    commands.add_parser("list", help="show all faults and how often each was seen")
    commands.add_parser("clear", help="forget all faults")
    return parser


def _fault(given: argparse.Namespace) -> dict[str, object]:
    headers = {"Retry-After": given.retry_after} if given.retry_after else {}
    return {
        "match": {"method": given.method, "pathContains": given.path, "pathRegex": given.regex},
        "times": given.times,
        "when": given.when,
        "answer": {
            "status": given.status,
            "code": given.code,
            "message": given.message,
            "headers": headers,
            "delaySeconds": given.delay,
        },
    }
