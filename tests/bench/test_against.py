"""Comparing with another revision: what is measured there, and that nothing is left behind."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench.against import RevisionError, paired, unpacked
from bench.figure import Figure


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose first revision says "old" in each of its parts, and which says "new" now."""
    root = tmp_path / "repository"
    parts = [root / name / "part.py" for name in ("shared", "bench", "local")]
    for part in parts:
        part.parent.mkdir(parents=True)
        part.write_text("old")
    (root / "local" / "removed.py").write_text("old")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "old")
    git(root, "tag", "old")
    for part in parts:
        part.write_text("new")
    (root / "local" / "removed.py").unlink()
    installed = root / "local" / "azure" / "azurite" / "node_modules"
    installed.mkdir(parents=True)
    (installed / "installed.js").write_text("new")
    return root


def git(root: Path, *arguments: str) -> None:
    somebody = ("-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *somebody, *arguments], cwd=root, check=True)


def test_only_the_product_is_of_the_other_revision(repository: Path) -> None:
    with unpacked("old", repository) as folder:
        said = {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*.py")}
        installed = (folder / "local/azure/azurite/node_modules/installed.js").read_text()

    assert said == {"shared/part.py": "old", "bench/part.py": "new", "local/part.py": "new"}
    assert installed == "new"


def test_the_folder_is_gone_when_a_benchmark_fails_and_what_it_links_to_stays(repository: Path) -> None:
    folders = []

    def benchmark() -> None:
        with unpacked("old", repository) as folder:
            folders.append(folder)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        benchmark()

    assert [folder.exists() for folder in folders] == [False]
    assert (repository / "local/azure/azurite/node_modules/installed.js").exists()


def test_a_revision_that_git_does_not_know_is_named(repository: Path) -> None:
    with pytest.raises(RevisionError, match="unheard-of"), unpacked("unheard-of", repository):
        pass


def test_a_figure_is_compared_by_the_medians_of_its_rounds() -> None:
    here = [[Figure("rate", value, "1/s")] for value in (30, 10, 20)]
    there = [[Figure("rate", value, "1/s")] for value in (5, 16, 10)]

    (compared,) = paired("old", here, there)

    assert compared == {"name": "rate", "here": 20, "there": 10, "ratio": 2, "unit": "1/s", "revision": "old"}


def test_a_figure_that_one_side_lacks_is_null_there() -> None:
    here, there = [[Figure("a", 1, "s"), Figure("new", 2, "s")]], [[Figure("a", 0, "s"), Figure("gone", 3, "s")]]

    shown = {one["name"]: (one["here"], one["there"], one["ratio"]) for one in paired("old", here, there)}

    assert shown == {"a": (1, 0, None), "new": (2, None, None), "gone": (None, 3, None)}
