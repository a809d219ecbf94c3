"""Loading a policy: what is refused, where, and what a good one becomes."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from shared.model.requester import MICROSOFT_TENANTS, PrivateEndpointRequester, ServiceRequester
from shared.model.target_types import TARGET_TYPES, TargetType
from shared.policy.language.check import check
from shared.policy.language.document import load
from shared.policy.language.findings import Finding, InvalidPolicyError
from shared.policy.language.refusals import impossible
from shared.policy.language.yaml_nodes import MAX_BYTES
from shared.policy.rules import Effect, Mode
from shared.resource_id import parse
from tests.policies.corpus import BAD, FOLDER, GOOD, STARTER, expected, stem, unmet

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
SMALLEST = (FOLDER / "good" / "smallest.yaml").read_text()


def errors(text: bytes | str) -> list[Finding]:
    with pytest.raises(InvalidPolicyError) as raised:
        load(text)
    return list(raised.value.findings)


def test_there_are_enough_bad_policies_to_trust_the_loader() -> None:
    assert len(BAD) >= 60


@pytest.mark.parametrize("path", BAD, ids=stem)
def test_a_bad_policy_is_refused_in_the_right_line(path: Path) -> None:
    assert unmet(errors(path.read_bytes()), expected(path, "expect")) == []


@pytest.mark.parametrize("path", [*GOOD, STARTER], ids=stem)
def test_a_good_policy_loads(path: Path) -> None:
    assert load(path.read_bytes()).rules


def test_the_starter_policy_has_no_warnings_and_changes_nothing_yet() -> None:
    assert check(STARTER.read_bytes(), date(2026, 11, 21)) == []
    assert load(STARTER.read_bytes()).mode is Mode.AUDIT


def test_every_key_reaches_the_model() -> None:
    policy = load((FOLDER / "good" / "every-key.yaml").read_text())
    adx, hub = policy.requesters.values()
    rule, reject = policy.rules
    group = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg"
    assert policy.mode is Mode.ENFORCE
    assert policy.scope.management_groups == {"landing-zones", "2024"}
    assert isinstance(adx, ServiceRequester)
    assert (adx.service, adx.require_message, adx.resource.name) == ("kusto", True, "adx")
    assert adx.endpoint_tenants == {"44444444-4444-4444-4444-444444444444"}
    assert adx.tenants_named
    assert isinstance(hub, PrivateEndpointRequester)
    assert hub.tenants == {"home", "22222222-2222-2222-2222-222222222222"}
    assert all(key.endswith("/privateendpoints/pe-1") for key in hub.private_endpoints)
    assert rule.requesters == ("adx-prod", "hub")
    assert rule.targets.types == {"microsoft.storage/storageaccounts", "microsoft.eventhub/namespaces"}
    assert rule.targets.resource_groups == {group}
    assert rule.targets.tags == {"private-link": "open", "on": "yes", "empty": ""}
    assert rule.firewall is not None
    assert (rule.firewall.public_network_access, rule.firewall.settle_seconds) == ("selectedNetworks", 0)
    assert (rule.expires, rule.max_connections, rule.mode, rule.line) == (date(2027, 6, 30), 3, Mode.AUDIT, 20)
    assert (reject.effect, reject.mode, reject.firewall) == (Effect.REJECT, Mode.ENFORCE, None)
    assert reject.expires == date(2027, 6, 30)


def test_ids_types_words_and_sub_resources_are_read_in_any_case() -> None:
    policy = load((FOLDER / "good" / "any-case.yaml").read_text())
    allow, deny = policy.rules
    assert policy.scope.covers(parse(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rG"))
    assert policy.scope.covers(parse("/subscriptions/aaaaaaaa-1111-1111-1111-111111111111"))
    assert allow.sub_resources == {"blob", "api"}
    assert allow.firewall is not None
    assert (allow.firewall.public_network_access, allow.firewall.trusted_services) == ("disabled", "deny")
    assert (deny.effect, deny.requesters) == (Effect.DENY, None)


def test_defaults_are_the_careful_ones() -> None:
    policy = load(SMALLEST)
    assert policy.mode is Mode.AUDIT
    text = (FOLDER / "good" / "any-case.yaml").read_text().replace("    requireMessage: True\n", "")
    adx = load(text).requesters["ADX"]
    assert isinstance(adx, ServiceRequester)
    assert adx.require_message is False
    assert adx.endpoint_tenants == MICROSOFT_TENANTS
    assert not adx.tenants_named


def test_all_errors_are_told_at_once_and_in_the_order_of_the_text() -> None:
    found = errors((FOLDER / "bad" / "two-mistakes.yaml").read_text())
    assert len(found) == 3
    assert [f.line for f in found] == sorted(f.line for f in found)


def test_a_finding_reads_as_one_line_with_place_path_and_allowed_values() -> None:
    (found,) = errors(SMALLEST.replace("deny", "refuse"))
    assert str(found) == "4:28: error: rules[0].effect: unknown value 'refuse' (allowed: allow, deny, reject)"


def test_a_policy_is_known_by_the_hash_of_its_text() -> None:
    assert load(SMALLEST).hash == load(SMALLEST.encode()).hash == hashlib.sha256(SMALLEST.encode()).hexdigest()
    with pytest.raises(InvalidPolicyError) as raised:
        load(SMALLEST + "?")
    assert raised.value.subject == hashlib.sha256(SMALLEST.encode() + b"?").hexdigest()


def test_a_byte_order_mark_is_no_error() -> None:
    assert load(b"\xef\xbb\xbf" + SMALLEST.encode()).rules


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "the document is empty"),
        ("# nothing but a comment\n", 1, "the document is empty"),
        ("- a list\n", 1, "expected a policy, found a list"),
        ("~", 1, "expected a policy, found nothing"),
        (b"version: 1\nmode: \xff\n", 2, "not UTF-8: byte 0xff"),
        (SMALLEST.encode("utf-16"), 1, "not UTF-8"),
        ("version: 1\nmode: a\0b\n", 2, "the character U+0000 is not allowed"),
        ("version: 1\nmode: audit # \u202e\n", 2, "the character U+202E is not allowed"),
        ("version: 1\n\ud800: 1\n", 2, "not UTF-8"),
        ("#" * (MAX_BYTES + 1), 1, f"larger than {MAX_BYTES} bytes"),
        ("é" * (MAX_BYTES // 2 + 1), 1, f"larger than {MAX_BYTES} bytes"),
        ("[" * 100_000, 1, "nested deeper than 20 levels"),
        ("a: " * 100_000, 1, "not YAML"),
        ("{a: " * 100_000, 1, "nested deeper than 20 levels"),
        ("%YAML " + "9" * 10_000 + ".1\n--- a\n", 1, "not YAML"),
        ('"\\U99999999"\n', 1, "not YAML"),
    ],
    ids=range(16),
)
def test_what_is_no_policy_at_all_gives_a_finding_with_its_line(text: bytes | str, line: int, message: str) -> None:
    assert any(f.line == line and message in str(f) for f in errors(text)), errors(text)


def test_a_file_of_another_kind_gives_a_thousand_findings_and_no_more() -> None:
    found = errors("[" + "1, " * 5000 + "]")
    assert len(found) == 1
    found = errors("rules: [" + "1, " * 5000 + "]")
    assert len(found) == 1001
    assert found[-1].message == "there is more, which is not listed"


def test_a_huge_or_hostile_word_is_not_repeated_whole() -> None:
    found = errors("\x85" + "x" * 100_000 + ": '" + "\x1b[31m"[1:] * 50_000 + "'\n")
    assert all(len(str(f)) < 500 for f in found)


STORAGE = TARGET_TYPES["microsoft.storage/storageaccounts"]
NEVER = replace(STORAGE, selected_networks=False, disabled=False, trusted_services=False)


@pytest.mark.parametrize(
    ("access", "trusted", "known", "refused"),
    [
        ("selectedNetworks", "keep", replace(STORAGE, selected_networks=False), ["publicNetworkAccess"]),
        ("selectedNetworks", "keep", replace(NEVER, selected_networks=True), []),
        ("disabled", "keep", replace(STORAGE, disabled=False), ["publicNetworkAccess"]),
        ("disabled", "keep", replace(NEVER, disabled=True), []),
        ("disabled", "deny", replace(STORAGE, trusted_services=False), ["trustedServices"]),
        ("selectedNetworks", "deny", NEVER, ["publicNetworkAccess", "trustedServices"]),
        (None, "keep", NEVER, []),
        ("selectedNetworks", "deny", STORAGE, []),
    ],
)
def test_a_wish_that_a_type_can_never_fulfil_is_named(
    access: str | None, trusted: str, known: TargetType, refused: list[str]
) -> None:
    assert [key for key, _ in impossible(access, trusted, known)] == refused
