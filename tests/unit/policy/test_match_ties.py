"""What ties a connection to an endpoint: its id, its name, its message."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.evidence.ties import IdTie, MessageTie, NameTie, named_after
from tests.situations.world import CLUSTER, WORKSPACE, connection, endpoint, private_endpoint


class TestId:
    """A service that tells the whole id of the private endpoint that it made."""

    MADE = endpoint(private_endpoint_id=private_endpoint("pe").upper())

    def test_it_ties_in_any_case_and_only_whole(self) -> None:
        assert IdTie().carried(CLUSTER, connection("pe"), self.MADE)
        assert not IdTie().carried(CLUSTER, connection("pe2"), self.MADE)
        assert not IdTie().may_be_carried(
            CLUSTER, connection("pe", private_endpoint_id=private_endpoint("pe") + "/x"), self.MADE
        )

    def test_an_endpoint_without_one_yet_ties_nothing(self) -> None:
        nameless = replace(self.MADE, private_endpoint_id="")
        for asks in (connection("pe"), connection(private_endpoint_id=None), connection(private_endpoint_id="")):
            assert not IdTie().may_be_carried(CLUSTER, asks, nameless)

    def test_its_name_says_nothing_of_the_owner(self) -> None:
        assert IdTie().owner(CLUSTER) is None
        assert MessageTie().owner(CLUSTER) is None
        assert NameTie().owner(WORKSPACE) == "ws"


class TestName:
    @pytest.mark.parametrize(("raw", "blocks"), [("x/ws.MPE/", True), ("x/ws.mp", False), (None, False)])
    def test_an_id_that_does_not_parse_and_holds_the_name_may_be_ours_and_is_never_proven(
        self, raw: str | None, blocks: bool
    ) -> None:
        asks = connection(private_endpoint_id=raw)
        assert NameTie().may_be_carried(WORKSPACE, asks, endpoint("mpe")) is blocks
        assert not NameTie().carried(WORKSPACE, asks, endpoint("mpe"))


@pytest.mark.parametrize(
    ("name", "after"),
    [("mpe.guid", True), ("x-MPE-1", True), ("mpe", True), ("xmpe", False), ("mpe2", False), ("other", False)],
)
def test_a_private_endpoint_is_named_after_a_managed_one_whose_name_is_a_part_of_its_own(
    name: str, after: bool
) -> None:
    assert named_after(connection(name), endpoint("mpe")) is after


def test_a_group_of_that_name_says_nothing() -> None:
    assert not named_after(connection("pe"), endpoint("x")), "x is the name of its resource group"


def test_a_decided_connection_whose_id_does_not_parse_counts_by_what_there_is_of_it() -> None:
    decided = connection("pe", "approved", status="Approved", private_endpoint_id="/x/mpe")
    assert MessageTie().may_be_carried(CLUSTER, decided, endpoint("mpe"))
    assert not MessageTie().may_be_carried(CLUSTER, replace(decided, private_endpoint_id=None), endpoint("mpe"))


def test_brackets_in_a_name_are_no_pattern() -> None:
    assert named_after(connection("a(b"), endpoint("a(b"))
