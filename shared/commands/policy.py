"""The policy's command line: `python -m shared.policy COMMAND`.

Exit status 0: all is well; 1: it is not (an invalid policy, a failed case); 2: wrong usage, or a file that cannot be read.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from shared.commands.message import random_message
from shared.commands.terminal import UnusableError, plain
from shared.model.target_types import is_target
from shared.policy.language import document
from shared.policy.language.findings import InvalidPolicyError, Report
from shared.policy.language.schema import json_schema
from shared.policy.language.yaml_nodes import MAX_BYTES
from shared.policy.rules import Policy
from shared.resource_id import InvalidResourceIdError, ResourceId, parse

if TYPE_CHECKING:
    from shared.commands.requests import Request
    from shared.commands.simulate import Simulated

_T = TypeVar("_T")


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except UnusableError as error:
        print(error, file=sys.stderr)
        return error.status
    except BrokenPipeError:  # whoever reads the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shared.policy", description="Check, explain and test a policy.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: object, text: str, *, policy: bool = True) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        made.set_defaults(run=run)
        if policy:
            made.add_argument("file", type=Path, metavar="FILE", help="the policy")
            made.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
        return made

    check = command("check", _check, "validate a policy: every error and warning with its line")
    check.add_argument("--strict", action="store_true", help="warnings fail too")
    explain = command("explain", _explain, "what would be decided for a request, rule by rule, and why")
    which = explain.add_mutually_exclusive_group(required=True)
    which.add_argument("--request", type=Path, metavar="REQUEST.json", help="a request in a file")
    which.add_argument("--connection", type=_connection_id, metavar="ID", help="a connection in Azure, by its whole id")
    test = command("test", _test, "run policy test cases")
    test.add_argument("cases", type=Path, metavar="CASES.yaml", help="the cases")
    test.add_argument("--junit", type=Path, metavar="FILE", help="write the results as JUnit's XML too")
    simulate = command("simulate", _simulate, "what the policy would do with many connections")
    source = simulate.add_mutually_exclusive_group(required=True)
    source.add_argument("--connections", type=Path, metavar="FILE.jsonl", help="requests in a file, one a line")
    source.add_argument("--live", action="store_true", help="what is Pending in Azure now, read with your own identity")
    simulate.add_argument(
        "--scope", type=_id, metavar="ID", help="with --live: only this subscription, group or target"
    )
    simulate.add_argument("--against", type=Path, metavar="OTHER.yaml", help="show only what differs from this policy")
    export = command("export", _export, "what is Pending in Azure now as requests, one JSON a line", policy=False)
    export.add_argument("--scope", type=_id, metavar="ID", help="only this subscription, group or target")
    command("message", _message, "print a fresh random request message", policy=False)
    schema = command("schema", _schema, "print a JSON Schema, for editors", policy=False)
    schema.add_argument("of", nargs="?", choices=("policy", "request", "cases"), default="policy")
    return parser


def _check(options: argparse.Namespace) -> int:
    from shared.policy.language.check import check

    findings = check(_bytes(options.file), _today())
    errors = sum(finding.level == "error" for finding in findings)
    if options.format == "json":
        _print_json({"valid": not errors, "findings": [asdict(f) for f in findings]})
    else:
        for finding in findings:
            print(f"{options.file}:{finding}")
        print(f"{options.file}: {errors} errors, {len(findings) - errors} warnings")
    return 1 if errors or (options.strict and findings) else 0


def _explain(options: argparse.Namespace) -> int:
    from shared.commands.explain import explain  # each command imports what it needs, here and below

    policy, day = _policy(options.file), _today()
    if options.connection:
        from shared.commands.policy_live import live_connection

        situation, connection = live_connection(options.connection, policy)
    else:
        request = _request(options.request, policy)
        situation, day = request.situation(policy), request.day(day)
        connection = situation.connections[0]
    explanation = explain(situation, connection, policy, day)
    if options.format == "json":
        _print_json({"targetId": str(situation.target.id), **explanation.as_json()})
    else:
        print(explanation.as_text())
    return 0


def _request(file: Path, policy: Policy) -> Request:
    from shared.commands.requests import read_request
    from shared.policy.language.json_nodes import parse_json

    report = Report()
    node = parse_json(_bytes(file).decode("utf-8", "replace"), report)
    request = read_request(node, report, policy.requesters) if node else None
    if request is None:
        raise UnusableError.of(file, report.ordered(), 2)
    return request


def _test(options: argparse.Namespace) -> int:
    from shared.commands import cases as testing

    policy, report = _policy(options.file), Report()
    cases = testing.read_cases(_bytes(options.cases), policy, report)
    if report.failed:
        raise UnusableError.of(options.cases, report.ordered(), 2)
    results = [testing.run(case, policy, _today()) for case in cases]
    if options.junit:
        options.junit.write_text(testing.as_junit(results, str(options.cases)), encoding="utf-8")
    if options.format == "json":
        _print_json(testing.as_json(results, policy))
    else:
        print(testing.as_text(results, policy, colour=sys.stdout.isatty()))
    return 1 if any(result.differences for result in results) else 0


def _simulate(options: argparse.Namespace) -> int:
    from shared.commands import simulate

    policy = _policy(options.file)
    against = _policy(options.against) if options.against else None
    if options.live:
        from shared.commands.policy_live import simulate_live

        source = simulate_live(policy, against, options.scope, _today())
    else:
        source = _simulated_requests(options.connections, policy, against)
    simulated = list(_progress(source))
    shown = [s for s in simulated if s.differs] if against else simulated
    if options.format == "json":
        _print_json({"connections": len(simulated), "results": [s.as_json() for s in shown]})
    else:
        print(simulate.as_text(shown))
    return 0


def _export(options: argparse.Namespace) -> int:
    from shared.commands.policy_live import export_live

    for request in _progress(export_live(options.scope)):
        print(json.dumps(request))
    return 0


def _simulated_requests(file: Path, policy: Policy, against: Policy | None) -> Iterator[Simulated]:
    from shared.commands import simulate

    report, policies = Report(), [policy, against] if against else [policy]
    with file.open(encoding="utf-8", errors="replace") as lines:
        for request in simulate.read_requests(lines, policies, report):
            yield simulate.simulate_request(request, policy, against, _today())
    if report.failed:
        raise UnusableError.of(file, report.ordered(), 2)


def _progress(items: Iterable[_T]) -> Iterator[_T]:
    """The items, counted on the terminal while they pass."""
    show = sys.stderr.isatty()
    for count, item in enumerate(items, 1):
        yield item
        if show and count % 100 == 0:
            print(f"\r{count} connections", end="", file=sys.stderr, flush=True)
    if show:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _message(_options: argparse.Namespace) -> int:
    print(random_message())
    return 0


def _schema(options: argparse.Namespace) -> int:
    from shared.commands import cases as testing
    from shared.commands import requests

    known = {"policy": json_schema, "request": requests.json_schema, "cases": testing.json_schema}
    _print_json(known[options.of]())
    return 0


def _policy(file: Path) -> Policy:
    try:
        return document.load(_bytes(file))
    except InvalidPolicyError as error:
        raise UnusableError.of(file, error.findings, 1) from error


def _bytes(file: Path) -> bytes:
    """The file's bytes, no more than one beyond the limit: enough to be told that it is too large."""
    with file.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)


def _id(text: str) -> ResourceId:
    try:
        return parse(text)
    except InvalidResourceIdError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _connection_id(text: str) -> ResourceId:
    connection = _id(text)
    if len(connection.names) != 2 or not is_target(connection.parent):
        raise argparse.ArgumentTypeError(f"{plain(text)} is not the id of a connection of a supported target")
    return connection


def _today() -> date:
    return datetime.now(UTC).date()


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, default=str))


if __name__ == "__main__":
    sys.exit(main())
