"""Attacks run in the same world as the functional tests: the whole app, a real wire, time that a test moves."""

from __future__ import annotations

from tests.functional.conftest import local_azure, moved_time, storage_accounts, world

__all__ = ["local_azure", "moved_time", "storage_accounts", "world"]
