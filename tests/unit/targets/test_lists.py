"""Lists of several pages: what falls between two of them, and how far a list can be relied on."""

from __future__ import annotations

from typing import Any

import pytest

from shared.azure.arm import Listed
from shared.azure.operations import Operation
from shared.errors import NotFoundError, PermanentError, TransientError
from shared.model.connection import Connection
from shared.model.target_types import TARGET_TYPES
from shared.resource_id import ResourceId, parse
from shared.targets.base import MOST_LISTS, Adapter
from shared.targets.firewalls.form import Request

SERVER = parse(
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/r/providers/Microsoft.Sql/servers/sql"
)
Pages = list[list[dict[str, Any]]]


class Server(Adapter):
    """A SQL server whose lists are answered one after another, as ARM could answer them; the last one again and again."""

    def __init__(self, *lists: Pages, gone: Exception | None = None) -> None:
        super().__init__(TARGET_TYPES["microsoft.sql/servers"])
        self.lists = [*lists]
        self.gone = gone
        self.read = 0

    def get(self, target: ResourceId, path: str = "") -> dict[str, Any]:
        if self.gone:
            raise self.gone
        return {"id": f"{target}{path}", "properties": {}}

    def get_all(self, target: ResourceId, path: str) -> Listed:
        del target, path
        self.read += 1
        pages = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        return Listed(tuple(item for page in pages for item in page), len(pages))

    def get_connection(self, target: ResourceId, name: str) -> dict[str, Any]:
        return self.get(target, f"/privateEndpointConnections/{name}")

    def put_connection(self, target: ResourceId, name: str, body: dict[str, Any]) -> Operation | None:
        raise AssertionError(f"{target}/{name}: nothing is written here: {body}")

    def send(self, target: ResourceId, request: Request) -> Operation | None:
        raise AssertionError(f"{target}: nothing is written here: {request}")


def one(name: str, etag: str = "1") -> dict[str, Any]:
    return {"id": f"{SERVER}/privateEndpointConnections/{name}", "name": name, "etag": etag, "properties": {
        "startIpAddress": "203.0.113.7", "endIpAddress": "203.0.113.7"}}  # fmt: skip


def names(connections: tuple[Connection, ...]) -> list[str]:
    return [connection.name for connection in connections]


def test_a_list_of_one_page_is_read_once() -> None:
    server = Server([[one("a"), one("b")]])
    listed = server.list_connections(SERVER)
    assert (names(listed.connections), listed.pages, listed.agreed, server.read) == (["a", "b"], 1, True, 1)


def test_a_connection_that_falls_between_two_pages_is_found_by_reading_the_list_again() -> None:
    deleted_meanwhile = [[one("junk"), one("x")], [one("forgery")]]
    after_it = [[one("x"), one("genuine")], [one("forgery")]]
    server = Server(deleted_meanwhile, after_it)
    listed = server.list_connections(SERVER)
    assert (names(listed.connections), listed.pages, listed.agreed) == (["x", "genuine", "forgery"], 2, True)
    assert server.read == 3
    assert server.connections(SERVER) == listed.connections


def test_a_connection_that_was_made_again_under_its_name_makes_another_list() -> None:
    server = Server([[one("junk", "1")], [one("forgery")]], [[one("junk", "2")], [one("forgery")]],
                    [[one("genuine")], [one("forgery")]])  # fmt: skip
    listed = server.list_connections(SERVER)
    assert names(listed.connections) == ["genuine", "forgery"]
    assert server.read == 4


def test_a_list_that_has_become_one_page_needs_no_second_look() -> None:
    server = Server([[one("a")], [one("b")]], [[one("a")]], [[one("other")]])
    listed = server.list_connections(SERVER)
    assert (names(listed.connections), listed.pages, listed.agreed, server.read) == (["a"], 1, True, 2)


def test_a_list_that_goes_on_changing_does_not_agree() -> None:
    server = Server(*([[one(f"a{n}")], [one("b")]] for n in range(9)))
    listed = server.list_connections(SERVER)
    assert (listed.pages, listed.agreed, server.read) == (2, False, MOST_LISTS)


def test_a_firewall_whose_rules_go_on_changing_between_pages_was_not_read() -> None:
    server = Server(*([[one(f"a{n}")], [one("b")]] for n in range(9)))
    with pytest.raises(TransientError, match="/firewallRules: the list changed while it was read"):
        server.firewall(SERVER)


LISTED = Connection(f"{SERVER}/privateEndpointConnections/a", "/pe", "Pending")


def test_a_404_says_that_a_target_or_a_connection_is_gone() -> None:
    gone = Server([[]], gone=NotFoundError("404", code="ResourceNotFound"))
    assert not gone.exists(SERVER)
    assert gone.connection(SERVER, LISTED) is None
    assert Server([[]]).exists(SERVER)
    assert Server([[]]).connection(SERVER, LISTED)


def test_an_empty_answer_says_that_a_connection_is_gone_and_nothing_of_a_target() -> None:
    empty = Server([[]], gone=NotFoundError("204", code="NoContent"))
    assert empty.connection(SERVER, LISTED) is None
    with pytest.raises(TransientError):
        empty.exists(SERVER)


@pytest.mark.parametrize("error", [TransientError("503"), PermanentError("400")])
def test_no_other_error_says_that_anything_is_gone(error: Exception) -> None:
    for ask in (Server([[]], gone=error).exists, lambda it: Server([[]], gone=error).connection(it, LISTED)):
        with pytest.raises(type(error)):
            ask(SERVER)
