"""Resource Graph: who sees what, pages, quota; and the query language."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from local.azure.client import Reply
from local.azure.kql import run
from local.azure.kql_expressions import KqlError
from tests.local_azure.conftest import Estate

SWEEP = """resources
| where type in~ ('Microsoft.Storage/storageAccounts', 'Microsoft.EventHub/namespaces')
| where isnull(properties.privateEndpointConnections) or tostring(properties.privateEndpointConnections) contains 'Pending'
| project id, type
| order by id asc"""
ROWS = [
    {"id": "/a", "type": "x/y", "size": 3, "tags": {"env": "prod"}, "list": [{"s": "Pending"}, {"s": "Approved"}]},
    {"id": "/B", "type": "x/z", "size": 1, "tags": None, "list": []},
    {"id": "/c", "type": "x/y", "size": 2, "tags": {"env": "Test"}, "list": None},
]


def ask(estate: Estate, query: str, **more: Any) -> Reply:
    body = {"subscriptions": [estate.subscription], "query": query, **more}
    return estate.arm("POST", "/providers/Microsoft.ResourceGraph/resources", "2022-10-01", body)


def test_the_sweeps_query_finds_what_is_pending_or_not_shown(home: Estate, stranger: Estate) -> None:
    waiting, quiet, namespace = home.storage(), home.storage(), home.namespace()
    stranger.endpoint(waiting, "blob").ok()
    found = ask(home, SWEEP).ok()
    assert found["data"] == sorted(
        [
            {"id": waiting, "type": "microsoft.storage/storageaccounts"},
            {"id": namespace, "type": "microsoft.eventhub/namespaces"},
        ],
        key=lambda row: row["id"],
    )
    assert quiet not in str(found)
    assert (found["totalRecords"], found["count"], found["resultTruncated"]) == (2, 2, "false")


def test_event_hubs_connections_can_be_shown_if_the_service_ever_does(home: Estate) -> None:
    namespace = home.namespace()
    assert ask(home, SWEEP).ok()["count"] == 1
    home.client.local("PUT", "graph", {"hiddenConnections": []})
    try:
        query = "resources | where isnotnull(properties.networkRuleSet) | project id"
        assert ask(home, query).ok()["data"] == []
        assert ask(home, SWEEP).ok()["count"] == 1, namespace  # none at all is null, as for IoT hubs
    finally:
        home.client.local("PUT", "graph", {"hiddenConnections": ["Microsoft.EventHub/namespaces"]})


def test_nobody_sees_another_tenants_resources(home: Estate, stranger: Estate) -> None:
    home.storage()
    theirs = stranger.storage()
    assert ask(home, "resources | project id", subscriptions=[stranger.subscription]).status == 403
    both = ask(home, "resources | project id", subscriptions=[home.subscription, stranger.subscription]).ok()
    assert theirs not in str(both["data"])


def test_what_may_not_be_read_is_missing_without_a_word(home: Estate) -> None:
    hidden, shown = home.storage(), home.storage()
    denial = {"permission": "Microsoft.Storage/storageAccounts/read", "scope": hidden}
    name = home.client.local("POST", "access", denial)["name"]
    try:
        found = ask(home, "resources | project id").ok()["data"]
    finally:
        home.client.local("DELETE", f"access/{name}")
    assert found == [{"id": shown}]


def test_pages_are_followed_by_a_skip_token(home: Estate) -> None:
    accounts = sorted(home.storage() for _ in range(5))
    query = "resources | project id | order by id asc"
    first = ask(home, query, options={"$top": 3}).ok()
    second = ask(home, query, options={"$top": 3, "$skipToken": first["$skipToken"]}).ok()
    assert [row["id"] for row in first["data"] + second["data"]] == accounts
    assert "$skipToken" not in second


def test_the_index_can_lag_behind(home: Estate, stranger: Estate) -> None:
    account = home.storage()
    home.client.local("PUT", "graph", {"lagSeconds": 30})
    try:
        stranger.endpoint(account, "blob").ok()
        late = home.storage()
        assert ask(home, SWEEP).ok()["data"] == []
        home.pass_time(31)
        assert [row["id"] for row in ask(home, SWEEP).ok()["data"]] == [account]
        assert late in str(ask(home, "resources | project id").ok()["data"])
    finally:
        home.client.local("PUT", "graph", {"lagSeconds": 0})


def test_the_quota_is_told_and_ends_in_429(home: Estate) -> None:
    home.storage()
    home.client.local("PUT", "throttling", {"graphQueries": {"size": 2, "refill": 0.0001}})
    try:
        replies = [ask(home, "resources | count") for _ in range(3)]
    finally:
        home.client.local("PUT", "throttling", {"graphQueries": {"size": 15, "refill": 3}})
    assert [reply.status for reply in replies] == [200, 200, 429]
    assert replies[0].headers["x-ms-user-quota-remaining"] == "1"
    assert replies[0].headers["x-ms-user-quota-resets-after"] == "00:00:05"


def test_a_management_group_stands_for_its_subscriptions(home: Estate) -> None:
    account, name = home.storage(), f"mg-{uuid.uuid4().hex[:8]}"
    home.client.local("PUT", f"managementGroups/{name}", {"subscriptions": [home.subscription]})
    body = {"managementGroups": [name], "query": "resources | project id"}
    found = home.arm("POST", "/providers/Microsoft.ResourceGraph/resources", "2022-10-01", body).ok()
    assert found["data"] == [{"id": account}]
    members = home.arm("GET", f"/providers/Microsoft.Management/managementGroups/{name}/descendants", "2020-05-01").ok()
    assert [member["name"] for member in members["value"]] == [home.subscription]


def test_subscriptions_and_their_tenants_are_containers(home: Estate) -> None:
    home.storage()
    query = "resourcecontainers | where type =~ 'Microsoft.Resources/subscriptions' | project subscriptionId, tenantId"
    (row,) = ask(home, query).ok()["data"]
    assert row["subscriptionId"] == home.subscription


@pytest.mark.parametrize(
    "query", ["", "nothing | count", "resources | join (x) on id", "resources | where", "resources where"]
)
def test_a_query_that_is_not_understood_is_400(home: Estate, query: str) -> None:
    home.storage()
    reply = ask(home, query)
    assert (reply.status, reply.body["error"]["code"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("t | where type == 'x/y'", ["/a", "/c"]),
        ("t | where type =~ 'X/Y' and size > 2", ["/a"]),
        ("t | where id in ('/a', '/b')", ["/a"]),
        ("t | where id in~ ('/a', '/b')", ["/a", "/B"]),
        ("t | where id !in~ ('/a', '/b')", ["/c"]),
        ("t | where not(type == 'x/y')", ["/B"]),
        ("t | where tags.env =~ 'test'", ["/c"]),
        ("t | where tags['env'] == 'prod' // a comment", ["/a"]),
        ("t | where isnull(tags)", ["/B"]),
        ("t | where isnotempty(tags.env) and id startswith '/A'", ["/a"]),
        ("t | where array_length(list) > 0", ["/a"]),
        ("t | where list[0].s == 'Pending'", ["/a"]),
        ("t | where tostring(list) contains 'approved'", ["/a"]),
        ("t | order by size asc", ["/B", "/c", "/a"]),
        ("t | sort by type asc, size", ["/a", "/c", "/B"]),
        ("t | where (size == 1 or size == 2) and type != 'x/y'", ["/B"]),
        ("t | take 2", ["/a", "/B"]),
    ],
)
def test_queries_answer_as_kusto_would(query: str, ids: list[str]) -> None:
    assert [row["id"] for row in run(query, {"t": lambda: ROWS})] == ids


def test_queries_can_count_group_extend_and_expand() -> None:
    tables = {"t": lambda: ROWS}
    assert run("t | count", tables) == [{"Count": 3}]
    assert run("t | summarize count() by type", tables) == [{"type": "x/y", "count_": 2}, {"type": "x/z", "count_": 1}]
    assert run("t | extend low = tolower(id) | project low | take 1", tables) == [{"low": "/a"}]
    expanded = run("t | mv-expand one = list | where one.s == 'Approved' | project id, state = tostring(one.s)", tables)
    assert expanded == [{"id": "/a", "state": "Approved"}]
    assert run("t | distinct type", tables) == [{"type": "x/y"}, {"type": "x/z"}]
    assert run("t | project properties = tags.env | project-away properties | take 1", tables) == [{}]


def test_an_unknown_column_is_an_error_and_not_null() -> None:
    with pytest.raises(KqlError, match="there is no column 'nothing'"):
        run("t | where nothing == 1", {"t": lambda: ROWS})
