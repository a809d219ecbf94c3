"""What others wrote and what must not be told: `python supply_chain.py audit [--offline]` and `... sbom [--python 3.11]`.

Run by `make audit`, `make audit-offline` and `make sbom`, in the environment of requirements-audit.lock. `audit` ends with
0: nothing found; 1: something found, or a tool failed; 3: nothing found, but the list of known vulnerabilities could not be
asked about everything. `--offline` leaves that list out.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
TOOLS = Path(sys.executable).parent
LOCK = "requirements.lock"
BASELINE = ".secrets.baseline"
PYTHONS = ("3.11", "3.12", "3.13")

FOUND, UNASKED = 1, 3
STALE_BASELINE = 3
"""How detect-secrets-hook ends where it found nothing new and has only brought its baseline's line numbers up to date."""

PLATFORM = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "sys_platform": "linux",
}
"""Where Azure Functions runs Python."""


class Judged(NamedTuple):
    """What came of a check: an exit code, and lines for people."""

    code: int
    lines: tuple[str, ...] = ()


def installed(lock: str, python: str) -> str:
    """What pip would install of a lock file on Linux with that Python: an entry a line, with hashes, without markers."""
    environment = {**PLATFORM, "python_version": python, "python_full_version": f"{python}.0"}
    lines = []
    for line in lock.replace("\\\n", " ").splitlines():
        entry, hashes, rest = line.partition(" --hash=")
        if not hashes or line.lstrip().startswith("#"):
            continue
        requirement = Requirement(entry)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            requirement.marker = None
            lines.append(f"{requirement}{hashes}{' '.join(rest.split())}\n")
    return "".join(lines)


def judged(report: str) -> Judged:
    """What a report of pip-audit (`--format json`) comes to; text that is no report says that nothing was asked.

    pip-audit itself ends with 0 where its source does not know a package, as a mirror without PyPI's JSON API answers for
    each: it only notes a `skip_reason`.
    """
    dependencies = _dependencies(report)
    found = tuple(
        f"{one['name']} {one['version']}: {_shown(known)}" for one in dependencies for known in one.get("vulns", ())
    )
    unasked = sorted({one["name"] for one in dependencies if "skip_reason" in one})
    if len(unasked) == len(dependencies):
        unasked = ["any package"]
    names = ", ".join(unasked)
    about = f"the list of known vulnerabilities could not be asked about {names}: try where PyPI itself is reached"
    return Judged(FOUND if found else UNASKED if unasked else 0, found + ((about,) if unasked else ()))


def _dependencies(report: str) -> list[dict[str, Any]]:
    try:
        content = json.loads(report)
    except ValueError:
        return []
    found = content.get("dependencies", []) if isinstance(content, dict) else []
    return [one for one in found if isinstance(one, dict)]


def _shown(known: dict[str, Any]) -> str:
    also = f" ({', '.join(known['aliases'])})" if known.get("aliases") else ""
    versions = ", ".join(known.get("fix_versions") or ()) or "no version yet"
    return f"{known['id']}{also}; mended in {versions}"


def together(codes: Iterable[int]) -> int:
    """One exit code for several checks: what was found, or failed, outweighs what could not be asked."""
    worst = set(codes) - {0}
    return FOUND if worst - {UNASKED} else UNASKED if worst else 0


def audit(*, offline: bool) -> int:
    """All checks, each said as it begins; answers the exit code."""
    checks = {"careless code (bandit)": _code, "secrets in tracked files (detect-secrets)": _secrets}
    if not offline:
        checks[f"known vulnerabilities in {LOCK} (pip-audit)"] = _vulnerabilities
    codes = []
    for title, check in checks.items():
        print(f"== {title}", flush=True)
        result = check()
        print(*result.lines or ["nothing"], sep="\n", flush=True)
        codes.append(result.code)
    return together(codes)


def _code() -> Judged:
    done = _run("bandit", "--quiet", "--recursive", "--format", "custom", "--msg-template",
                "{relpath}:{line}: {test_id} {msg} (severity {severity})", "shared", "function_app.py")  # fmt: skip
    return Judged(done.returncode, _lines(done.stdout) + (_lines(done.stderr) if done.returncode else ()))


def _secrets() -> Judged:
    """New secrets, against a copy of the baseline: the hook writes the line numbers of what it knows into it."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    files = [name for name in tracked.split("\0") if name not in ("", BASELINE) and (ROOT / name).is_file()]
    with tempfile.TemporaryDirectory() as folder:
        baseline = shutil.copy(ROOT / BASELINE, folder)
        done = _run("detect-secrets-hook", "--json", "--no-verify", "--baseline", baseline, *files)
    if done.returncode in (0, STALE_BASELINE):
        return Judged(0)
    return Judged(FOUND, secrets_shown(done.stdout) or _lines(done.stdout + done.stderr))


def secrets_shown(report: str) -> tuple[str, ...]:
    """A line for each secret in a report of detect-secrets-hook (`--json`); none for what is no report."""
    try:
        results = json.loads(report)["results"]
    except (ValueError, LookupError):
        return ()
    return tuple(f"{name}:{one['line_number']}: {one['type']}" for name, found in results.items() for one in found)


def _vulnerabilities() -> Judged:
    """Each set of versions that some Python installs, asked about once."""
    lock = (ROOT / LOCK).read_text()
    results = [_vulnerabilities_of(entries) for entries in {installed(lock, python): None for python in PYTHONS}]
    return Judged(together(one.code for one in results), tuple({line: None for one in results for line in one.lines}))


def _vulnerabilities_of(entries: str) -> Judged:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, LOCK)
        path.write_text(entries)
        done = _run("pip-audit", "--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off",
                    "--requirement", str(path))  # fmt: skip
    result = judged(done.stdout)
    return result if _dependencies(done.stdout) else Judged(result.code, result.lines + _lines(done.stderr)[-1:])


def sbom(python: str) -> int:
    """CycloneDX JSON on standard output: what a deployment of that Python installs. The same lock gives the same text."""
    entries = installed((ROOT / LOCK).read_text(), python)
    done = _run("cyclonedx-py", "requirements", "--output-reproducible", "--output-format", "JSON", "-", given=entries)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr if done.returncode else "")
    return done.returncode


def _run(tool: str, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(TOOLS / tool), *arguments], cwd=ROOT, input=given, capture_output=True, text=True, check=False
    )


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line for line in text.splitlines() if line.strip())


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("audit").add_argument("--offline", action="store_true", help="without known vulnerabilities")
    commands.add_parser("sbom").add_argument("--python", choices=PYTHONS, default=PYTHONS[0])
    chosen = parser.parse_args()
    return audit(offline=chosen.offline) if chosen.command == "audit" else sbom(chosen.python)


if __name__ == "__main__":
    sys.exit(main())
