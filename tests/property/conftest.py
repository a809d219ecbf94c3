"""Mixtures run in the same world as the functional tests."""

from __future__ import annotations

from tests.functional.conftest import local_azure, moved_time, storage_accounts

__all__ = ["local_azure", "moved_time", "storage_accounts"]
