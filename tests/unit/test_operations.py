"""Following ARM's long-running operations, in every form that facts/azure-resource-manager.md knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from shared.azure.arm import Arm
from shared.azure.operations import Operation, WaitBudget, ended, follow
from shared.errors import NotFoundError, PermanentError, TransientError

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

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def send_url(self, url: str) -> Answer:
        self.asked.append(url)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def followed(
    statuses: Statuses, *, retry_after: float | None = None, seconds: float = 20.0
) -> tuple[bool, list[float]]:
    """Whether the operation was seen to end, and the waits between the questions."""
    waits: list[float] = []
    done = follow(cast("Arm", statuses), Operation(URL, retry_after), WaitBudget(waits.append, seconds))
    return done, waits


def status(word: str) -> Answer:
    return Answer({"status": word})


@pytest.mark.parametrize("word", ["InProgress", "Updating", "Running", "Deleting", "Accepted", "Creating"])
def test_any_word_on_the_way_means_go_on_asking(word: str) -> None:
    statuses = Statuses(status(word), status(word), status("Succeeded"))
    assert followed(statuses) == (True, [1.0, 2.0, 4.0])
    assert statuses.asked == [URL] * 3


@pytest.mark.parametrize(
    "ended",
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
def test_every_form_of_success_is_an_end(ended: Answer) -> None:
    assert followed(Statuses(ended))[0] is True


def test_a_location_that_answers_202_is_not_at_its_end() -> None:
    assert followed(Statuses(Answer(None, 202), Answer({"id": "/x"})))[0] is True
    assert followed(Statuses(Answer(None, 202)))[0] is False


@pytest.mark.parametrize("word", ["Failed", "Canceled", "Cancelled", "failed"])
def test_a_failed_or_cancelled_operation_is_a_permanent_error(word: str) -> None:
    with pytest.raises(PermanentError, match="ended as"):
        followed(Statuses(status(word)))


def test_it_waits_no_longer_than_its_patience_and_leaves_the_rest_to_a_later_message() -> None:
    done, waits = followed(Statuses(status("InProgress")))
    assert (done, waits) == (False, [1.0, 2.0, 4.0, 5.0, 5.0])


def test_it_asks_at_the_pace_that_arm_has_named() -> None:
    assert followed(Statuses(status("InProgress")), retry_after=8) == (False, [8, 8])


def test_a_pace_beyond_its_patience_is_not_waited_for_at_all() -> None:
    statuses = Statuses(status("InProgress"))
    assert followed(statuses, retry_after=30) == (False, [])
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
    assert followed(Statuses(slow, status("Succeeded"))) == (True, [1.0, 7.0])


def test_a_failed_operation_says_what_arm_says_of_it() -> None:
    body = {"status": "Failed", "error": {"code": "42102", "message": "no private\n endpoint"}}
    with pytest.raises(PermanentError, match="failed: 42102: no private endpoint"):
        followed(Statuses(Answer(body)))


def test_an_operation_that_another_one_disturbed_may_be_tried_again() -> None:
    body = {"status": "Failed", "error": {"code": "AnotherOperationInProgress", "message": "busy"}}
    with pytest.raises(TransientError):
        followed(Statuses(Answer(body)))


def test_an_operation_that_arm_has_forgotten_has_ended() -> None:
    class Forgotten(Statuses):
        def send_url(self, url: str) -> Answer:
            raise NotFoundError(url)

    assert followed(Forgotten(Answer())) == (True, [1.0])


@pytest.mark.parametrize(("word", "is_over"), [("Succeeded", True), ("Running", False)])
def test_an_earlier_operation_is_asked_about_once(word: str, is_over: bool) -> None:
    statuses = Statuses(status(word))
    assert ended(cast("Arm", statuses), Operation(URL)) is is_over
    assert statuses.asked == [URL]


def test_an_operations_url_is_never_shown() -> None:
    assert "signed" not in repr(Operation(URL))
