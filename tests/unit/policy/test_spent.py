"""Which endpoints stay spent, and those that are freed together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.evidence.spent import standing
from shared.model.connection import Seen
from shared.model.requester import ManagedEndpoint
from tests.situations.world import (
    BOUND,
    CONSTANT,
    binding,
    connection,
    endpoint,
    kusto,
    synapse,
    told,
    workspace_endpoint,
)

LATER = datetime(2026, 11, 11, tzinfo=UTC)


def approved(name: str) -> Any:
    return connection(name, "approved", status="Approved", seen=Seen(CONSTANT, BOUND))


BLOB, DFS = endpoint("blob", CONSTANT), endpoint("dfs", CONSTANT, "dfs")
BLOB_AGAIN, DFS_AGAIN = endpoint("blob", CONSTANT, created_at=LATER), endpoint("dfs", CONSTANT, "dfs", created_at=LATER)
CROSSWISE = (binding("pe-dfs", "id/blob"), binding("pe-blob", "id/dfs"))


def stands(*connections: Any, endpoints: tuple[ManagedEndpoint, ...], bindings: Any = CROSSWISE) -> dict[str, str]:
    """Endpoint -> the connection that is bound to it."""
    held = standing(bindings, endpoints, connections, lambda e: e.request_message)
    return {e: b.connection_id.rpartition("/")[2] for e, b in held.items()}


def test_what_is_there_stays_as_it_is() -> None:
    both = approved("pe-blob"), approved("pe-dfs")
    assert stands(*both, endpoints=(BLOB, DFS)) == {"id/blob": "pe-dfs", "id/dfs": "pe-blob"}


def test_of_two_that_were_bound_crosswise_the_one_that_is_made_again_is_free_once_one_connection_is_gone() -> None:
    assert stands(approved("pe-dfs"), endpoints=(BLOB_AGAIN, DFS)) == {"id/dfs": "pe-dfs"}
    assert stands(approved("pe-blob"), endpoints=(BLOB, DFS_AGAIN)) == {"id/blob": "pe-blob"}


def test_what_is_known_of_a_connection_goes_with_it_to_the_other_endpoint() -> None:
    blob, dfs = CROSSWISE
    known = (replace(blob, intent_open=True, tenant_id="t"), dfs)
    (moved,) = standing(known, (BLOB_AGAIN, DFS), (approved("pe-dfs"),), lambda e: e.request_message).values()
    assert moved == replace(known[0], endpoint_id="id/dfs")


def test_endpoints_that_are_known_by_their_names_are_not_freed_together() -> None:
    made = (workspace_endpoint("blob", created_at=LATER), workspace_endpoint("dfs", sub_resource="dfs"))
    asking = connection("ws.blob", "")
    crosswise = {"ws": (binding("pe-dfs", "id/blob"), binding("pe-blob", "id/dfs"))}
    verdicts = synapse(asking, approved("pe-dfs"), endpoints=made, bindings=crosswise)
    assert told(verdicts)[0] == ("held", "evidence.spent")


def test_none_is_free_while_both_connections_are_there() -> None:
    both = approved("pe-blob"), approved("pe-dfs")
    assert set(stands(*both, endpoints=(BLOB_AGAIN, DFS))) == {"id/blob", "id/dfs"}


def test_of_two_that_are_made_again_only_the_one_whose_own_connection_is_gone_is_free_while_the_other_is_there() -> (
    None
):
    assert stands(approved("pe-dfs"), endpoints=(BLOB_AGAIN, DFS_AGAIN)) == {"id/blob": "pe-dfs"}
    assert stands(endpoints=(BLOB_AGAIN, DFS_AGAIN)) == {}


def test_endpoints_of_different_messages_are_not_freed_together() -> None:
    other = endpoint("dfs", "another", "dfs")
    assert set(stands(approved("pe-dfs"), endpoints=(BLOB_AGAIN, other))) == {"id/blob", "id/dfs"}


@pytest.mark.parametrize("made_at", [BOUND, datetime(2026, 11, 10, 0, 0, 30, tzinfo=UTC)])
def test_an_endpoint_that_clocks_cannot_tell_from_the_bound_one_is_not_free(made_at: datetime) -> None:
    assert stands(endpoints=(endpoint("blob", created_at=made_at),), bindings=CROSSWISE[:1]) == {"id/blob": "pe-dfs"}


def test_one_that_is_made_again_is_approved_beside_the_other_that_was_bound_crosswise() -> None:
    asking = connection("pe-new", CONSTANT)
    verdicts = kusto(approved("pe-dfs"), asking, endpoints=(BLOB_AGAIN, DFS), bindings={"adx": CROSSWISE})
    assert told(verdicts)[1] == ("approved", None)
    assert verdicts[1].endpoint_id == "id/blob"


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (endpoint("mpe", CONSTANT), ("approved", None)),
        (endpoint("mpe", CONSTANT, provisioning_state="Creating"), ("held", "evidence.notReady")),
    ],
)
def test_an_endpoint_that_is_made_again_is_proven_as_the_first_time(
    made: ManagedEndpoint, expected: tuple[str, str | None]
) -> None:
    """The private endpoint's id that was ours once is no evidence: somebody else may have it by now."""
    gone = binding("pe", absent_since=LATER)
    assert told(kusto(connection("pe", CONSTANT), endpoints=(made,), bindings={"adx": (gone,)})) == [expected]
