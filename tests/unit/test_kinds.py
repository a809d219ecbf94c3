"""The table of services: each has its reader, and its word in the policy."""

from __future__ import annotations

from pathlib import Path

from shared.app import App
from shared.evidence.kinds import KINDS
from shared.policy.language.schema import json_schema
from shared.settings import read_settings


def test_every_service_has_a_reader_and_a_word_in_the_policy() -> None:
    app = App(read_settings({}, storage=False), root=Path.cwd())
    assert set(app.readers) == set(KINDS)
    assert all(f"'{service}'" in str(json_schema()) for service in KINDS)
