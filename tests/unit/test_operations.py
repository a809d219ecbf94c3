"""Following ARM's long-running operations, in every form that ARM's services have for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from shared.azure.arm import Arm
from shared.azure.operations import (
    Operation,
    Progress,
    State,
    WaitBudget,
    ended,
    follow,
    lies_under,
)
from shared.errors import ApproverError, ForbiddenError, NotFoundError, PermanentError, TransientError
from shared.resource_id import parse

ENDED, RUNNING, FAILED, UNKNOWN = State.ENDED, State.RUNNING, State.FAILED, State.UNKNOWN
URL = "https://management.azure.com/operations/1?t=signed"


@dataclass
class Answer:
    """A status answer of ARM."""

    body: Any = None
    status_code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return b"" if self.body is None else b"x"

    def json(self) -> Any:
        if isinstance(self.body, Exception):
            raise self.body
        return self.body


class Statuses:
    """ARM, as far as an operation's URL goes: the given answers in order, the last one for ever."""

    def __init__(self, *answers: Answer | ApproverError) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def send_url(self, url: str) -> Answer:
        self.asked.append(url)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, ApproverError):
            raise answer
        return answer


def progress(
    statuses: Statuses, *, retry_after: float | None = None, seconds: float = 20.0
) -> tuple[Progress, list[float]]:
    """What is known of the operation in the end, and the waits between the questions."""
    waits: list[float] = []
    done = follow(cast("Arm", statuses), Operation(URL, retry_after), WaitBudget(waits.append, seconds))
    return done, waits


def followed(
    statuses: Statuses, *, retry_after: float | None = None, seconds: float = 20.0
) -> tuple[State, list[float]]:
    """As `progress`, the state alone."""
    done, waits = progress(statuses, retry_after=retry_after, seconds=seconds)
    return done.state, waits


def status(word: str) -> Answer:
    return Answer({"status": word})


@pytest.mark.parametrize("word", ["InProgress", "Updating", "Running", "Deleting", "Accepted", "Creating"])
def test_any_word_on_the_way_means_go_on_asking(word: str) -> None:
    statuses = Statuses(status(word), status(word), status("Succeeded"))
    assert followed(statuses) == (ENDED, [1.0, 2.0, 4.0])
    assert statuses.asked == [URL] * 3


@pytest.mark.parametrize(
    "answer",
    [
        status("Succeeded"),
        status("succeeded"),
        status("Ready"),
        Answer({"properties": {"provisioningState": "Succeeded"}}),
        Answer({"id": "/x", "name": "the resource itself"}),
        Answer(None, 204),
        Answer(ValueError("no JSON")),
        Answer([]),
    ],
    ids=str,
)
def test_every_form_of_success_is_an_end(answer: Answer) -> None:
    assert followed(Statuses(answer))[0] is ENDED


def test_a_location_that_answers_202_is_not_at_its_end() -> None:
    assert followed(Statuses(Answer(None, 202), Answer({"id": "/x"})))[0] is ENDED
    assert followed(Statuses(Answer(None, 202)))[0] is RUNNING


@pytest.mark.parametrize("word", ["Failed", "Canceled", "Cancelled", "failed"])
def test_a_failed_or_cancelled_operation_has_failed_for_good(word: str) -> None:
    done, _ = progress(Statuses(status(word)))
    assert (done.state, done.transient) == (FAILED, False)
    assert "ended as" in done.text


def test_it_waits_no_longer_than_its_patience_and_leaves_the_rest_to_a_later_message() -> None:
    done, waits = followed(Statuses(status("InProgress")))
    assert (done, waits) == (RUNNING, [1.0, 2.0, 4.0, 5.0, 5.0])


def test_it_asks_at_the_pace_that_arm_has_named() -> None:
    assert followed(Statuses(status("InProgress")), retry_after=8) == (RUNNING, [8, 8])


def test_a_pace_beyond_its_patience_is_not_waited_for_at_all() -> None:
    statuses = Statuses(status("InProgress"))
    assert followed(statuses, retry_after=30) == (RUNNING, [])
    assert statuses.asked == []


def test_patience_is_one_for_all_operations_of_a_review() -> None:
    waits: list[float] = []
    patience = WaitBudget(waits.append, 6)
    assert patience.wait(4)
    assert not patience.wait(3)
    assert patience.wait(2)
    assert not patience.wait(0.1)
    assert waits == [4, 2]


