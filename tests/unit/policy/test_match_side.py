"""Evidence: names of a workspace's endpoints, spent endpoints, sides that cannot be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.evidence.match import passes_for
from shared.evidence.spent import may_be_reused
from shared.model.check import Certainty, Check, FailedCheck
from shared.model.connection import Seen
from shared.model.requester import MICROSOFT_TENANTS, Binding, ManagedEndpoint, RequesterSide
from shared.resource_id import fold
from tests.situations.world import (
    ADX,
    BOUND,
    CLUSTER,
    CONSTANT,
    ELSEWHERE,
    MICROSOFT,
    OTHER_TENANT,
    PARTNER_TENANT,
    PARTNERS,
    RANDOM,
    STORAGE,
    SYNAPSE,
    TENANTS,
    allow,
    binding,
    connection,
    decided,
    endpoint,
    kusto,
    private_endpoint,
    reason,
    situation,
    strict,
    synapse,
    told,
    workspace_endpoint,
)

APPROVED = ("approved", None)
AMBIGUOUS = ("held", "evidence.ambiguous")
LATER = datetime(2026, 11, 11, tzinfo=UTC)


class TestWorkspace:
    def test_the_whole_name_proves_without_regard_to_case(self) -> None:
        for name in ("ws.mpe", "WS.Mpe"):
            (verdict,) = synapse(connection(name, ""), endpoints=(workspace_endpoint(),))
            assert (verdict.outcome, verdict.endpoint_id) == ("approved", "id/mpe")

    @pytest.mark.parametrize(
        ("name", "check"),
        [
            ("xws.mpe", "requester"),
            ("ws", "evidence.name"),
            ("mpe", "requester"),
            ("ws2.mpe", "requester"),
            ("ws.mpe2", "evidence.name"),
            ("ws.mpe.x", "evidence.name"),
            ("ws.", "evidence.name"),
        ],
    )
    def test_a_part_of_the_name_proves_nothing(self, name: str, check: str) -> None:
        assert told(synapse(connection(name, ""), endpoints=(workspace_endpoint(),))) == [("held", check)]

    def test_the_right_name_from_another_tenant_is_an_impostor(self) -> None:
        (verdict,) = verdicts = synapse(connection("ws.mpe", "", PARTNERS), endpoints=(workspace_endpoint(),))
        assert told(verdicts) == [("held", "tenant")]
        assert verdict.rule == "allows"
        assert reason(verdict) == ("one of " + ", ".join(sorted(MICROSOFT_TENANTS)), PARTNER_TENANT)

    def test_a_random_message_says_nothing_here(self) -> None:
        made = (workspace_endpoint(request_message=RANDOM),)
        assert told(synapse(connection("ws.other"), endpoints=made)) == [("held", "evidence.name")]

    @pytest.mark.parametrize(
        ("status", "check"), [("Approved", "evidence.notFound"), ("Rejected", "evidence.notFound")]
    )
    def test_an_endpoint_that_does_not_wait_for_approval_does_not_count(self, status: str, check: str) -> None:
        (verdict,) = verdicts = synapse(connection("ws.mpe", ""), endpoints=(workspace_endpoint(status=status),))
        assert told(verdicts) == [("held", check)]
        assert reason(verdict)[1] == f"mpe for blob: Succeeded/{status}"

    def test_an_endpoint_without_a_state_yet_is_not_ready(self) -> None:
        (verdict,) = verdicts = synapse(connection("ws.mpe", ""), endpoints=(workspace_endpoint(status=""),))
        assert told(verdicts) == [("held", "evidence.notReady")]
        assert reason(verdict)[1] == "mpe for blob: Succeeded/no state yet"

    @pytest.mark.parametrize("status", ["Approved", "Rejected", "Disconnected", ""])
    def test_one_of_its_name_that_does_not_wait_counts_unless_the_ledger_knows_whose_it_is(self, status: str) -> None:
        other = connection("2", "", status=status, private_endpoint_id=private_endpoint("ws.mpe", group="y"))
        made = (workspace_endpoint(),)
        assert told(synapse(connection("ws.mpe", ""), other, endpoints=made))[0] == AMBIGUOUS
        known = replace(
            binding("x", "id/other"), private_endpoint_id=fold(other.private_endpoint_id or ""), connection_id=other.key
        )
        verdicts = synapse(connection("ws.mpe", ""), other, endpoints=made, bindings={"adx": (known,)})
        assert told(verdicts)[0] == APPROVED
        another = replace(known, connection_id=connection("3").key)
        verdicts = synapse(connection("ws.mpe", ""), other, endpoints=made, bindings={"adx": (another,)})
        assert told(verdicts)[0] == AMBIGUOUS, "the ledger knows another connection of that private endpoint"

    def test_two_private_endpoints_of_one_name_are_ambiguous(self) -> None:
        second = connection("2", "", private_endpoint_id=private_endpoint("ws.mpe", group="y"))
        verdicts = synapse(connection("ws.mpe", ""), second, endpoints=(workspace_endpoint(),))
        assert told(verdicts) == [AMBIGUOUS] * 2

    def test_the_other_names_are_told(self) -> None:
        (verdict,) = synapse(connection("ws.other", ""), endpoints=(workspace_endpoint(),))
        assert reason(verdict) == ("the name of one of its endpoints to this target", "ws.other")
        (verdict,) = synapse(connection("xws.mpe", ""), endpoints=(workspace_endpoint(),))
        assert (verdict.rule, reason(verdict)) == (None, ("a private endpoint named ws.<endpoint>", "xws.mpe"))


class TestSpent:
    def test_a_spent_endpoint_proves_no_other_connection(self) -> None:
        (verdict,) = verdicts = strict(connection("b"), endpoints=(endpoint(),), bindings={"adx": (binding("a"),)})
        assert told(verdicts) == [("held", "evidence.spent")]
        expected = "an endpoint that no approval was spent on", "its endpoint belongs to another private endpoint"
        assert reason(verdict) == expected

    def test_an_approval_that_was_begun_is_finished_beside_a_copy(self) -> None:
        begun = {"adx": (binding("a", intent_open=True),)}
        verdicts = kusto(connection("a"), connection("b"), endpoints=(endpoint(),), bindings=begun)
        assert told(verdicts) == [APPROVED, ("held", "evidence.spent")]

    @pytest.mark.parametrize(
        ("bound", "made", "check"),
        [
            (binding("a"), endpoint(message=CONSTANT), "evidence.ambiguous"),
            (binding("x", intent_open=True), endpoint(message=CONSTANT), "evidence.spent"),
            (binding("a", intent_open=True, connection="b"), endpoint(message=CONSTANT), "evidence.ambiguous"),
            (
                binding("a", intent_open=True),
                endpoint(message=CONSTANT, provisioning_state="Creating"),
                "evidence.notReady",
            ),
            (binding("a", intent_open=True), endpoint(message=CONSTANT, stable=False), "evidence.notReady"),
            (
                binding("a", intent_open=True),
                endpoint(message=CONSTANT, provisioning_state="Deleting"),
                "evidence.spent",
            ),
            (binding("a", intent_open=True), endpoint(message=CONSTANT, target_id="elsewhere"), "evidence.notFound"),
        ],
        ids=[
            "closed",
            "of another private endpoint",
            "of another connection",
            "being made",
            "changing",
            "going",
            "gone",
        ],
    )
    def test_whatever_else_asks_under_a_bound_private_endpoint_is_judged_afresh(
        self, bound: Binding, made: ManagedEndpoint, check: str
    ) -> None:
        """Its private endpoint's id may be another's by now: beside a copy it is as ambiguous as any request."""
        asking = (connection("a", CONSTANT), connection("b", CONSTANT))
        assert told(kusto(*asking, endpoints=(made,), bindings={"adx": (bound,)}))[0] == ("held", check)

    def test_a_request_beside_an_approved_connection_of_its_own_private_endpoint_is_not_approved(self) -> None:
        approved = connection("a", "approved", status="Approved", seen=Seen(RANDOM, BOUND))
        second = connection("second", private_endpoint_id=private_endpoint("a"))
        for intent_open in (True, False):
            known = {"adx": (binding("a", intent_open=intent_open),)}
            verdicts = strict(approved, second, endpoints=(endpoint(),), bindings=known)
            assert told(verdicts)[1] == ("held", "evidence.spent")

    def test_it_still_proves_the_one_that_it_was_spent_on(self) -> None:
        spent = {"adx": (binding("a"),)}
        for message in (RANDOM, CONSTANT):
            world = situation(connection("a", message), endpoints=(endpoint(message=message),), bindings=spent)
            (verdict,) = decided(world, allow("adx", sub_resources=frozenset({"blob"})))
            assert (verdict.outcome, verdict.endpoint_id) == ("approved", "id/mpe")

    def test_it_proves_nothing_for_one_that_no_longer_fits(self) -> None:
        spent = {"adx": (binding("a"),)}
        assert told(strict(connection("a", "another"), endpoints=(endpoint(),), bindings=spent)) == [
            ("held", "evidence.message")
        ]

    def test_the_bindings_of_another_requester_free_nothing_and_bind_nothing(self) -> None:
        assert told(strict(connection("b"), endpoints=(endpoint(),), bindings={"ws": (binding("a"),)})) == [APPROVED]

    def test_it_is_free_once_its_connection_is_gone_and_it_was_seen_absent(self) -> None:
        absent = {"adx": (binding("a", absent_since=LATER),)}
        assert told(strict(connection("b"), endpoints=(endpoint(),), bindings=absent)) == [APPROVED]
        still_there = connection("a", "x", status="Approved")
        verdicts = strict(connection("b"), still_there, endpoints=(endpoint(),), bindings=absent)
        assert told(verdicts)[0] == ("held", "evidence.spent")

    def test_it_is_free_once_its_connection_is_gone_and_it_was_made_later(self) -> None:
        spent = {"adx": (binding("a"),)}
        for created, expected in [
            (LATER, APPROVED),
            (BOUND, ("held", "evidence.spent")),
            (None, ("held", "evidence.spent")),
        ]:
            assert told(strict(connection("b"), endpoints=(endpoint(created_at=created),), bindings=spent)) == [
                expected
            ]

    def test_an_endpoint_that_is_not_there_frees_nothing(self) -> None:
        assert not may_be_reused(binding("a"), None, ())
        assert may_be_reused(binding("a", absent_since=LATER), None, ())
        assert may_be_reused(
            binding("a"), endpoint(created_at=LATER), (connection("a"), connection("b", status="Approved"))
        )
        assert not may_be_reused(binding("a"), endpoint(created_at=LATER), (connection("a", status="Approved"),))

    def test_only_the_endpoint_of_the_binding_is_looked_at(self) -> None:
        spent = {"adx": (binding("a", "id/old"),)}
        made = (endpoint("new", created_at=LATER), endpoint("old"))
        (verdict,) = strict(connection("b"), endpoints=made, bindings=spent)
        assert (verdict.outcome, verdict.endpoint_id) == ("approved", "id/new")


class TestUnreadable:
    def test_a_side_that_was_not_read_proves_nothing(self) -> None:
        (verdict,) = verdicts = decided(situation(connection(), sides={}), allow("adx"))
        assert told(verdicts) == [("held", "evidence.unreadable")]
        assert reason(verdict) == ("its managed private endpoints", "not read")

    @pytest.mark.parametrize("certainty", [Certainty.CERTAIN, Certainty.WAITING])
    @pytest.mark.parametrize("problem", [Check.NOT_FOUND, Check.UNREADABLE])
    def test_why_it_is_not_known_is_told(self, problem: Check, certainty: Certainty) -> None:
        side = RequesterSide(problem=FailedCheck(problem, str(CLUSTER), "no permission", certainty))
        (verdict,) = verdicts = decided(situation(connection(), sides={"adx": side}), allow("adx"))
        assert told(verdicts) == [("held", problem.value)]
        assert reason(verdict) == (str(CLUSTER), "no permission")
        assert verdict.waiting is (certainty is Certainty.WAITING)

    def test_a_cluster_without_endpoints_to_the_target_is_told(self) -> None:
        (verdict,) = kusto(connection(), endpoints=())
        assert reason(verdict)[1] == "none that waits for approval"

    def test_another_message_is_told_without_repeating_either(self) -> None:
        for message, found in [("guess", "another message"), ("", "no message")]:
            (verdict,) = verdicts = kusto(connection(message=message), endpoints=(endpoint(),))
            assert told(verdicts) == [("held", "evidence.message")]
            assert reason(verdict) == ("the request message of one of its endpoints", found)


@pytest.mark.parametrize("private_endpoint_id", [None, "", "nonsense", str(STORAGE)])
@pytest.mark.parametrize("name", ["adx", "ws"])
def test_without_the_id_of_a_private_endpoint_nothing_is_proven(name: str, private_endpoint_id: str | None) -> None:
    asking = connection(private_endpoint_id=private_endpoint_id)
    verdicts = decided(situation(asking, endpoints=(endpoint(),)), allow(name))
    assert told(verdicts) == [("held", "privateEndpoint")]
    assert reason(verdicts[0])[0] == "the id of a private endpoint"


def test_a_requester_is_asked_only_about_what_may_be_its_own() -> None:
    ours, theirs = connection("ws.mpe"), connection("ws.mpe", subscription=PARTNERS)
    assert passes_for(ADX, ours, MICROSOFT)
    assert passes_for(ADX, ours, None)
    assert not passes_for(ADX, theirs, PARTNER_TENANT)
    assert passes_for(SYNAPSE, ours, MICROSOFT)
    assert passes_for(SYNAPSE, ours, None)
    assert not passes_for(SYNAPSE, theirs, OTHER_TENANT)
    assert not passes_for(SYNAPSE, connection("mpe"), MICROSOFT)
    assert not passes_for(ADX, connection(private_endpoint_id=None), None)
    assert TENANTS.get(ELSEWHERE) is None
