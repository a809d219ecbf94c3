"""Requesters that are people: whose private endpoint it is, in allow, deny and reject rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.model.check import Certainty, Check, FailedCheck
from shared.model.connection import Connection
from shared.model.requester import HOME, PrivateEndpointRequester, PrivateEndpointView
from shared.model.situation import Target
from shared.policy.rules import Rule, Targets
from shared.policy.verdict import Verdict
from shared.resource_id import fold, parse
from tests.situations.world import (
    ADX,
    ELSEWHERE,
    GROUP,
    HOME_TENANT,
    MICROSOFT,
    OTHER_TENANT,
    OURS,
    PARTNER,
    PARTNER_GROUP,
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

    @pytest.mark.parametrize("narrowed", ["resource_groups", "private_endpoints", "subscriptions"])
    def test_another_tenant_behind_the_right_selector_names_the_rule(self, narrowed: str) -> None:
        whole = private_endpoint("theirs", PARTNERS).lower()
        value = {
            "resource_groups": whole.partition("/providers")[0],
            "private_endpoints": whole,
            "subscriptions": PARTNERS,
        }
        narrow = {"subscriptions": frozenset[str](), narrowed: frozenset({value[narrowed]})}
        known = replace(PARTNER, **narrow)  # type: ignore[arg-type]
        verdict = one(situation(PARTNER_ASKS, tenants={PARTNERS: OTHER_TENANT}), allow("partner"), requesters=(known,))
        assert (verdict.rule, verdict.reasons[0].check) == ("allows", "tenant")

    def test_of_two_selectors_that_fail_an_allow_rule_tells_the_tenant(self) -> None:
        known = replace(PARTNER, tenants=frozenset({OTHER_TENANT}), subscriptions=frozenset({OURS}))
        verdict = one(situation(PARTNER_ASKS), allow("partner"), requesters=(known,))
        assert (verdict.rule, verdict.reasons[0].check) == (None, "tenant")

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
        waits = FailedCheck(Check.NOT_FOUND, found="gone", certainty=Certainty.WAITING)
        problem = seen(sub_resource="blob", problem=waits)
        assert (problem.outcome, problem.rule, problem.waiting) == ("held", "allows", True)
        assert (problem.reasons[0].check, reason(problem)[1]) == ("evidence.notFound", "gone")
        assert not seen(sub_resource="blob", problem=FailedCheck(Check.NOT_FOUND)).waiting

    def test_the_target_and_the_private_endpoint_must_show_the_same_sub_resource(self) -> None:
        views = {private_endpoint("mine", OURS).lower(): PrivateEndpointView(readable=True, sub_resource="dfs")}
        for shown, expected in [("blob", ("held", "evidence.notFound")), ("DFS", APPROVED), (None, APPROVED)]:
            world = situation(replace(OURS_ASK, sub_resource=shown), private_endpoints=views)
            assert told(decided(world, allow("people"))) == [expected]
        verdict = one(situation(replace(OURS_ASK, sub_resource="blob"), private_endpoints=views), allow("people"))
        assert reason(verdict) == ("a private endpoint for blob", "one for dfs")

    def test_what_it_shows_matters_to_no_deny_rule(self) -> None:
        gone = PrivateEndpointView(readable=True, problem=FailedCheck(Check.NOT_FOUND))
        views = {private_endpoint("mine", OURS).lower(): gone}
        assert one(situation(OURS_ASK, private_endpoints=views), deny("people")).outcome == "denied"


class TestDenial:
    """A deny or reject rule matches only what certainly is, or may be, its requester's."""

    @pytest.mark.parametrize(
        ("requester", "tenant", "outcomes"),
        [
            ({"tenants": {PARTNER_TENANT}}, PARTNER_TENANT, ("denied", "rejected")),
            ({"tenants": {PARTNER_TENANT}}, None, ("denied", "held")),
            ({"tenants": {PARTNER_TENANT}}, OTHER_TENANT, ("held", "held")),
            ({"tenants": {PARTNER_TENANT}, "resource_groups": {GROUP}}, PARTNER_TENANT, ("held", "held")),
            ({"tenants": {PARTNER_TENANT}, "resource_groups": {GROUP}}, None, ("held", "held")),
            ({"tenants": {PARTNER_TENANT}, "resource_groups": {PARTNER_GROUP}}, OTHER_TENANT, ("held", "held")),
            ({"subscriptions": {PARTNERS}}, None, ("denied", "rejected")),
            ({"subscriptions": {PARTNERS}}, MICROSOFT, ("denied", "rejected")),
        ],
    )
    def test_each_selector_must_agree(
        self, requester: dict[str, set[str]], tenant: str | None, outcomes: tuple[str, str]
    ) -> None:
        known = PrivateEndpointRequester("partner", **{k: frozenset(v) for k, v in requester.items()})  # type: ignore[arg-type]
        world = situation(PARTNER_ASKS, tenants={PARTNERS: tenant})
        rules = (deny("partner"), reject("partner"))
        assert tuple(one(world, rule, requesters=(known,)).outcome for rule in rules) == outcomes
        assert {one(world, rule, requesters=(known,)).rule for rule in rules} <= {None, "denies", "rejects"}

    def test_while_the_tenant_of_the_app_is_unknown_home_is_too(self) -> None:
        world = situation(OURS_ASK, home_tenant=None)
        assert one(world, deny("people")).outcome == "denied"
        held = one(world, reject("people"))
        assert (held.outcome, held.rule) == ("held", "rejects")
        foreign = replace(PARTNER, tenants=frozenset({OTHER_TENANT}), subscriptions=frozenset())
        assert one(world, deny("partner"), requesters=(foreign,)).outcome == "held"


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