def test_it_waits_as_long_as_the_last_answer_asks() -> None:
    slow = Answer({"status": "InProgress"}, headers={"Retry-After": "7"})
    assert followed(Statuses(slow, status("Succeeded"))) == (ENDED, [1.0, 7.0])


def test_a_failed_operation_says_what_arm_says_of_it() -> None:
    body = {"status": "Failed", "error": {"code": "42102", "message": "no private\n endpoint"}}
    done, _ = progress(Statuses(Answer(body)))
    assert done.text.endswith("failed: 42102: no private endpoint")
    assert done.code == "42102"


@pytest.mark.parametrize("error", ["text", ["list"], None, 7])
def test_a_failed_operation_may_say_nothing_of_sense(error: Any) -> None:
    assert progress(Statuses(Answer({"status": "Failed", "error": error})))[0].code == "OperationFailed"


def test_an_operation_that_another_one_disturbed_may_be_tried_again() -> None:
    body = {"status": "Failed", "error": {"code": "AnotherOperationInProgress", "message": "busy"}}
    done, _ = progress(Statuses(Answer(body)))
    assert (done.state, done.transient) == (FAILED, True)


@pytest.mark.parametrize(
    "refusal",
    [
        ForbiddenError("403 AuthorizationFailed"),
        NotFoundError("404 gone"),
        PermanentError("400 what"),
        PermanentError("302"),
    ],
    ids=str,
)
def test_a_question_that_is_refused_says_nothing_of_the_operation(refusal: ApproverError) -> None:
    done, waits = progress(Statuses(refusal, status("Succeeded")))
    assert (done.state, done.text, waits) == (UNKNOWN, str(refusal), [1.0])


def test_a_question_that_got_no_answer_is_asked_again() -> None:
    out = TransientError("no answer")
    assert followed(Statuses(out, out, status("Succeeded"))) == (ENDED, [1.0, 2.0, 4.0])
    assert progress(Statuses(out))[0].state is UNKNOWN


def test_a_throttled_question_waits_as_long_as_arm_asks() -> None:
    assert followed(Statuses(TransientError("429", retry_after=9), status("Succeeded"))) == (ENDED, [1.0, 9])


@pytest.mark.parametrize(("word", "state"), [("Succeeded", ENDED), ("Running", RUNNING), ("Failed", FAILED)])
def test_an_earlier_operation_is_asked_about_once(word: str, state: State) -> None:
    statuses = Statuses(status(word))
    assert ended(cast("Arm", statuses), Operation(URL)).state is state
    assert statuses.asked == [URL]


TARGET = parse(
    "/subscriptions/AAAAAAAA-0000-4000-8000-00000000000a/resourceGroups/rg/providers/Microsoft.Sql/servers/s"
)
SUBSCRIPTION = "https://management.azure.com/subscriptions/aaaaaaaa-0000-4000-8000-00000000000a"


@pytest.mark.parametrize(
    ("url", "may"),
    [
        (f"{SUBSCRIPTION}/providers/Microsoft.Sql/locations/we/asyncOperation/1?api-version=v&t=signed", True),
        (f"{SUBSCRIPTION.replace('azure.com', 'azure.com:443')}/resourceGroups/rg/x", True),
        (f"{SUBSCRIPTION.upper().replace('HTTPS', 'https')}/X", True),
        ("https://management.azure.com/subscriptions/bbbbbbbb-0000-4000-8000-00000000000b/x", False),
        ("https://management.azure.com/providers/Microsoft.Sql/x", False),
        (f"{SUBSCRIPTION}/../bbbbbbbb-0000-4000-8000-00000000000b/x", False),
        (f"{SUBSCRIPTION}/%2e%2e/bbbbbbbb-0000-4000-8000-00000000000b/x", False),
        (f"{SUBSCRIPTION}/%252e%252e/bbbbbbbb-0000-4000-8000-00000000000b/x", False),
        (f"{SUBSCRIPTION}0/x", False),
        (SUBSCRIPTION.replace("https:", "http:") + "/x", False),
        (SUBSCRIPTION.replace("azure.com", "azure.com.evil.test") + "/x", False),
        (SUBSCRIPTION.replace("management", "evil.test\\@management") + "/x", False),
        ("", False),
    ],
)
def test_an_operation_is_asked_about_only_on_arms_host_and_under_the_targets_subscription(
    url: str, *, may: bool
) -> None:
    assert lies_under(url, "https://management.azure.com", TARGET) is may


def test_an_operations_url_is_never_shown() -> None:
    assert "signed" not in repr(Operation(URL))
