"""The contract with Azure Functions: what the host learns from function_app.py, through Microsoft's worker code.

The app is indexed in a process of its own, without any setting, as in a fresh deployment: names, triggers, queues,
schedules, routes and auth levels are part of the public interface and change only on purpose.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
INDEX = """
import asyncio, json, pathlib
from local.host.worker import Worker
functions = asyncio.run(Worker().load(pathlib.Path.cwd()))
print(json.dumps({one.name: [json.loads(binding) for binding in one.raw_bindings] for one in functions}))
"""
STORAGE = "AzureWebJobsStorage"
ANSWER = {"direction": "OUT", "type": "http", "name": "$return"}


def index(**settings: str) -> dict[str, list[dict[str, Any]]]:
    """The bindings of each function, as the worker reports them."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | settings
    command = [sys.executable, "-c", INDEX]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    indexed: dict[str, list[dict[str, Any]]] = json.loads(done.stdout.splitlines()[-1])
    return indexed


@pytest.fixture(scope="module")
def functions() -> dict[str, list[dict[str, Any]]]:
    return index()


def trigger(bindings: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = [binding for binding in bindings if binding["type"].endswith("Trigger")]
    return {key: value for key, value in found.items() if key not in {"name", "direction"}}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("on_resource_event", {"type": "eventGridTrigger"}),
        ("review_target", {"type": "queueTrigger", "queueName": "reviews", "connection": STORAGE}),
        ("review_failed", {"type": "queueTrigger", "queueName": "reviews-poison", "connection": STORAGE}),
        ("sweep", {"type": "timerTrigger", "schedule": "0 */5 * * * *", "useMonitor": True}),
        (
            "reevaluate",
            {"type": "httpTrigger", "route": "reevaluate", "methods": ["POST"], "authLevel": "FUNCTION"},
        ),
        (
            "run_status",
            {"type": "httpTrigger", "route": "runs/{runId}", "methods": ["GET"], "authLevel": "FUNCTION"},
        ),
        (
            "firewall_restore",
            {"type": "httpTrigger", "route": "firewall/restore", "methods": ["POST"], "authLevel": "FUNCTION"},
        ),
    ],
)
def test_a_functions_trigger(functions: dict[str, list[dict[str, Any]]], name: str, expected: dict[str, Any]) -> None:
    found = trigger(functions[name])
    defaults = {"runOnStartup": False}
    assert {key: value for key, value in found.items() if value is not None and defaults.get(key) != value} == expected


def test_events_become_messages_on_the_review_queue(functions: dict[str, list[dict[str, Any]]]) -> None:
    outputs = [binding for binding in functions["on_resource_event"] if binding["direction"] == "OUT"]
    assert [(one["type"], one["queueName"], one["connection"]) for one in outputs] == [("queue", "reviews", STORAGE)]


def test_every_http_function_answers_and_asks_for_a_key(functions: dict[str, list[dict[str, Any]]]) -> None:
    for name, bindings in functions.items():
        if trigger(bindings)["type"] == "httpTrigger":
            assert ANSWER in bindings, name
            assert trigger(bindings)["authLevel"] == "FUNCTION", name


def test_no_binding_needs_a_setting_to_be_indexed(functions: dict[str, list[dict[str, Any]]]) -> None:
    assert "%" not in json.dumps(functions)


def test_the_schedule_of_the_sweep_is_a_setting() -> None:
    assert trigger(index(SWEEP_SCHEDULE="0 0 * * * *")["sweep"])["schedule"] == "0 0 * * * *"
