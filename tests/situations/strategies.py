"""Strategies for small worlds: policies and situations that collide often, since everything is drawn from few values."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st

from shared.model.check import Certainty, Check, FailedCheck
from shared.model.connection import Connection
from shared.model.firewall import FirewallWish
from shared.model.requester import (
    HOME,
    Binding,
    ManagedEndpoint,
    PrivateEndpointRequester,
    PrivateEndpointView,
    Requester,
    RequesterSide,
    ServiceRequester,
)
from shared.model.situation import Situation, Target
from shared.policy.approval_text import stamp
from shared.policy.rules import Effect, Mode, Policy, Rule, Scope, Targets
from tests.situations.world import (
    CLUSTER,
    EVENT_HUBS,
    GROUP,
    HOME_TENANT,
    MICROSOFT,
    OURS,
    PARTNER_TENANT,
    PARTNERS,
    SERVICES,
    STORAGE,
    TODAY,
    WORKSPACE,
    private_endpoint,
)

MESSAGES = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210", "Please approve", "")
SUB_RESOURCES = ("blob", "dfs")


PRIVATE_ENDPOINTS = [
    *(private_endpoint(name, SERVICES) for name in ("ws.mpe-1", "ws.mpe-2", "WS.mpe-1", "xws.mpe-1", "mine")),
    *(private_endpoint(name, OURS) for name in ("mine", "ws.mpe-1")),
    *(private_endpoint("mine", PARTNERS, group) for group in ("x", "y")),
]
STATES = [*("Pending",) * 6, "Approved", "Rejected", "Disconnected"]
STAMPS = [stamp("Approved", f"rule-{n}", "d") for n in range(3)]


def usually(value: Any, *others: Any) -> st.SearchStrategy[Any]:
    """The value in most cases, else one of the others."""
    return st.sampled_from([*(value,) * (2 * len(others)), *others])


policy_requesters: st.SearchStrategy[dict[str, Requester]] = st.fixed_dictionaries(
    {
        "adx": st.sampled_from(
            [ServiceRequester("adx", "kusto", CLUSTER, require_message=wanted) for wanted in (True, False)]
        ),
        "ws": st.just(ServiceRequester("ws", "synapse", WORKSPACE)),
        "ours": st.just(PrivateEndpointRequester("ours", frozenset({HOME}))),
        "partner": st.sampled_from(
            [
                PrivateEndpointRequester("partner", frozenset({PARTNER_TENANT}), frozenset({PARTNERS})),
                PrivateEndpointRequester("partner", frozenset(), frozenset({PARTNERS, SERVICES})),
                PrivateEndpointRequester("partner", frozenset({HOME, PARTNER_TENANT})),
                PrivateEndpointRequester(
                    "partner",
                    frozenset({PARTNER_TENANT}),
                    frozenset(),
                    frozenset({f"/subscriptions/{PARTNERS}/resourcegroups/x"}),
                ),
            ]
        ),
    }
)
TARGETS = [
    Targets(types=frozenset({"microsoft.storage/storageaccounts"})),
    Targets(types=frozenset({"microsoft.eventhub/namespaces"})),
    Targets(subscriptions=frozenset({PARTNERS})),
    Targets(subscriptions=frozenset({OURS}), resource_groups=frozenset({GROUP})),
    Targets(resource_groups=frozenset({GROUP + "2"})),
    Targets(resources=frozenset({STORAGE.key})),
    Targets(tags={"Env": "prod"}),
    Targets(tags={"env": "Prod"}),
]
FIREWALLS = [
    FirewallWish("selectedNetworks"),
    FirewallWish("disabled", settle_seconds=0),
    FirewallWish(None, "deny", 300),
]


@st.composite
def rules(draw: st.DrawFn, name: str, effects: tuple[Effect, ...] = tuple(Effect), *, limits: bool = True) -> Rule:
    """A rule that the loader would accept."""
    effect = draw(st.sampled_from(effects))
    allow = effect is Effect.ALLOW
    choices = [("adx", "ws"), ("adx",), ("ws",), ("ours", "partner")] if allow else [("partner",), ("ours",), None]
    return Rule(
        name,
        effect,
        draw(st.sampled_from(choices)),
        draw(usually(Targets(), *TARGETS)),
        draw(st.sampled_from([frozenset(), frozenset(), frozenset({"blob"}), frozenset(SUB_RESOURCES)])),
        draw(st.sampled_from([None, *FIREWALLS])) if allow else None,
        expires=draw(usually(None, TODAY, date(2026, 11, 20))),
        max_connections=draw(usually(None, 1, 2)) if limits and allow else None,
        mode=draw(usually(Mode.ENFORCE, Mode.AUDIT)),
    )


@st.composite
def policies(draw: st.DrawFn, *, limits: bool = True) -> Policy:
    """A policy of up to five rules, of which most allow."""
    effects = (Effect.ALLOW, Effect.ALLOW, Effect.ALLOW, Effect.DENY, Effect.REJECT)
    drawn = tuple(draw(rules(f"rule-{n}", effects, limits=limits)) for n in range(draw(st.integers(1, 5))))
    return Policy(
        "0" * 64, draw(usually(Mode.ENFORCE, Mode.AUDIT)), Scope(frozenset({OURS})), draw(policy_requesters), drawn
    )


@st.composite
def connections(draw: st.DrawFn, number: int) -> Connection:
    """A connection in any state; an Approved one may rest on a rule."""
    status = draw(st.sampled_from(STATES))
    return Connection(
        f"{STORAGE}/privateEndpointConnections/c{number}",
        draw(st.sampled_from([*PRIVATE_ENDPOINTS * 2, None, "nonsense"])),
        status,
        draw(st.sampled_from([*MESSAGES, *STAMPS] if status == "Approved" else MESSAGES)),
        draw(usually(None, *SUB_RESOURCES)),
    )


@st.composite
def sides(draw: st.DrawFn, requester: str) -> RequesterSide:
    """Up to two managed endpoints of a requester, or why they are not known."""
    if draw(usually(None, "problem")):
        check = draw(st.sampled_from([Check.NOT_FOUND, Check.UNREADABLE]))
        return RequesterSide((), FailedCheck(check, found="why", certainty=draw(st.sampled_from(Certainty))))
    shown = [(state, "Pending") for state in ("Succeeded", "Succeeded", "Creating", "Failed")]
    shown += [("Succeeded", status) for status in ("Pending", "Approved", "")]
    endpoints = []
    for name in ("mpe-1", "mpe-2")[: draw(st.integers(0, 2))]:
        state, status = draw(st.sampled_from(shown))
        endpoints.append(
            ManagedEndpoint(
                f"{requester}/{name}",
                name,
                draw(usually(str(STORAGE), str(STORAGE).upper(), str(EVENT_HUBS), "nonsense")),
                draw(st.sampled_from(SUB_RESOURCES)),
                draw(st.sampled_from(MESSAGES)),
                state,
                status if requester == "ws" else None,
                draw(usually(None, datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))),
            )
        )
    return RequesterSide(tuple(endpoints))


@st.composite
def bindings(draw: st.DrawFn, requester: str) -> tuple[Binding, ...]:
    """At most one endpoint that an approval was spent on."""
    absent = draw(usually(None, datetime(2026, 11, 11, tzinfo=UTC)))
    endpoint = draw(st.sampled_from(PRIVATE_ENDPOINTS)).lower()
    spent = Binding(f"{requester}/mpe-1", endpoint, datetime(2026, 11, 10, tzinfo=UTC), absent)
    return (spent,) if draw(usually(None, "spent")) else ()


VIEWS = [
    PrivateEndpointView(readable=True, sub_resource="blob"),
    PrivateEndpointView(readable=True, problem=FailedCheck(Check.NOT_FOUND)),
    PrivateEndpointView(readable=False),
]


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """A target with up to five connections, and what its requesters answered."""
    viewed = draw(st.lists(st.tuples(st.sampled_from(PRIVATE_ENDPOINTS), st.sampled_from(VIEWS)), max_size=1))
    return Situation(
        Target(draw(usually(STORAGE, EVENT_HUBS)), draw(usually({"env": "prod"}, {}, None))),
        tuple(draw(connections(number)) for number in range(draw(st.integers(1, 5)))),
        {
            OURS: draw(usually(HOME_TENANT, None, MICROSOFT)),
            PARTNERS: draw(usually(PARTNER_TENANT, None, MICROSOFT)),
            SERVICES: draw(usually(MICROSOFT, None, PARTNER_TENANT)),
        },
        {name: draw(sides(name)) for name in draw(usually(("adx", "ws"), ("ws",), ("adx",), ()))},
        {endpoint.lower(): view for endpoint, view in viewed},
        {name: draw(bindings(name)) for name in ("adx", "ws")},
        draw(usually(HOME_TENANT, None)),
    )
