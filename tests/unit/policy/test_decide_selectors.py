"""The selectors of a rule: private endpoints that people make, targets, sub-resources, and what is not known of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.evidence.model import Check, PrivateEndpointView, Target
from shared.policy.model import HOME, PrivateEndpointRequester, Rule, Targets
from shared.policy.verdict import Verdict
from tests.policies.world import (
    ELSEWHERE,
    EVENT_HUBS,
    GROUP,
    HOME_TENANT,
    MICROSOFT,
    OTHER_TENANT,
    OURS,
    PARTNER_TENANT,
    PARTNERS,
    SERVICES,
    STORAGE,
    TODAY,
    allow,
    connection,
    decided,
    deny,
    private_endpoint,
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


class TestPeople:
    @pytest.mark.parametrize(
        ("requester", "check"),
        [
            ({"tenants": {PARTNER_TENANT}}, None),
            ({"tenants": {OTHER_TENANT}}, "tenant"),
            ({"tenants": {HOME}}, "tenant"),
            ({"tenants": {HOME, PARTNER_TENANT}}, None),
            ({"subscriptions": {PARTNERS}}, None),
            ({"subscriptions": {OURS}}, "subscription"),
            ({"tenants": {PARTNER_TENANT}, "subscriptions": {OURS}}, "subscription"),
            ({"subscriptions": {PARTNERS}, "resource_groups": {f"/subscriptions/{PARTNERS}/resourcegroups/x"}}, None),
            (
                {"subscriptions": {PARTNERS}, "resource_groups": {f"/subscriptions/{PARTNERS}/resourcegroups/y"}},
                "resourceGroup",
            ),
            ({"tenants": {PARTNER_TENANT}, "private_endpoints": {private_endpoint("theirs", PARTNERS).lower()}}, None),
            (
                {"tenants": {PARTNER_TENANT}, "private_endpoints": {private_endpoint("other", PARTNERS).lower()}},
                "privateEndpoint",
            ),
        ],
    )
    def test_each_selector_is_checked(self, requester: dict[str, set[str]], check: str | None) -> None:
        known = PrivateEndpointRequester("partner", **{key: frozenset(value) for key, value in requester.items()})  # type: ignore[arg-type]
        verdict = one(situation(PARTNER_ASKS), allow("partner"), requesters=(known,))
        assert (verdict.outcome, [r.check for r in verdict.reasons]) == (
            ("held", [check]) if check else ("approved", [])
        )

    @pytest.mark.parametrize("tenant", [None, MICROSOFT])
    def test_a_tenant_that_is_unknown_or_microsofts_is_never_allowed(self, tenant: str | None) -> None:
        by_subscription = PrivateEndpointRequester("partner", subscriptions=frozenset({PARTNERS}))
        world = situation(PARTNER_ASKS, tenants={PARTNERS: tenant})
        verdict = one(world, allow("partner"), requesters=(by_subscription,))
        assert (verdict.outcome, verdict.rule, verdict.reasons[0].check) == ("held", "allows", "tenant")
        assert verdict.reasons[0].found == tenant

    def test_the_right_subscription_in_another_tenant_names_the_rule(self) -> None:
        verdict = one(situation(PARTNER_ASKS, tenants={PARTNERS: OTHER_TENANT}), allow("partner"))
        assert (verdict.rule, verdict.reasons[0].check, verdict.tenant_id) == ("allows", "tenant", OTHER_TENANT)

    def test_home_is_the_tenant_of_the_app_only(self) -> None:
        assert told(decided(situation(OURS_ASK), allow("people"))) == [APPROVED]
        verdict = one(situation(OURS_ASK, home_tenant=None), allow("people"))
        assert (verdict.outcome, reason(verdict)) == ("held", ("the app's own tenant", HOME_TENANT))
        verdict = one(situation(OURS_ASK, home_tenant=None, tenants={}), allow("people"))
        assert reason(verdict) == ("a tenant that is known", None)
        assert reason(one(situation(PARTNER_ASKS), allow("people"))) == (HOME_TENANT, PARTNER_TENANT)

    @pytest.mark.parametrize("endpoint_id", [None, "", "nonsense", str(STORAGE)])
    def test_without_a_private_endpoint_that_parses_nobody_is_allowed(self, endpoint_id: str | None) -> None:
        verdict = one(situation(replace(OURS_ASK, private_endpoint_id=endpoint_id)), allow())
        assert (verdict.outcome, verdict.rule, verdict.reasons[0].check) == ("held", None, "privateEndpoint")

    def test_one_that_can_be_read_must_agree(self) -> None:
        def seen(**view: Any) -> Verdict:
            views = {private_endpoint("mine", OURS).lower(): PrivateEndpointView(readable=True, **view)}
            asks = replace(OURS_ASK, sub_resource=view.pop("shown", None))
            return one(situation(asks, private_endpoints=views), allow("people", sub_resources=frozenset({"blob"})))

        agrees = seen(sub_resource="Blob")
        assert (agrees.outcome, agrees.sub_resource) == ("approved", "Blob")
        assert seen(sub_resource="dfs").reasons[0].check == "subResource"
        assert seen().reasons[0].check == "subResource"
        problem = seen(sub_resource="blob", problem=Check.NOT_FOUND, detail="gone", transient=True)
        assert (problem.outcome, problem.rule, problem.waiting) == ("held", "allows", True)
        assert (problem.reasons[0].check, reason(problem)[1]) == ("evidence.notFound", "gone")
        assert not seen(sub_resource="blob", problem=Check.NOT_FOUND).waiting

    def test_the_target_and_the_private_endpoint_must_show_the_same_sub_resource(self) -> None:
        views = {private_endpoint("mine", OURS).lower(): PrivateEndpointView(readable=True, sub_resource="dfs")}
        for shown, expected in [("blob", ("held", "evidence.notFound")), ("DFS", APPROVED), (None, APPROVED)]:
            world = situation(replace(OURS_ASK, sub_resource=shown), private_endpoints=views)
            assert told(decided(world, allow("people"))) == [expected]
        verdict = one(situation(replace(OURS_ASK, sub_resource="blob"), private_endpoints=views), allow("people"))
        assert reason(verdict) == ("a private endpoint for blob", "one for dfs")

    def test_what_it_shows_matters_to_no_deny_rule(self) -> None:
        views = {private_endpoint("mine", OURS).lower(): PrivateEndpointView(readable=True, problem=Check.NOT_FOUND)}
        assert one(situation(OURS_ASK, private_endpoints=views), deny("people")).outcome == "denied"


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

    def test_the_two_names_of_digital_twins_are_one(self) -> None:
        for shown in ("API", "digitalTwinsInstance", "DigitalTwinsInstances"):
            world = situation(replace(OURS_ASK, sub_resource=shown))
            assert told(decided(world, allow("people", sub_resources=frozenset({"api"})))) == [APPROVED]


class TestUnknown:
    """An unknown tenant satisfies a deny rule and never a reject rule."""

    def test_a_deny_rule_takes_it(self) -> None:
        assert one(situation(STRANGER_ASKS), deny("people")).outcome == "denied"
        assert one(situation(UNKNOWN), deny("people")).outcome == "denied"

    def test_a_reject_rule_that_hinges_on_it_holds(self) -> None:
        for asks in (STRANGER_ASKS, UNKNOWN):
            verdict = one(situation(asks), reject("people"), deny())
            assert (verdict.outcome, verdict.rule) == ("held", "rejects")

    def test_a_reject_rule_that_certainly_fails_elsewhere_does_not_hold(self) -> None:
        other = Targets(types=frozenset({"microsoft.eventhub/namespaces"}))
        for rule in (
            reject("people", targets=other),
            reject("partner"),
            reject("people", expires=TODAY - timedelta(1)),
        ):
            assert told(decided(situation(STRANGER_ASKS), rule)) != [APPROVED]
            assert one(situation(STRANGER_ASKS), rule).rule is None

    def test_a_reject_rule_by_subscription_needs_no_tenant(self) -> None:
        known = PrivateEndpointRequester("partner", subscriptions=frozenset({ELSEWHERE}))
        assert one(situation(STRANGER_ASKS), reject("partner"), requesters=(known,)).outcome == "rejected"
        verdict = one(
            situation(connection("ms", "", SERVICES)),
            deny("partner"),
            requesters=(replace(known, subscriptions=frozenset({SERVICES})),),
        )
        assert verdict.outcome == "denied"
