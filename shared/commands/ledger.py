"""The ledger's command line: `python -m shared.ledger COMMAND`, with the caller's identity and the app's storage settings.

`verify` reads; `forget` makes a target that is held start afresh.

Exit status 0: all is well; 1: it is not (the ledger is not as the app left it); 2: wrong usage, or nothing could be read.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import AzureError, ResourceNotFoundError

from shared.alerts.raising import beside
from shared.app import App
from shared.commands.live import app_of
from shared.commands.terminal import plain
from shared.errors import ApproverError
from shared.ledger.records import Records
from shared.ledger.sealing import Sealing
from shared.ledger.tables import Row, partition
from shared.ledger.verify import Verified, verify
from shared.resource_id import InvalidResourceIdError, fold, parse
from shared.settings import InvalidSettingsError

_SUBJECTS = ("policy", "sweep")
"""Records that are no target's: what was told of the policy, and of the sweep."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (InvalidSettingsError, InvalidResourceIdError, ApproverError) as error:
        print(error, file=sys.stderr)
        return 2
    except AzureError as error:
        print(f"the ledger cannot be read: {' '.join(str(error).split())[:300]}", file=sys.stderr)
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shared.ledger", description="Verify and mend the app's ledger.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    text = "whether every row is authentic and every chain of decisions whole"
    check = commands.add_parser(
        "verify", help=text, description=f"Verify {text}. Exit 1 naming each place that is not."
    )
    check.add_argument("--target", metavar="ID", help="only that target's record")
    check.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    check.set_defaults(run=_verify)
    text = "what is remembered of a target, so that one that is held starts afresh"
    forget = commands.add_parser(
        "forget",
        help=f"delete {text}",
        description=f"Delete {text}. Its decisions stay. What was spent there, and the firewall as it was before the app "
        "tightened it, are forgotten too: look at the target's connections first. Exit 0 when it is deleted or there is "
        "nothing, 1 when --yes is missing and nothing was done, 2 when it could not be done.",
    )
    forget.add_argument(
        "--target", metavar="ID", required=True, help="the target's id (or the word `policy` or `sweep`)"
    )
    forget.add_argument("--yes", action="store_true", help="do it; without it what would be deleted is printed")
    forget.set_defaults(run=_forget)
    return parser


def _forget(options: argparse.Namespace) -> int:
    """Delete a record, and what was told beside it: the next tampering is a new one."""
    records: Records = app_of(os.environ).records
    subject = options.target if options.target in _SUBJECTS else str(parse(options.target))
    subjects = [subject, beside(subject)]
    lying = {one: records.lying_there(one) for one in subjects}
    for one in subjects:
        for key in lying[one]:
            print(f"targets {plain(partition(fold(one)))} {plain(key)}")
    count = sum(map(len, lying.values()))
    if not count:
        print(f"nothing is remembered of {subject}", file=sys.stderr)
        return 0
    if not options.yes:
        print(f"{count} rows would be deleted; give --yes to do it. Decisions (history) stay.", file=sys.stderr)
        return 1
    for one in subjects:
        if lying[one]:
            records.begin_anew(one)
    print(f"{count} rows deleted; decisions (history) stay, and the next one goes on behind them", file=sys.stderr)
    return 0


def _verify(options: argparse.Namespace) -> int:
    app = app_of(os.environ)
    key = partition(parse(options.target)) if options.target else None
    sealing: Sealing = app.sealing
    shown = Verified()

    def progress(seen: Verified) -> None:
        nonlocal shown
        shown = seen
        if sys.stderr.isatty():
            print(f"\r{seen.records} records, {seen.rows} rows, {seen.decisions} decisions", end="", file=sys.stderr)

    found = []
    for broken in verify(_rows(app), sealing, datetime.now(UTC), progress, key):
        found.append(broken.to_json())
        if options.format == "text":
            print(plain(f"{broken.table} {broken.partition} {broken.row}: {broken.problem}"), flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if options.format == "json":
        print(json.dumps(found, indent=1))
    counted = f"{shown.records} records, {shown.rows} rows, {shown.decisions} decisions"
    unkeyed = "" if sealing.authenticates else "; LEDGER_KEY is not set, so that no row can be told to be authentic"
    print(f"{counted}: {len(found)} breaks{unkeyed}", file=sys.stderr)
    return 1 if found else 0


def _rows(app: App) -> Any:
    def rows(table: str, key: str | None) -> Iterator[Row]:
        client = app.storage.tables().get_table_client(table)
        try:
            if key is None:
                yield from client.list_entities()
            else:
                yield from client.query_entities("PartitionKey eq @key", parameters={"key": key})
        except ResourceNotFoundError:
            return

    return rows
