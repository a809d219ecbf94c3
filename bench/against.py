"""The same benchmarks on another revision of the product, side by side with this tree.

The revision is unpacked into a temporary folder, which goes away however it ends. `bench/` and `local/` there are replaced
by this tree's: what measures, the local Azure and the Functions host are the same on both sides, and only the product
differs. The Python and its packages are this tree's too, so the revision must run on them.
"""

from __future__ import annotations

import io
import json
import shutil
import statistics
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.figure import Figure

ROOT = Path(__file__).parents[1]
DEFAULT = ("operations", "approval", "rate")
"""What is compared where no benchmark is named: those that use nothing of the product but its public interface."""

_MEASURES = ("bench", "local")
_INSTALLED = Path("local", "azure", "azurite", "node_modules")
_ROUNDS = 2


class RevisionError(Exception):
    """The revision cannot be unpacked or measured; the message says why."""


@contextmanager
def unpacked(revision: str, repository: Path = ROOT) -> Iterator[Path]:
    """A folder with a revision of a repository whose measuring parts are the repository's as they are now.

    Raises:
        RevisionError: git knows no such revision.
    """
    archived = subprocess.run(
        ["git", "archive", "--format=tar", revision], cwd=repository, capture_output=True, check=False
    )
    if archived.returncode:
        raise RevisionError(archived.stderr.decode("utf-8", "replace").strip())
    with TemporaryDirectory(prefix="bench-against-") as made:
        folder = Path(made)
        with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as tar:
            tar.extractall(folder, filter="data")
        for name in _MEASURES:
            shutil.rmtree(folder / name, ignore_errors=True)
            left_out = shutil.ignore_patterns("__pycache__", "node_modules")
            shutil.copytree(repository / name, folder / name, ignore=left_out)
        if (repository / _INSTALLED).exists():
            (folder / _INSTALLED).symlink_to((repository / _INSTALLED).resolve(), target_is_directory=True)
        yield folder


def compare(revision: str, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Each figure with its value `here` (the median over the rounds), `there`, and the ratio of the two.

    Which side goes first changes from round to round. A figure that only one side has is null on the other.

    Raises:
        RevisionError: git knows no such revision, or a benchmark failed on one of the sides.
    """
    with unpacked(revision) as folder:
        for name in names:
            here: list[list[Figure]] = []
            there: list[list[Figure]] = []
            sides = [(ROOT, here), (folder, there)]
            for _ in range(_ROUNDS):
                for root, figures in sides:
                    figures.append(_figures(root, name))
                sides.reverse()
            yield from paired(revision, here, there)


def paired(
    revision: str, here: Sequence[Sequence[Figure]], there: Sequence[Sequence[Figure]]
) -> Iterator[dict[str, Any]]:
    """The figures of both sides' rounds, by name."""
    ours, theirs = _by_name(here), _by_name(there)
    for name in dict.fromkeys((*ours, *theirs)):
        mine, other = _median(ours.get(name, [])), _median(theirs.get(name, []))
        ratio = round(mine / other, 3) if mine is not None and other else None
        (unit, *_) = [one.unit for one in (*ours.get(name, []), *theirs.get(name, []))]
        yield {"name": name, "here": mine, "there": other, "ratio": ratio, "unit": unit, "revision": revision}


def _by_name(rounds: Sequence[Sequence[Figure]]) -> dict[str, list[Figure]]:
    found: dict[str, list[Figure]] = {}
    for figure in (figure for one in rounds for figure in one):
        found.setdefault(figure.name, []).append(figure)
    return found


def _median(figures: Sequence[Figure]) -> float | None:
    return round(statistics.median(figure.value for figure in figures), 3) if figures else None


def _figures(root: Path, name: str) -> list[Figure]:
    """What the benchmark prints in a process of its own, in this tree or in the unpacked one."""
    command = [sys.executable, "-m", "bench", name]
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RevisionError(f"the benchmark {name} failed in {root} with {done.returncode}; its last words are above")
    printed = [json.loads(text) for text in done.stdout.splitlines()]
    return [Figure(one["name"], one["value"], one["unit"], one["samples"]) for one in printed]
