"""The policy's command line: `python -m shared.policy COMMAND`.

Exit status 0: all is well; 1: it is not; 2: wrong usage, or a file that cannot be read.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from shared.policy.document import check
from shared.policy.schema import json_schema
from shared.policy.yaml_nodes import MAX_BYTES


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shared.policy", description="Check, explain and test a policy.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    checking = commands.add_parser("check", help="validate a policy: every error and warning with its line")
    checking.add_argument("file", type=Path, metavar="FILE")
    checking.add_argument("--strict", action="store_true", help="warnings fail too")
    checking.add_argument("--format", choices=("text", "json"), default="text")
    checking.set_defaults(run=_check)

    schema = commands.add_parser("schema", help="print the JSON Schema of a policy, for editors")
    schema.set_defaults(run=_schema)
    return parser


def _check(options: argparse.Namespace) -> int:
    findings = check(read_limited(options.file), datetime.now(UTC).date())
    errors = sum(finding.level == "error" for finding in findings)
    if options.format == "json":
        print(json.dumps({"valid": not errors, "findings": [asdict(f) for f in findings]}, indent=2))
    else:
        for finding in findings:
            print(f"{options.file}:{finding}")
        print(f"{options.file}: {errors} errors, {len(findings) - errors} warnings")
    return 1 if errors or (options.strict and findings) else 0


def _schema(_options: argparse.Namespace) -> int:
    print(json.dumps(json_schema(), indent=2))
    return 0


def read_limited(path: Path) -> bytes:
    """The file's bytes, no more than one beyond the limit: enough for the loader to say that it is too large."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


if __name__ == "__main__":
    sys.exit(main())
