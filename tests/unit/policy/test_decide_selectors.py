"""The selectors of a rule: targets and sub-resources."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.model.situation import Target
from shared.policy.rules import Rule, Targets
from shared.policy.verdict import Verdict
from tests.situations.world import (
    CONSTANT,
    ELSEWHERE,
    EVENT_HUBS,
    GROUP,
    OURS,
    PARTNERS,
    SERVICES,
    STORAGE,
    allow,
    binding,
    connection,
    decided,
    deny,
    endpoint,
    reason,
    reject,
    situation,
    told,
    workspace_endpoint,
)

APPROVED = ("approved", None)
OURS_ASK = connection("mine", "", OURS)
PARTNER_ASKS = connection("theirs", "", PARTNERS)
STRANGER_ASKS = connection("strange", "", ELSEWHERE)
UNKNOWN = connection(private_endpoint_id=None)


def one(world: Any, *rules: Rule, **more: Any) -> Verdict:
    return decided(world, *rules, **more)[0]


class TestTargets:
    @pytest.mark.parametrize(
        ("targets", "check"),
        [
            ({"types": {"microsoft.storage/storageaccounts"}}, None),
            ({"types": {"microsoft.eventhub/namespaces"}}, "targetType"),
            ({"subscriptions": {OURS}}, None),
            ({"subscriptions": {PARTNERS}}, "targetSubscription"),
            ({"resource_groups": {GROUP}}, None),
            ({"resource_groups": {GROUP + "2"}}, "targetResourceGroup"),
            ({"resources": {STORAGE.key}}, None),
            ({"resources": {EVENT_HUBS.key}}, "targetResource"),
            ({"resources": {EVENT_HUBS.key, STORAGE.key}}, None),
            ({"types": {"microsoft.storage/storageaccounts"}, "subscriptions": {PARTNERS}}, "targetSubscription"),
        ],
    )
    def test_each_selector_is_checked(self, targets: dict[str, set[str]], check: str | None) -> None:
        selected = Targets(**{key: frozenset(value) for key, value in targets.items()})  # type: ignore[arg-type]
        assert told(decided(situation(OURS_ASK), allow("people", targets=selected))) == [
            ("held", check) if check else APPROVED
        ]
        assert one(situation(OURS_ASK), deny(targets=selected)).outcome == ("held" if check else "denied")

    @pytest.mark.parametrize(
        ("wanted", "tags", "found"),
        [
            ({"env": "prod"}, {"env": "prod"}, None),
            ({"ENV": "prod"}, {"Env": "prod", "x": "y"}, None),
            ({"env": "prod"}, {"env": "Prod"}, "Prod"),
            ({"env": "prod"}, {}, "no such tag"),
            ({"env": "prod", "team": "data"}, {"env": "prod"}, "no such tag"),
        ],
    )
    def test_all_tags_must_be_there(self, wanted: dict[str, str], tags: dict[str, str], found: str | None) -> None:
        world = situation(OURS_ASK, target=Target(STORAGE, tags))
        verdict = one(world, allow("people", targets=Targets(tags=wanted)))
        assert verdict.outcome == ("held" if found else "approved")
        if found:
            assert (verdict.reasons[0].check, verdict.reasons[0].found) == ("targetTag", found)

    def test_a_rule_without_tags_does_not_need_them(self) -> None:
        world = situation(OURS_ASK, target=Target(STORAGE, None))
        assert told(decided(world, allow("people"))) == [APPROVED]
        assert one(world, reject("people")).outcome == "rejected"

    def test_tags_that_were_not_read_never_allow_never_reject_and_always_deny(self) -> None:
        tagged = Targets(tags={"env": "prod", "team": "data"})
        world = situation(OURS_ASK, target=Target(STORAGE, None))
        assert reason(one(world, allow("people", targets=tagged))) == ("env=prod, team=data", None)
        assert one(world, deny(targets=tagged)).outcome == "denied"
        held = one(world, reject(targets=tagged), allow("people"))
        assert (held.outcome, held.rule, held.reasons[0].check) == ("held", "rejects", "targetTag")


class TestSubResources:
    def test_one_that_is_shown_is_compared_without_case(self) -> None:
        blob = frozenset({"blob"})
        for shown, expected in [("BLOB", APPROVED), ("dfs", ("held", "subResource")), (None, ("held", "subResource"))]:
            world = situation(replace(OURS_ASK, sub_resource=shown))
            assert told(decided(world, allow("people", sub_resources=blob))) == [expected]

    def test_an_unknown_one_satisfies_a_deny_and_never_a_reject(self) -> None:
        blob = frozenset({"blob"})
        assert one(situation(OURS_ASK), deny(sub_resources=blob), allow("people")).outcome == "denied"
        held = one(situation(OURS_ASK), reject(sub_resources=blob), deny(), allow("people"))
        assert (held.outcome, held.rule, held.requester) == ("held", "rejects", None)
        other = situation(replace(OURS_ASK, sub_resource="dfs"))
        assert one(other, reject(sub_resources=blob), deny(sub_resources=blob), allow("people")).outcome == "approved"

    def test_of_a_service_the_endpoint_tells_it(self) -> None:
        world = situation(connection("ws.mpe", ""), endpoints=(workspace_endpoint(sub_resource="dfs"),))
        assert told(decided(world, allow("ws", sub_resources=frozenset({"dfs"})))) == [APPROVED]
        assert told(decided(world, allow("ws", sub_resources=frozenset({"blob"})))) == [("held", "subResource")]
        verdict = one(world, allow("ws"))
        assert (verdict.sub_resource, verdict.endpoint_id) == ("dfs", "id/mpe")

    def test_where_nothing_proves_a_service_only_what_is_shown_counts(self) -> None:
        rule = allow("ws", sub_resources=frozenset({"blob"}))
        shown = situation(connection("ws.mpe", "", sub_resource="dfs"))
        assert told(decided(shown, rule)) == [("held", "subResource")]
        assert one(shown, rule).rule is None
        hidden = one(situation(connection("ws.mpe", "")), rule)
        assert (hidden.rule, hidden.reasons[0].check) == ("allows", "evidence.notFound")

    def test_a_service_that_shows_an_allowed_one_is_named_for_its_missing_evidence(self) -> None:
        shown = situation(connection("ws.mpe", "", sub_resource="blob"))
        verdict = one(shown, allow("ws", sub_resources=frozenset({"blob"})))
        assert (verdict.rule, verdict.reasons[0].check) == ("allows", "evidence.notFound")

    def test_an_endpoint_that_was_spent_on_it_tells_it_too(self) -> None:
        made = (endpoint(message=CONSTANT, sub_resource="dfs"),)
        world = situation(connection("a", CONSTANT), endpoints=made, bindings={"adx": (binding("a"),)})
        assert told(decided(world, allow("adx", sub_resources=frozenset({"blob"})))) == [("held", "subResource")]
        assert one(world, allow("adx")).sub_resource == "dfs"

    def test_the_two_names_of_digital_twins_are_one(self) -> None:
        for shown in ("API", "digitalTwinsInstance", "DigitalTwinsInstances"):
            world = situation(replace(OURS_ASK, sub_resource=shown))
            assert told(decided(world, allow("people", sub_resources=frozenset({"api"})))) == [APPROVED]


EVENT_HUBS_TYPE = frozenset({"microsoft.eventhub/namespaces"})
TWO = frozenset({PARTNERS, SERVICES})
GROUPS = frozenset({f"{GROUP}2", f"{GROUP}3"})


@pytest.mark.parametrize(
    ("rule", "expected", "found"),
    [
        (allow("people", targets=Targets(types=EVENT_HUBS_TYPE)), "microsoft.eventhub/namespaces", STORAGE.type),
        (allow("people", targets=Targets(subscriptions=TWO)), f"one of {PARTNERS}, {SERVICES}", OURS),
        (allow("people", targets=Targets(resource_groups=GROUPS)), f"one of {GROUP}2, {GROUP}3", str(STORAGE.group)),
        (allow("people", targets=Targets(resources=frozenset({EVENT_HUBS.key}))), EVENT_HUBS.key, str(STORAGE)),
        (allow("people", targets=Targets(tags={"env": "test"})), "env=test", "prod"),
        (allow("people", sub_resources=frozenset({"dfs", "file"})), "one of dfs, file", "blob"),
    ],
)  # fmt: skip
def test_a_selector_that_fails_tells_what_it_wanted_and_what_it_found(rule: Rule, expected: str, found: str) -> None:
    assert reason(one(situation(replace(OURS_ASK, sub_resource="blob")), rule)) == (expected, found)
