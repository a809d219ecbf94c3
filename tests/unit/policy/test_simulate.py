"""`simulate`: many connections, and two policies side by side."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from shared.commands.policy import main
from tests.policies.sample import POLICY, SUBSCRIPTION, genuine, private_endpoint

Write = Callable[[str, str], str]


def lines() -> str:
    stranger = genuine(privateEndpointId=private_endpoint("x", "5" * 8), tenantId=SUBSCRIPTION)
    smiling = genuine(requestMessage="\U0001f600")
    return "\n".join(json.dumps(request) for request in (genuine(), stranger, smiling)) + "\n\n"


def test_every_connection_is_a_row(policy: str, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", policy, "--connections", write("c.jsonl", lines())]) == 0
    out = capsys.readouterr().out
    assert "1 approved, 2 held" in out
    assert "evidence.message: expected" in out


def test_against_shows_only_what_differs(policy: str, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    other = write("other.yaml", POLICY.replace("- name: adx-reads\n    effect: allow\n    requesters: [adx]",
                                               "- name: nobody\n    effect: deny\n    requesters: any"))  # fmt: skip
    connections = write("c.jsonl", lines())
    assert main(["simulate", policy, "--connections", connections, "--against", other, "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["connections"], len(answer["results"])) == (3, 3)
    assert main(["simulate", policy, "--connections", connections, "--against", policy, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"] == []
    assert main(["simulate", policy, "--connections", connections, "--against", other]) == 0
    out = capsys.readouterr().out
    assert "denied -> approved" in out
    assert "nobody -> adx-reads" in out


def test_another_firewall_is_a_difference(policy: str, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    other = write("other.yaml", POLICY.replace("selectedNetworks", "disabled"))
    assert main(["simulate", policy, "--connections", write("c.jsonl", lines()), "--against", other]) == 0
    assert "firewall: publicNetworkAccess disabled" in capsys.readouterr().out


def test_a_bad_line_is_told_with_its_number(policy: str, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    connections = write("c.jsonl", json.dumps(genuine()) + '\n\n{"targetId": 1}\n')
    assert main(["simulate", policy, "--connections", connections]) == 2
    assert f"{connections}:3:1: error: targetId: expected the whole id" in capsys.readouterr().err
