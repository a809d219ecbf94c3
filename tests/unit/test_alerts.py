"""Which decisions are worth an alert, and what an alert says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.alerts.conditions import AlertType, Condition, condition_of, digest, one_line, policy_invalid
from shared.model.check import Check, FailedCheck
from shared.model.decision import Decision, Outcome, Reason, WhoAsked
from shared.model.requester import MICROSOFT_TENANTS
from shared.resource_id import parse, try_parse

GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers"
TARGET = parse(f"{GROUP}/Microsoft.Storage/storageAccounts/landing")
ENDPOINT = f"{GROUP}/Microsoft.Network/privateEndpoints/pe".replace("1111", "9999")
HOME = "22222222-2222-2222-2222-222222222222"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CONNECTION = f"{TARGET}/privateEndpointConnections/c"


def decision(outcome: Outcome, *, rule: str | None = None, check: Check | None = None, found: str = "", problem: str = "",
             tenant: str | None = None, endpoint: str = ENDPOINT, message: str = "please") -> Decision:  # fmt: skip
    parsed = try_parse(endpoint)
    return Decision(
        decision_id="d",
        target=TARGET,
        outcome=outcome,
        decided_at=NOW,
        policy="hash",
        connection_id=CONNECTION,
        private_endpoint_id=endpoint,
        requester=WhoAsked(subscription_id=parsed.subscription_id if parsed else None, tenant_id=tenant),
        request_message=message,
        previous_status="Pending",
        rule=rule,
        reasons=(Reason(rule or "r", FailedCheck(check, found=found)),) if check else (),
        problem=problem or None,
    )


def condition(*args: Outcome, **more: object) -> Condition:
    found = condition_of(decision(*args, **more), HOME)  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize("outcome", [Outcome.APPROVED, Outcome.UNCHANGED])
def test_what_is_well_is_no_condition(outcome: Outcome) -> None:
    assert condition_of(decision(outcome, rule="r"), HOME) is None


@pytest.mark.parametrize(
    ("outcome", "rule", "kind", "severity"),
    [
        (Outcome.HELD, None, AlertType.REQUESTER_UNKNOWN, "medium"),
        (Outcome.HELD, "r", AlertType.EVIDENCE_MISSING, "high"),
        (Outcome.DENIED, "r", AlertType.REQUEST_DENIED, "low"),
        (Outcome.REJECTED, "r", AlertType.REQUEST_REJECTED, "low"),
        (Outcome.FAILED, "r", AlertType.APPROVAL_FAILED, "high"),
    ],
)
def test_each_outcome_that_somebody_should_know_has_its_type(
    outcome: Outcome, rule: str | None, kind: AlertType, severity: str
) -> None:
    problem = "409 ScopeLocked" if outcome is Outcome.FAILED else ""
    found = condition(outcome, rule=rule, check=Check.SPENT, problem=problem)
    assert (found.type, found.severity, found.subject) == (kind, severity, CONNECTION)


@pytest.mark.parametrize("outcome", [Outcome.APPROVED, Outcome.REJECTED])
def test_a_decision_that_azure_does_not_carry_out_is_a_failed_approval(outcome: Outcome) -> None:
    found = condition(outcome, rule="r", problem="ARM's operation has been running for more than an hour")
    assert (found.type, found.severity) == (AlertType.APPROVAL_FAILED, "high")


def test_an_id_is_the_same_for_a_repetition_and_another_for_the_next_episode() -> None:
    found = condition(Outcome.HELD)
    later = NOW + timedelta(hours=1)
    assert found.event(NOW, NOW)["id"] == found.event(NOW, later)["id"]
    assert found.event(NOW, later)["id"] != found.event(later, later)["id"]


def test_an_id_knows_a_request_from_a_later_one_under_the_same_connection() -> None:
    first, second = condition(Outcome.HELD), condition(Outcome.HELD, endpoint=ENDPOINT + "2")
    assert first.event(NOW, NOW)["id"] != second.event(NOW, NOW)["id"]


def test_an_event_is_a_cloud_event_of_the_documented_shape() -> None:
    event = condition(Outcome.HELD).event(NOW, NOW + timedelta(minutes=1))
    assert (event["specversion"], event["source"]) == ("1.0", "/private-endpoint-approver")
    assert event["type"] == "PrivateEndpointApprover.RequesterUnknown"
    assert (event["data"]["firstSeenAt"], event["time"]) == ("2026-11-21T12:00:00Z", "2026-11-21T12:01:00Z")
    assert set(event["data"]) == {"severity", "title", "recommendedAction", "decision", "firstSeenAt"}
    assert event["data"]["decision"]["connectionId"] == CONNECTION


@pytest.mark.parametrize("check", Check)
def test_what_collides_with_an_endpoint_of_ours_is_told_from_what_any_stranger_can_cause(check: Check) -> None:
    fits = check in (Check.AMBIGUOUS, Check.SPENT)
    assert condition(Outcome.HELD, rule="r", check=check).collides is fits


@pytest.mark.parametrize(
    ("tenant", "said"),
    [
        (HOME, "own"),
        (min(MICROSOFT_TENANTS), "Microsoft's"),
        (HOME.replace("2", "3"), "other"),
        (None, "tenant unknown"),
    ],
)
def test_a_title_says_whose_the_private_endpoint_is(tenant: str | None, said: str) -> None:
    assert said in condition(Outcome.HELD, tenant=tenant).title


def test_a_title_says_which_evidence_is_missing() -> None:
    assert "evidence.spent" in condition(Outcome.HELD, rule="r", check=Check.SPENT).title


@pytest.mark.parametrize("outcome", [Outcome.HELD, Outcome.FAILED])
def test_the_remedy_of_a_missing_permission_names_it(outcome: Outcome) -> None:
    said = "403 AuthorizationFailed: ... to perform action 'Microsoft.Kusto/Clusters/read' over scope '/x' ..."
    found = condition(outcome, rule="r", check=Check.UNREADABLE, found=said, problem=said)
    assert found.action.startswith("Give the app's identity the permission Microsoft.Kusto/Clusters/read")


HOSTILE = "<script>\r\n[x](https://e.test)\u202e`*_|\\{}\x00\x1b[31m\u2028"


@pytest.mark.parametrize("outcome", [Outcome.HELD, Outcome.FAILED])
def test_nothing_that_a_requester_writes_is_markup_in_title_or_action(outcome: Outcome) -> None:
    found = condition(
        outcome, rule="r", check=Check.NAME, found=HOSTILE, problem=HOSTILE, endpoint=HOSTILE, message=HOSTILE
    )
    for text in (found.title, found.action):
        assert text.isprintable()
        assert not set("<>[]`|\\{}*") & set(text)


def test_one_line_is_cut_where_it_is_too_long() -> None:
    assert one_line("a" * 400) == "a" * 299 + "…"
    assert one_line("  a\t b\n") == "a b"


def test_an_invalid_policy_is_known_by_its_text() -> None:
    assert policy_invalid("hash", "line 1").subject == "hash"


@pytest.mark.parametrize(
    ("absorbed", "kind"),
    [
        ([AlertType.REQUESTER_UNKNOWN], AlertType.REQUESTER_UNKNOWN),
        ([AlertType.REQUESTER_UNKNOWN, AlertType.EVIDENCE_MISSING], AlertType.EVIDENCE_MISSING),
    ],
)
def test_a_digest_is_as_grave_as_the_gravest_that_it_stands_for(absorbed: list[AlertType], kind: AlertType) -> None:
    found = digest(str(TARGET), absorbed)
    assert (found.type, found.subject, found.decision) == (kind, str(TARGET), None)
