"""`explain`: the decision on a request, every rule, the evidence."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.commands.policy import main
from tests.policies.sample import POLICY, STORAGE, genuine, private_endpoint

Write = Callable[[str, str], str]


def explain(policy: str, request: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["explain", policy, "--request", request, "--format", "json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_text_shows_every_rule_and_the_evidence(policy: str, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", policy, "--request", write("r.json", json.dumps(genuine()))]) == 0
    out = capsys.readouterr().out
    assert "outcome    approved" in out
    assert "hub-reads  allow   tenant: expected" in out
    assert "mpe: points at this target, asks for blob, provisioning Succeeded, the same message, random" in out
    assert "proven by mpe" in out


def test_json_shows_the_same(policy: str, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    answer = explain(policy, write("r.json", json.dumps(genuine())), capsys)
    assert (answer["outcome"], answer["rule"], answer["requester"]["name"]) == ("approved", "adx-reads", "adx")
    assert [rule["applies"] for rule in answer["rules"]] == [True, False]
    assert answer["firewall"]["publicNetworkAccess"] == "selectedNetworks"


@pytest.mark.parametrize("missing", ["tenantId", "requestMessage", "endpoints"])
def test_what_is_missing_is_unknown_and_approves_nothing(
    missing: str, policy: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    for request in ({k: v for k, v in genuine().items() if k != missing}, genuine(**{missing: None})):
        assert explain(policy, write("r.json", json.dumps(request)), capsys)["outcome"] == "held"


def test_the_word_home_is_the_tenant_of_the_app(policy: str, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    request = {"targetId": STORAGE, "privateEndpointId": private_endpoint(), "tenantId": "home"}
    assert explain(policy, write("r.json", json.dumps(request)), capsys)["rule"] == "hub-reads"


def test_all_of_many_rules_are_explained(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    rule = "  - {{name: r-{}, effect: allow, requesters: [adx], targets: {{types: [Microsoft.EventHub/namespaces]}}}}\n"
    many = write("many.yaml", POLICY + "".join(rule.format(n) for n in range(60)))
    answer = explain(many, write("r.json", json.dumps(genuine())), capsys)
    assert len(answer["rules"]) == 62
    assert {rule["reason"]["check"] for rule in answer["rules"][2:]} == {"targetType"}


def test_what_a_requester_wrote_cannot_act_on_the_terminal(
    policy: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    request = genuine(privateEndpointId="\x1b[2J/\u202e", requestMessage="\x1b[31m\r\n")
    assert main(["explain", policy, "--request", write("r.json", json.dumps(request))]) == 0
    assert not {"\x1b", "\r", "\u202e"} & set(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("request_text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "expected a request, found an empty list"),
        ("{}", "the key targetId is missing"),
        (json.dumps(genuine(subResources=["blob"])), "did you mean 'subResource'"),
        (json.dumps(genuine(targetId=private_endpoint())), "expected the whole id of a target"),
        (json.dumps(genuine(tenantId="contoso.com")), "expected a GUID"),
        (json.dumps(genuine(endpoints=[{"requester": "adxx", "name": "m"}])), "did you mean 'adx'"),
        (json.dumps(genuine(otherConnections=[{"privateEndpointId": private_endpoint("b"), "tenantId": "home"}])),
         "has another tenant above"),
        (json.dumps(genuine())[:-1] + ', "targetId": ""}', "the key 'targetId' is here twice"),
        ("[" * 100_000, "not JSON"),
        ('{"tags": ' + "[" * 30 + "]" * 30 + "}", "nested deeper than 20 levels"),
        ('{"a": ' + "9" * 5000 + "}", "not JSON"),
    ],
    ids=range(12),
)  # fmt: skip
def test_a_bad_request_is_told_and_exits_with_2(
    request_text: str, message: str, policy: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", policy, "--request", write("r.json", request_text)]) == 2
    assert message in capsys.readouterr().err
