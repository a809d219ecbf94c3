"""The app in memory."""

from __future__ import annotations

import pytest

from tests.review.world import World


@pytest.fixture
def world() -> World:
    return World()
