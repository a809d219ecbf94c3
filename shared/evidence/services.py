"""The services whose evidence the product can check. The policy loader refuses every other one. Pure: a fact only."""

from __future__ import annotations

from shared.policy.model import Service

SERVICES: frozenset[Service] = frozenset(Service)
"""Requester kinds with a verifier. Add a service here with its verifier, then print `policy.schema.json` anew."""