@pytest.mark.parametrize(
    ("requester", "asks", "expected", "found"),
    [
        (PARTNER, OURS_ASK, PARTNER_TENANT, HOME_TENANT),
        (replace(PARTNER, tenants=frozenset()), OURS_ASK, PARTNERS, OURS),
        (replace(PARTNER, resource_groups=frozenset({GROUP})), PARTNER_ASKS, GROUP, PARTNER_GROUP),
        (PARTNER, replace(PARTNER_ASKS, private_endpoint_id="x"), "the id of a private endpoint", "x"),
        (replace(PARTNER, tenants=frozenset(), subscriptions=frozenset({SERVICES})), connection("a", ""),
         "not a tenant in which services keep every customer's private endpoints", MICROSOFT),
    ],
)  # fmt: skip
def test_a_requester_that_fails_tells_what_was_wanted_and_found(
    requester: PrivateEndpointRequester, asks: Connection, expected: str, found: str
) -> None:
    assert reason(one(situation(asks), allow("partner"), requesters=(requester,))) == (expected, found)


def test_a_private_endpoint_that_disagrees_tells_why() -> None:
    views = {
        private_endpoint("mine", OURS).lower(): PrivateEndpointView(
            readable=True, problem=FailedCheck(Check.NOT_FOUND, "a private endpoint that shows this connection", "gone")
        )
    }
    verdict = one(situation(OURS_ASK, private_endpoints=views), allow("people"))
    assert reason(verdict) == ("a private endpoint that shows this connection", "gone")


class TestTenantsOfManagedEndpoints:
    """A tenant in which a service keeps every customer's private endpoints makes nobody known."""

    def test_no_allow_rule_for_people_matches_in_a_tenant_that_another_requester_names(self) -> None:
        adx = replace(ADX, endpoint_tenants=frozenset({PARTNER_TENANT}), tenants_named=True)
        for requester in (
            PARTNER,
            PrivateEndpointRequester("partner", subscriptions=frozenset({PARTNERS})),
        ):
            verdict = one(situation(PARTNER_ASKS), allow("partner"), requesters=(requester, adx))
            assert (verdict.outcome, verdict.reasons[0].check) == ("held", "tenant")
            assert one(situation(PARTNER_ASKS), deny("partner"), requesters=(requester, adx)).outcome == "denied"


class TestTenantsThatCannotBeReadForNow:
    def test_an_allow_rule_waits_for_them(self) -> None:
        world = situation(STRANGER_ASKS, unread_tenants=frozenset({ELSEWHERE}))
        verdict = one(world, allow("people"))
        assert (verdict.outcome, verdict.rule, verdict.waiting) == ("held", "allows", True)
        assert verdict.reasons[0].check == "evidence.unreadable"

    def test_they_satisfy_a_deny_rule_and_leave_a_reject_rule_unsure(self) -> None:
        world = situation(STRANGER_ASKS, unread_tenants=frozenset({ELSEWHERE}))
        assert one(world, deny("people")).outcome == "denied"
        verdict = one(world, reject("people"))
        assert (verdict.outcome, verdict.rule, verdict.waiting) == ("held", "rejects", True)

    def test_so_it_is_with_the_app_s_own(self) -> None:
        world = situation(PARTNER_ASKS, home_tenant=None, unread_tenants=frozenset({OURS}))
        assert one(world, allow("people")).waiting
        assert not one(replace(world, unread_tenants=frozenset()), allow("people")).waiting


class TestLettersBeyondAscii:
    """Azure may take them for the same in another case: what denies or rejects does, what allows does not."""

    @pytest.mark.parametrize(
        ("written", "found"), [("rg-VERGÜTUNG", "rg-vergütung"), ("straße", "STRASSE"), ("\u212a", "k")]
    )
    def test_a_group_of_the_target(self, written: str, found: str) -> None:
        target = parse(f"/subscriptions/{OURS}/resourceGroups/{found}/providers/Microsoft.Storage/storageAccounts/data")
        group = fold(f"/subscriptions/{OURS}/resourceGroups/{written}")
        world = replace(situation(OURS_ASK), target=Target(target))
        by_group = Targets(resource_groups=frozenset({group}))
        by_id = Targets(resources=frozenset({f"{group}/providers/microsoft.storage/storageaccounts/data"}))
        for targets in (by_group, by_id):
            assert one(world, allow("people", targets=targets)).outcome == "held"
            assert one(world, allow("people"), deny(targets=targets)).outcome == "denied"
            assert one(world, allow("people"), reject(targets=targets)).outcome == "rejected"

    def test_the_private_endpoint_s_group_and_id(self) -> None:
        asks = replace(PARTNER_ASKS, private_endpoint_id=private_endpoint("Ä", PARTNERS, "GRÜN"))
        for selectors in (
            {"resource_groups": {f"/subscriptions/{PARTNERS}/resourcegroups/grün"}},
            {"private_endpoints": {fold(private_endpoint("ä", PARTNERS, "grün"))}},
        ):
            narrowed: dict[str, Any] = {key: frozenset(values) for key, values in selectors.items()}
            who = PrivateEndpointRequester("partner", frozenset({PARTNER_TENANT}), **narrowed)
            assert one(situation(asks), allow("partner"), requesters=(who,)).outcome == "held"
            assert one(situation(asks), deny("partner"), requesters=(who,)).outcome == "denied"

    def test_a_tag_s_name(self) -> None:
        world = replace(situation(OURS_ASK), target=Target(STORAGE, {"GRÖSSE": "l"}))
        assert one(world, allow("people"), deny(targets=Targets(tags={"größe": "l"}))).outcome == "denied"
        assert one(world, allow("people", targets=Targets(tags={"größe": "l"}))).outcome == "held"
