"""A service that turned hostile, and somebody else's server that it leads to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.functional.azure.hostile import Identity, Server, serving


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    made = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(str(path))
    return made, path


@pytest.fixture(autouse=True)
def trusting(authority: tuple[trustme.CA, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority[1]))


@pytest.fixture
def service(authority: tuple[trustme.CA, Path]) -> Iterator[Server]:
    with serving(authority[0]) as server:
        yield server


@pytest.fixture
def elsewhere(authority: tuple[trustme.CA, Path]) -> Iterator[Server]:
    """Another origin: the same host at another port."""
    with serving(authority[0]) as server:
        yield server


@pytest.fixture
def identity() -> Identity:
    return Identity()
