"""The pure core: loading a policy, and deciding pending connections against it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial

from bench.figure import Figure, median_time
from shared.model.connection import Connection
from shared.model.situation import Situation, Target
from shared.policy.decide import decide
from shared.policy.language.document import load
from shared.resource_id import parse

_RULES = (10, 1000)
_CONNECTIONS = 10
_OURS = "11111111-1111-1111-1111-111111111111"
_THEIRS = "99999999-9999-9999-9999-999999999999"
_TENANT = "88888888-8888-8888-8888-888888888888"
_ACCOUNTS = f"/subscriptions/{_OURS}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts"
_TODAY = date(2026, 11, 21)


def run() -> Iterator[Figure]:
    """Milliseconds; the connections match the last rule."""
    many = load(_policy(1000, requesters=1000))
    decided = partial(decide, _situation(f"{_ACCOUNTS}/data999", 1), many, _TODAY)
    yield median_time("decide: one request, 1000 rules, 1000 requesters", decided, samples=51)
    for count in _RULES:
        text = _policy(count)
        yield median_time(f"policy of {count} rules: loaded and checked", partial(load, text), samples=5)
        decided = partial(decide, _situation(f"{_ACCOUNTS}/data{count - 1}", _CONNECTIONS), load(text), _TODAY)
        yield median_time(f"policy of {count} rules: {_CONNECTIONS} connections decided", decided, samples=51)


def _policy(rules: int, requesters: int = 1) -> str:
    """A rule for each account; the last requester is the partner, the others are of other subscriptions."""
    others = requesters - 1
    head = f"version: 1\nmode: enforce\nscope: {{subscriptions: [{_OURS}]}}\nrequesters:\n"
    requester = "  {0}: {{service: privateEndpoint, tenants: [" + _TENANT + "], subscriptions: [{1}]}}\n"
    rule = "  - {{name: rule-{0}, effect: allow, requesters: [{2}], targets: {{resources: [{1}/data{0}]}}}}\n"
    names = [f"other-{number}" for number in range(others)] + ["partner"] * (rules - others)
    text = head + "".join(requester.format(f"other-{n}", f"00000000-0000-0000-0000-{n:012d}") for n in range(others))
    text += requester.format("partner", _THEIRS) + "rules:\n"
    return text + "".join(rule.format(number, _ACCOUNTS, names[number]) for number in range(rules))


def _situation(target: str, count: int) -> Situation:
    endpoints = f"/subscriptions/{_THEIRS}/resourceGroups/rg/providers/Microsoft.Network/privateEndpoints"
    connections = (
        Connection(f"{target}/privateEndpointConnections/c{number}", f"{endpoints}/pe{number}", "Pending")
        for number in range(count)
    )
    return Situation(Target(parse(target)), tuple(connections), tenants={_THEIRS: _TENANT})
