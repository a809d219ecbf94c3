"""Mutation testing of the decision and of evidence matching: `python -m tests.mutation`, some minutes on two cores.

mutmut changes one thing at a time in a copy of the package and runs the tests that reach it. A change that no test notices
must be explained in `explained.txt`, where a blank line ends an explanation and its changes. Exit status 1: there are
unexplained ones, or explanations of what no longer survives.
"""

# ruff: noqa: T201 - a command line prints

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
EXPLAINED = Path(__file__).with_name("explained.txt")
MUTATED = [
    *(f"shared/policy/{name}.py" for name in ("decide", "rule_match", "checks")),
    *(f"shared/evidence/{name}.py" for name in ("match", "pairing", "proof", "random_message", "spent", "ties")),
]
TESTS = sorted(
    str(path.relative_to(ROOT))
    for name in ("decide", "match", "spent", "advice")
    for path in (ROOT / "tests/unit/policy").glob(f"test_{name}*.py")
)
COPIED = ["shared", "tests/policies", "tests/situations", "tests/unit/policy"]
SETTINGS = f"""\
[tool.mutmut]
source_paths = ["shared/"]
only_mutate = {MUTATED}
pytest_add_cli_args_test_selection = {TESTS}
also_copy = ["shared", "tests"]
[tool.pytest.ini_options]
addopts = "-q --import-mode=importlib -p no:cacheprovider -p no:xdist"
pythonpath = ["."]
"""

Change = tuple[str, str]
"""The line as it is and as it was changed, without indentation."""


def main() -> int:
    """Run, and print what survived without an explanation."""
    with TemporaryDirectory() as folder:
        for name in COPIED:
            shutil.copytree(ROOT / name, Path(folder, name), ignore=shutil.ignore_patterns("__pycache__"))
        Path(folder, "pyproject.toml").write_text(SETTINGS)
        _mutmut(folder, "run", "--max-children", str(os.cpu_count() or 1), show=True)
        survivors = {_change(folder, name) for name in _survivors(folder)}
    explained = _explained()
    for title, changes in (("not explained", survivors - explained), ("explained, but gone", explained - survivors)):
        for before, after in sorted(changes):
            print(f"{title}:\n- {before}\n+ {after}\n")
    print(f"{len(survivors)} changes survived, {len(survivors & explained)} of them explained")
    return 1 if survivors != explained else 0


def _mutmut(folder: str, *arguments: str, show: bool = False) -> str:
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(command, cwd=folder, stdout=None if show else subprocess.PIPE, text=True, check=not show)
    return done.stdout or ""


def _survivors(folder: str) -> list[str]:
    lines = (line.strip().partition(": ") for line in _mutmut(folder, "results").splitlines())
    return [name for name, _, status in lines if status]


def _change(folder: str, name: str) -> Change:
    diff = [line for line in _mutmut(folder, "show", name).splitlines() if not line.startswith(("---", "+++"))]
    before, after = (" ".join(line[1:].strip() for line in diff if line.startswith(sign)) for sign in "-+")
    return before, after


def _explained() -> set[Change]:
    lines = EXPLAINED.read_text().splitlines()
    before = [line[2:] for line in lines if line.startswith("- ")]
    after = [line[2:] for line in lines if line.startswith("+ ")]
    return set(zip(before, after, strict=True))


if __name__ == "__main__":
    sys.exit(main())
