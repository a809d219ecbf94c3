"""The schema for editors: up to date, explains every key, and says what the loader says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from shared.commands.cases import json_schema as cases_schema
from shared.commands.policy import main
from shared.commands.requests import json_schema as request_schema
from shared.policy.language.document import load
from shared.policy.language.findings import InvalidPolicyError
from shared.policy.language.schema import json_schema
from tests.policies.corpus import BAD, FOLDER, GOOD, STARTER, WARN, beyond_schema, instance, stem
from tests.policies.sample import CASES, genuine

FILE = FOLDER.parent.parent / "policy.schema.json"
VALIDATOR = Draft202012Validator(json_schema())
SCHEMA_CAN_TELL = [path for path in BAD if not beyond_schema(path)]
BEYOND_SCHEMA = [path for path in BAD if beyond_schema(path) and not path.stem.startswith(("yaml-", "rule-key-twice"))]


def properties(schema: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {}).items()
    children = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for child in children:
        yield from properties(child)


def test_the_file_is_what_the_loader_declares() -> None:
    assert FILE.read_text() == json.dumps(json_schema(), indent=2) + "\n", (
        "python -m shared.policy schema > policy.schema.json"
    )


def test_it_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


def test_every_key_is_explained() -> None:
    assert [key for key, value in properties(json_schema()) if not value.get("description")] == []


@pytest.mark.parametrize("path", [*GOOD, *WARN, STARTER], ids=stem)
def test_it_accepts_what_the_loader_accepts(path: Path) -> None:
    load(path.read_text())
    assert [e.message for e in VALIDATOR.iter_errors(instance(path.read_text()))] == []


@pytest.mark.parametrize("path", SCHEMA_CAN_TELL, ids=stem)
def test_it_refuses_what_the_loader_refuses(path: Path) -> None:
    assert not VALIDATOR.is_valid(instance(path.read_text()))


@pytest.mark.parametrize("path", BEYOND_SCHEMA, ids=stem)
def test_what_it_cannot_tell_only_the_loader_refuses(path: Path) -> None:
    with pytest.raises(InvalidPolicyError):
        load(path.read_text())
    try:
        value = instance(path.read_text())
    except ValueError:
        return  # wrong as YAML already
    assert VALIDATOR.is_valid(value)


@pytest.mark.parametrize("of", ["policy", "request", "cases"])
def test_there_is_a_schema_of_each_kind_of_file(of: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", of]) == 0
    schema = json.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(schema)
    assert [key for key, value in properties(schema) if not value.get("description")] == []


@pytest.mark.parametrize("text", [CASES, (FOLDER / "policy.cases.yaml").read_text()], ids=["sample", "starter"])
def test_cases_that_load_fit_their_schema(text: str) -> None:
    validator = Draft202012Validator(cases_schema())
    assert [e.message for e in validator.iter_errors(instance(text))] == []
    assert not validator.is_valid(instance(text.replace("targetId", "target")))


@pytest.mark.parametrize(
    "request_", [genuine(), genuine(tenantId=None, tags={}, otherConnections=[]), genuine(endpoints=None)]
)
def test_requests_that_load_fit_their_schema(request_: dict[str, Any]) -> None:
    assert [e.message for e in Draft202012Validator(request_schema()).iter_errors(request_)] == []
