"""Data Explorer: random messages, and groups of connections and endpoints."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.evidence.random_message import weakness
from shared.model.connection import Seen
from shared.model.requester import MICROSOFT_TENANTS
from tests.situations.world import (
    ADX,
    BOUND,
    CLUSTER,
    CONSTANT,
    ELSEWHERE,
    MICROSOFT,
    OURS,
    PARTNER_TENANT,
    PARTNERS,
    RANDOM,
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
WORDS = "a message that is not one token of A-Z a-z 0-9 _ + / = -"
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

    def test_a_copy_from_a_tenant_that_nobody_named_blocks(self) -> None:
        """The service may keep its endpoints there: then the copy is the genuine one."""
        both = (connection("a"), connection("b", subscription=PARTNERS))
        verdicts = strict(*both, endpoints=(endpoint(),))
        assert told(verdicts) == [AMBIGUOUS, ("held", "tenant")]
        assert [v.rule for v in verdicts] == ["allows", "allows"]
        assert reason(verdicts[0])[1] == (
            f"2 connections that carry the same message; of tenant {PARTNER_TENANT}, which endpointTenants does not hold: "
            "add it if the service keeps its private endpoints there, else write endpointTenants without it"
        )

    def test_a_copy_from_another_tenant_spoils_nothing_where_the_policy_names_the_tenants(self) -> None:
        both = (connection("a"), connection("b", subscription=PARTNERS))
        named = replace(STRICT_ADX, tenants_named=True)
        verdicts = decided(situation(*both, endpoints=(endpoint(),)), allow("adx"), requesters=(named,))
        assert told(verdicts) == [APPROVED, ("held", "tenant")]
        assert [v.rule for v in verdicts] == ["allows", None], "what certainly is another's names no rule"

    @pytest.mark.parametrize(
        "message",
        [
            "q3Jm0wV8zDATAKf2Lr7YtXc1aB",
            "q3Jm0wV8zADXKf2Lr7YtXc1aB",
            "q3Jm0wV8zPartnerKf2Lr7YtXc1aB",
            f"x-{OURS}-{PARTNERS}",
        ],
    )
    def test_a_message_with_a_name_of_target_requester_or_policy_in_it_is_not_random(self, message: str) -> None:
        (verdict,) = verdicts = strict(connection(message=message), endpoints=(endpoint(message=message),))
        assert told(verdicts) == [("held", "evidence.message")]
        assert str(reason(verdict)[1]).startswith("a message that holds the name ")

    def test_one_that_was_first_seen_with_it_counts_whatever_it_says_now(self) -> None:
        edited = connection("b", "edited", seen=Seen(RANDOM, BOUND))
        assert told(strict(connection("a"), edited, endpoints=(endpoint(),)))[0] == AMBIGUOUS
        both = [connection(name, seen=Seen(RANDOM, BOUND)) for name in "ab"]
        assert told(strict(*both, endpoints=(endpoint(),))) == [AMBIGUOUS] * 2

    def test_of_several_endpoints_that_share_it_the_one_of_its_name_is_spent(self) -> None:
        made = (endpoint("a"), endpoint("b", sub_resource="dfs"))
        (verdict,) = strict(connection("b.guid"), endpoints=made)
        assert verdict.endpoint_id == "id/b"

    @pytest.mark.parametrize(
        ("tenant", "expected"), [(MICROSOFT, APPROVED), (PARTNER_TENANT, AMBIGUOUS), (None, AMBIGUOUS)]
    )
    def test_an_approval_shows_in_which_tenants_the_service_keeps_its_endpoints(
        self, tenant: str, expected: Any
    ) -> None:
        both = (connection("a"), connection("b", subscription=PARTNERS))
        known = {"adx": (binding("earlier", "id/earlier", tenant_id=tenant),)}
        assert told(strict(*both, endpoints=(endpoint(),), bindings=known))[0] == expected

    def test_what_carries_nothing_of_ours_does_not_pass_for_the_cluster_in_a_rule_for_several(self) -> None:
        theirs = connection("b", "another", subscription=PARTNERS)
        (verdict,) = decided(situation(theirs, endpoints=(endpoint(),)), allow("adx", "people"))
        assert (verdict.outcome, verdict.rule) == ("held", None)

    def test_a_copy_whose_tenant_is_unknown_blocks_and_is_never_approved(self) -> None:
        unknown = connection("b", subscription=ELSEWHERE)
        assert told(strict(connection("a"), unknown, endpoints=(endpoint(),))) == [AMBIGUOUS, ("held", "tenant")]
        assert told(strict(unknown, endpoints=(endpoint(),))) == [("held", "tenant")]

    def test_another_tenant_than_microsofts_can_be_named(self) -> None:
        theirs = replace(STRICT_ADX, endpoint_tenants=frozenset({PARTNER_TENANT}), tenants_named=True)
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
        [
            ("0123456789abcdefABCDEF", None),
            ("0123456789abcdefABCDE", "a shorter message"),
            ("", "no message"),
            ("x" * 22, "a message of too few different characters"),
            ("ab" * 40, None),  # 80 bits by its own counts
            ("ab" * 31, "a message of too few different characters"),
            ("see ticket 0123456789abcdefABCDEF", "a message that is not one token of A-Z a-z 0-9 _ + / = -"),
            (
                "Please approve https://data.blob.core.windows.net",
                "a message that is not one token of A-Z a-z 0-9 _ + / = -",
            ),
            ("\u200b" * 22, "a message that is not one token of A-Z a-z 0-9 _ + / = -"),
            ("0123456789abcdefABCDEF\n", "a message that is not one token of A-Z a-z 0-9 _ + / = -"),
            ("\u0430123456789abcdefABCDEF", "a message that is not one token of A-Z a-z 0-9 _ + / = -"),
            ("q3Jm0wV8zKf2Landing7YtXc1aB", "a message that holds the name landing"),
            ("q3Jm0wV8zKf2aDf7YtXc1aB5e", "a message that holds the name adf"),
            ("_+/=-ABCDEFGHIJKLMNOPQ", None),
            ("ab" * 32, None),  # 64 bits exactly
        ],
    )
    def test_it_is_one_token_of_22_characters_that_nobody_guesses(self, message: str, expected: str | None) -> None:
        assert weakness(message, {"landing", "adf", "q3"}) == expected


class TestGroup:
    def test_one_connection_and_one_endpoint_prove_each_other(self) -> None:
        (verdict,) = kusto(connection(message=CONSTANT), endpoints=(endpoint(message=CONSTANT),))
        assert (verdict.outcome, verdict.endpoint_id) == ("approved", "id/mpe")

    def test_with_require_message_a_constant_one_proves_nothing(self) -> None:
        (verdict,) = verdicts = strict(connection(message=CONSTANT), endpoints=(endpoint(message=CONSTANT),))
        assert told(verdicts) == [("held", "evidence.message")]
        assert reason(verdict) == ("a random request message of 22 characters or more", WORDS)

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

    def test_a_group_grows_through_a_connection_that_may_be_of_two_endpoints(self) -> None:
        asking = [connection("c", "one", seen=Seen("two", BOUND)), connection("d", "two")]
        made = (endpoint("e1", "one"), endpoint("e2", "two"))
        assert told(kusto(*asking, endpoints=made)) == [APPROVED, APPROVED]
        assert told(kusto(*asking, connection("e", "two"), endpoints=made)) == [AMBIGUOUS] * 3

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
        verdicts = kusto(*asking, endpoints=made)
        assert told(verdicts) == [AMBIGUOUS, ("held", "tenant")]
        assert not any(v.waiting for v in verdicts)

    @pytest.mark.parametrize("status", ["Approved", "Rejected", "Disconnected", ""])
    def test_a_decided_connection_that_no_endpoint_is_bound_to_counts_too(self, status: str) -> None:
        theirs = connection("b", CONSTANT, status=status)
        made = (endpoint(message=CONSTANT),)
        assert told(kusto(connection("a", CONSTANT), theirs, endpoints=made))[0] == AMBIGUOUS
        spent = {"adx": (binding("b", "id/another"),)}
        assert told(kusto(connection("a", CONSTANT), theirs, endpoints=made, bindings=spent))[0] == APPROVED

    def test_a_decided_connection_that_is_plainly_another_s_does_not_count(self) -> None:
        seen = Seen("another message", BOUND)
        theirs = connection("mpe", "approved", status="Approved", seen=seen)
        unseen = connection("b", "approved", status="Approved")
        for other in (theirs, unseen):
            made = (endpoint(message=CONSTANT),)
            assert told(kusto(connection("a", CONSTANT), other, endpoints=made))[0] == APPROVED

    @pytest.mark.parametrize("name", ["mpe", "xmpex", "a.MPE-1"])
    def test_one_that_was_decided_before_anybody_saw_its_message_counts_by_any_part_of_its_name(
        self, name: str
    ) -> None:
        unseen = connection(name, "approved", status="Approved")
        made = (endpoint(message=CONSTANT),)
        assert told(kusto(connection("a", CONSTANT), unseen, endpoints=made))[0] == AMBIGUOUS

    def test_the_message_that_a_waiting_connection_was_first_seen_with_counts_too(self) -> None:
        edited = connection("b", "edited", seen=Seen(CONSTANT, BOUND))
        made = (endpoint(message=CONSTANT),)
        assert told(kusto(connection("a", CONSTANT), edited, endpoints=made)) == [
            AMBIGUOUS,
            ("held", "evidence.message"),
        ]

    def test_one_that_was_there_before_the_endpoint_is_not_its_own_and_blocks_all_the_same(self) -> None:
        old = connection("a", CONSTANT, seen=Seen(CONSTANT, BOUND))
        made = (endpoint(message=CONSTANT, created_at=LATER),)
        assert told(kusto(old, endpoints=made)) == [("held", "evidence.notFound")]
        assert told(kusto(old, connection("b", CONSTANT), endpoints=made)) == [("held", "evidence.notFound"), AMBIGUOUS]

    @pytest.mark.parametrize("turn", [1, -1])
    def test_pairs_go_by_name_before_order(self, turn: int) -> None:
        asking = [connection("dfs-mpe.guid", CONSTANT), connection("blob-mpe.guid", CONSTANT)][::turn]
        made = (endpoint("blob-mpe", CONSTANT), endpoint("dfs-mpe", CONSTANT, "dfs"))
        verdicts = kusto(*asking, endpoints=made)
        assert {v.outcome for v in verdicts} == {"approved"}
        assert [v.endpoint_id for v in verdicts] == ["id/dfs-mpe", "id/blob-mpe"][::turn]

    def test_a_name_pairs_nothing_that_does_not_fit(self) -> None:
        asking = [
            connection("e2.guid", CONSTANT, sub_resource="blob"),
            connection("e1.guid", CONSTANT, sub_resource="dfs"),
        ]
        made = (endpoint("e1", CONSTANT), endpoint("e2", CONSTANT, "dfs"))
        assert [v.endpoint_id for v in kusto(*asking, endpoints=made)] == ["id/e1", "id/e2"]

    def test_a_decided_connection_takes_the_place_of_what_it_may_be_and_of_nothing_else(self) -> None:
        asking = connection("new", CONSTANT)
        old = connection("old", "approved", status="Approved", seen=Seen(CONSTANT, BOUND))
        made = (endpoint("e1", CONSTANT), endpoint("e2", CONSTANT, "dfs"))
        verdicts = kusto(asking, replace(old, sub_resource="dfs"), endpoints=made)
        assert (verdicts[0].outcome, verdicts[0].endpoint_id) == ("approved", "id/e1")
        assert told(kusto(asking, replace(old, sub_resource="queue"), endpoints=made))[0] == AMBIGUOUS

    def test_an_endpoint_that_is_spent_counts_no_more(self) -> None:
        made = (endpoint("e1", CONSTANT), endpoint("e2", CONSTANT, "dfs"))
        spent = {"adx": (binding("gone", "id/e1"),)}
        (verdict,) = kusto(connection("new", CONSTANT), endpoints=made, bindings=spent)
        assert (verdict.outcome, verdict.endpoint_id) == ("approved", "id/e2")

    @pytest.mark.parametrize(("seconds", "check"), [(-31, "evidence.notFound"), (-30, None), (0, None), (30, None)])
    def test_clocks_may_differ_by_half_a_minute(self, seconds: int, check: str | None) -> None:
        asking = connection("a", CONSTANT, seen=Seen(CONSTANT, LATER + timedelta(seconds=seconds)))
        (verdict,) = kusto(asking, endpoints=(endpoint(message=CONSTANT, created_at=LATER),))
        assert told((verdict,)) == [("held" if check else "approved", check)]

    def test_a_list_that_is_not_whole_is_the_reason_of_what_looks_ambiguous(self) -> None:
        asking = (connection("a", CONSTANT), connection("b", CONSTANT))
        verdicts = kusto(*asking, endpoints=(endpoint(message=CONSTANT),), complete=False)
        assert told(verdicts) == [("held", "evidence.notReady")] * 2
        wanted = ("a list of the target's connections that does not change", "pages that did not agree")
        assert reason(verdicts[0]) == wanted
        unreadable = kusto(asking[0], endpoints=(), complete=False)
        assert told(unreadable) == [("held", "evidence.notFound")], "no other list would change that"

    def test_pairs_go_by_order_where_not_all_have_a_name(self) -> None:
        asking = [connection("dfs-mpe.guid", CONSTANT), connection("x", CONSTANT)]
        made = (endpoint("e1", CONSTANT), endpoint("dfs-mpe", CONSTANT, "dfs"))
        assert [v.outcome for v in kusto(*asking, endpoints=made)] == ["approved", "approved"]

    @pytest.mark.parametrize("lists", ["pages", "twice"])
    def test_nothing_is_approved_beside_a_list_that_is_not_whole(self, lists: str) -> None:
        asking = [connection("a", CONSTANT)] * (2 if lists == "twice" else 1)
        verdicts = kusto(*asking, endpoints=(endpoint(message=CONSTANT),), complete=lists == "twice")
        assert set(told(verdicts)) == {("held", "evidence.notReady")}
        assert all(v.waiting for v in verdicts)

    @pytest.mark.parametrize("message", [RANDOM, CONSTANT])
    def test_an_endpoint_that_two_reads_do_not_agree_on_proves_nothing_and_blocks(self, message: str) -> None:
        (verdict,) = verdicts = kusto(connection("a", message), endpoints=(endpoint(message=message, stable=False),))
        assert told(verdicts) == [("held", "evidence.notReady")]
        assert verdict.waiting
        assert reason(verdict)[1] == "mpe for blob: Succeeded (changed while it was read)"

    @pytest.mark.parametrize("private_endpoint_id", [None, "nonsense"])
    def test_a_connection_without_an_id_that_carries_the_message_blocks(self, private_endpoint_id: str | None) -> None:
        nameless = connection("b", private_endpoint_id=private_endpoint_id)
        assert told(strict(connection("a"), nameless, endpoints=(endpoint(),))) == [
            AMBIGUOUS,
            ("held", "privateEndpoint"),
        ]

    def test_a_tenant_that_cannot_be_read_for_now_is_waited_for(self) -> None:
        unread = connection("b", CONSTANT, ELSEWHERE)
        verdicts = kusto(unread, endpoints=(endpoint(message=CONSTANT),), unread_tenants=frozenset({ELSEWHERE}))
        assert told(verdicts) == [("held", "evidence.unreadable")]
        assert verdicts[0].waiting
        assert reason(verdicts[0]) == (
            "one of " + ", ".join(sorted(MICROSOFT_TENANTS)),
            "a tenant that cannot be read for now",
        )
        both = (connection("a", CONSTANT), unread)
        verdicts = kusto(*both, endpoints=(endpoint(message=CONSTANT),), unread_tenants=frozenset({ELSEWHERE}))
        assert told(verdicts) == [AMBIGUOUS, ("held", "evidence.unreadable")]
        assert all(v.waiting for v in verdicts)

    def test_endpoints_to_other_targets_do_not_count(self) -> None:
        other = endpoint("other", CONSTANT, target_id=f"{STORAGE}2")
        same = endpoint(message=CONSTANT, target_id=str(STORAGE).upper())
        assert told(kusto(connection(message=CONSTANT), endpoints=(other, same))) == [APPROVED]
        assert told(kusto(connection(message=CONSTANT), endpoints=(other,))) == [("held", "evidence.notFound")]
