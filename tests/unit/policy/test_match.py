"""Data Explorer (INTERFACE section 8): random messages, and groups of connections and endpoints."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.evidence.match import is_random
from tests.policies.world import (
    ADX,
    CLUSTER,
    CONSTANT,
    ELSEWHERE,
    MICROSOFT,
    PARTNER_TENANT,
    PARTNERS,
    STORAGE,
    STRICT_ADX,
    allow,
    binding,
    connection,
    decided,
    endpoint,
    kusto,
    reason,
    situation,
    strict,
    told,
)

APPROVED = ("approved", None)
AMBIGUOUS = ("held", "evidence.ambiguous")
LATER = datetime(2026, 11, 11, tzinfo=UTC)


class TestRandomMessage:
    @pytest.mark.parametrize("requester", [ADX, STRICT_ADX])
    def test_one_that_a_single_connection_carries_proves_by_itself(self, requester: Any) -> None:
        world = situation(connection(), endpoints=(endpoint(),))
        (verdict,) = decided(world, allow("adx"), requesters=(requester,))
        assert (verdict.outcome, verdict.endpoint_id, verdict.sub_resource) == ("approved", "id/mpe", "blob")

    def test_it_proves_while_the_endpoint_is_being_made(self) -> None:
        assert told(strict(connection(), endpoints=(endpoint(provisioning_state="Creating"),))) == [APPROVED]

    @pytest.mark.parametrize("state", ["Failed", "Canceled", "Deleting", "deleted"])
    def test_an_endpoint_that_failed_or_goes_away_proves_nothing(self, state: str) -> None:
        (verdict,) = verdicts = strict(connection(), endpoints=(endpoint(provisioning_state=state),))
        assert told(verdicts) == [("held", "evidence.notFound")]
        assert reason(verdict) == (f"a managed private endpoint of {CLUSTER} to this target", f"mpe for blob: {state}")
        assert not verdict.waiting

    def test_two_that_carry_it_are_ambiguous(self) -> None:
        verdicts = strict(connection("a"), connection("b"), endpoints=(endpoint(),))
        assert told(verdicts) == [AMBIGUOUS] * 2
        assert reason(verdicts[0]) == ("one connection for each endpoint", "2 connections that carry the same message")

    def test_without_require_message_two_that_carry_it_are_a_group(self) -> None:
        two = (connection("a"), connection("b"))
        assert told(kusto(*two, endpoints=(endpoint(),))) == [AMBIGUOUS] * 2
        assert told(kusto(*two, endpoints=(endpoint("1"), endpoint("2", sub_resource="dfs")))) == [APPROVED] * 2

    def test_a_copy_from_another_tenant_spoils_nothing(self) -> None:
        copy = connection("b", subscription=PARTNERS)
        verdicts = strict(connection("a"), copy, endpoints=(endpoint(),))
        assert told(verdicts) == [APPROVED, ("held", "tenant")]
        assert [v.rule for v in verdicts] == ["allows", None], "what certainly is another's names no rule"

    def test_what_certainly_is_anothers_does_not_pass_for_the_cluster_in_a_rule_for_several(self) -> None:
        theirs = connection("b", subscription=PARTNERS)
        (verdict,) = decided(situation(theirs, endpoints=(endpoint(),)), allow("adx", "people"))
        assert (verdict.outcome, verdict.rule) == ("held", None)

    def test_a_copy_whose_tenant_is_unknown_blocks_and_is_never_approved(self) -> None:
        unknown = connection("b", subscription=ELSEWHERE)
        assert told(strict(connection("a"), unknown, endpoints=(endpoint(),))) == [AMBIGUOUS, ("held", "tenant")]
        assert told(strict(unknown, endpoints=(endpoint(),))) == [("held", "tenant")]

    def test_another_tenant_than_microsofts_can_be_named(self) -> None:
        theirs = replace(STRICT_ADX, endpoint_tenants=frozenset({PARTNER_TENANT}))
        world = situation(connection("a"), connection("b", subscription=PARTNERS), endpoints=(endpoint(),))
        verdicts = decided(world, allow("adx"), requesters=(theirs,))
        assert told(verdicts) == [("held", "tenant"), APPROVED]
        assert reason(verdicts[0]) == (f"one of {PARTNER_TENANT}", MICROSOFT)

    def test_of_several_endpoints_that_share_it_a_ready_one_is_spent(self) -> None:
        making = endpoint("a-first", provisioning_state="Creating", sub_resource="dfs")
        (verdict,) = strict(connection(), endpoints=(making, endpoint("ready")))
        assert (verdict.outcome, verdict.endpoint_id, verdict.sub_resource) == ("approved", "id/ready", None)

    def test_of_several_ready_ones_always_the_same_is_spent(self) -> None:
        both = (endpoint("b"), endpoint("a"))
        assert {strict(connection(), endpoints=order)[0].endpoint_id for order in (both, both[::-1])} == {"id/a"}

    @pytest.mark.parametrize(
        ("sub_resources", "expected"),
        [({"blob"}, AMBIGUOUS), ({"blob", "dfs"}, APPROVED), ({"queue"}, ("held", "subResource")), (set(), APPROVED)],
    )
    def test_a_rule_must_allow_every_sub_resource_that_it_may_be_for(
        self, sub_resources: set[str], expected: Any
    ) -> None:
        world = situation(connection(), endpoints=(endpoint("a"), endpoint("b", sub_resource="dfs")))
        (verdict,) = verdicts = decided(world, allow("adx", sub_resources=frozenset(sub_resources)))
        assert told(verdicts) == [expected]
        assert not verdict.reasons or verdict.reasons[0].found == "blob, dfs"

    def test_another_sub_resource_at_the_target_does_not_fit(self) -> None:
        assert told(strict(connection(sub_resource="dfs"), endpoints=(endpoint(),))) == [("held", "evidence.notFound")]
        assert told(strict(connection(sub_resource="BLOB"), endpoints=(endpoint(),))) == [APPROVED]
        assert told(strict(connection(sub_resource="dfs"), endpoints=(endpoint(sub_resource=""),))) == [APPROVED]

    @pytest.mark.parametrize(
        ("message", "expected"),
        [("x" * 22, True), ("x" * 21, False), ("see ticket " + "x" * 22, True), ("x " * 22, False), ("", False)],
    )
    def test_it_has_22_characters_in_a_row(self, message: str, expected: bool) -> None:
        assert is_random(message) is expected


class TestGroup:
    def test_one_connection_and_one_endpoint_prove_each_other(self) -> None:
        (verdict,) = kusto(connection(message=CONSTANT), endpoints=(endpoint(message=CONSTANT),))
        assert (verdict.outcome, verdict.endpoint_id) == ("approved", "id/mpe")

    def test_with_require_message_a_constant_one_proves_nothing(self) -> None:
        (verdict,) = verdicts = strict(connection(message=CONSTANT), endpoints=(endpoint(message=CONSTANT),))
        assert told(verdicts) == [("held", "evidence.message")]
        assert reason(verdict) == ("a random request message of 22 characters or more", "a shorter message")

    @pytest.mark.parametrize(("connections", "endpoints"), [(2, 1), (1, 2), (3, 2)])
    def test_not_as_many_connections_as_endpoints_is_ambiguous(self, connections: int, endpoints: int) -> None:
        asking = [connection(f"c{n}", CONSTANT) for n in range(connections)]
        made = tuple(endpoint(f"e{n}", CONSTANT) for n in range(endpoints))
        verdicts = kusto(*asking, endpoints=made)
        assert told(verdicts) == [AMBIGUOUS] * connections
        assert reason(verdicts[0])[1] == f"{connections} connections, {endpoints} endpoints"

    def test_as_many_as_can_be_paired_are_all_approved_each_on_its_own_endpoint(self) -> None:
        asking = [connection("any", CONSTANT), connection("blob", CONSTANT, sub_resource="blob")]
        made = (endpoint("e1", CONSTANT), endpoint("e2", CONSTANT, "dfs"))
        verdicts = kusto(*asking, endpoints=made)
        assert told(verdicts) == [APPROVED] * 2
        assert [v.endpoint_id for v in verdicts] == ["id/e2", "id/e1"]

    def test_as_many_that_cannot_be_paired_are_ambiguous(self) -> None:
        asking = [connection(str(n), CONSTANT, sub_resource=s) for n, s in enumerate(["blob", "blob", None])]
        made = tuple(endpoint(f"e{n}", CONSTANT, s) for n, s in enumerate(["blob", "dfs", "dfs"]))
        verdicts = kusto(*asking, endpoints=made)
        assert told(verdicts) == [AMBIGUOUS] * 3
        assert reason(verdicts[0])[1] == "connections and endpoints that cannot be paired one to one"

    def test_groups_that_nothing_links_do_not_touch_each_other(self) -> None:
        asking = [connection("a", "one"), connection("b", "two"), connection("c", "two")]
        made = (endpoint("e1", "one"), endpoint("e2", "two"))
        assert told(kusto(*asking, endpoints=made)) == [APPROVED, AMBIGUOUS, AMBIGUOUS]

    def test_a_group_is_linked_through_others(self) -> None:
        asking = [
            connection("a", CONSTANT, sub_resource="blob"),
            connection("b", CONSTANT),
            connection("c", CONSTANT, sub_resource="dfs"),
        ]
        made = (endpoint("e1", CONSTANT), endpoint("e2", CONSTANT, "dfs"))
        assert told(kusto(*asking, endpoints=made)) == [AMBIGUOUS] * 3

    def test_an_endpoint_in_the_making_makes_all_of_it_wait(self) -> None:
        asking = [connection("a", CONSTANT), connection("b", CONSTANT)]
        made = (endpoint("e1", CONSTANT), endpoint("e2", CONSTANT, "dfs", provisioning_state="Creating"))
        verdicts = kusto(*asking, endpoints=made)
        assert told(verdicts) == [("held", "evidence.notReady")] * 2
        assert all(v.waiting for v in verdicts)
        assert reason(verdicts[0]) == (
            "a managed private endpoint that is provisioned",
            "e1 for blob: Succeeded, e2 for dfs: Creating",
        )
        (verdict,) = kusto(
            connection("a", CONSTANT), endpoints=(endpoint("e1", CONSTANT, "", provisioning_state="Creating"),)
        )
        assert reason(verdict)[1] == "e1 for no sub-resource: Creating"

    def test_one_whose_tenant_is_unknown_makes_it_ambiguous_even_where_the_numbers_agree(self) -> None:
        asking = [connection("a", CONSTANT), connection("b", CONSTANT, ELSEWHERE)]
        made = (endpoint("e1", CONSTANT), endpoint("e2", CONSTANT, "dfs"))
        assert told(kusto(*asking, endpoints=made)) == [AMBIGUOUS, ("held", "tenant")]

    @pytest.mark.parametrize("status", ["Approved", "Rejected"])
    def test_a_decided_connection_that_no_endpoint_is_bound_to_counts_too(self, status: str) -> None:
        theirs = connection("b", CONSTANT, status=status)
        made = (endpoint(message=CONSTANT),)
        assert told(kusto(connection("a", CONSTANT), theirs, endpoints=made))[0] == AMBIGUOUS
        spent = {"adx": (binding("b", "id/another"),)}
        assert told(kusto(connection("a", CONSTANT), theirs, endpoints=made, bindings=spent))[0] == APPROVED

    def test_a_connection_that_is_gone_does_not_count(self) -> None:
        gone = connection("b", CONSTANT, status="Disconnected")
        assert told(kusto(connection("a", CONSTANT), gone, endpoints=(endpoint(message=CONSTANT),)))[0] == APPROVED

    def test_endpoints_to_other_targets_do_not_count(self) -> None:
        other = endpoint("other", CONSTANT, target_id=f"{STORAGE}2")
        same = endpoint(message=CONSTANT, target_id=str(STORAGE).upper())
        assert told(kusto(connection(message=CONSTANT), endpoints=(other, same))) == [APPROVED]
        assert told(kusto(connection(message=CONSTANT), endpoints=(other,))) == [("held", "evidence.notFound")]
