"""The policy in force: read again when it changed, never older than it may be, never a valid one for an invalid one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from shared.policy.current import (
    CHECK_SECONDS,
    MOST_SECONDS,
    PolicyMissingError,
    PolicySource,
    PolicyUnreadableError,
    file_reader,
)
from shared.policy.language.findings import InvalidPolicyError, PolicyError
from shared.policy.rules import Policy
from tests.policies.corpus import FOLDER

VALID = (FOLDER / "good" / "smallest.yaml").read_bytes()
OTHER = VALID.replace(b"nobody", b"no-one")
INVALID = VALID.replace(b"deny", b"refuse")


class Blob:
    """A reader whose text, troubles and clock a test sets."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.trouble: PolicyError | None = None
        self.tags: list[str | None] = []
        self.now = 0.0

    def read(self, tag: str | None) -> tuple[bytes, str] | None:
        self.tags.append(tag)
        if self.trouble:
            raise self.trouble
        now = str(hash(self.text))
        return None if tag == now else (self.text, now)

    def source(self) -> PolicySource:
        return PolicySource(self.read, clock=lambda: self.now)

    def wait(self) -> None:
        self.now += CHECK_SECONDS


@pytest.fixture
def blob() -> Blob:
    return Blob(VALID)


def first_rule(policy: Policy) -> str:
    return policy.rules[0].name


def test_a_source_is_read_once_in_thirty_seconds(blob: Blob) -> None:
    source = blob.source()
    policies = [source.current() for _ in range(10)]
    blob.now = CHECK_SECONDS - 0.001
    assert source.current() is policies[0]
    assert blob.tags == [None]


def test_an_unchanged_text_is_not_parsed_again(blob: Blob) -> None:
    source = blob.source()
    before = source.current()
    blob.wait()
    assert source.current() is before
    assert blob.tags == [None, str(hash(VALID))]


def test_a_changed_text_is_in_force_after_thirty_seconds(blob: Blob) -> None:
    source = blob.source()
    source.current()
    blob.text = OTHER
    assert first_rule(source.current()) == "nobody"
    blob.wait()
    assert first_rule(source.current()) == "no-one"


def test_a_valid_policy_never_stands_in_for_an_invalid_newer_one(blob: Blob) -> None:
    source = blob.source()
    source.current()
    blob.text = INVALID
    blob.wait()
    subjects = set()
    for _ in range(3):
        with pytest.raises(InvalidPolicyError) as raised:
            source.current()
        subjects.add(raised.value.subject)
        blob.wait()
    assert len(subjects) == 1
    blob.text = VALID
    blob.wait()
    assert first_rule(source.current()) == "nobody"


@pytest.mark.parametrize("trouble", [PolicyMissingError("gone"), PolicyUnreadableError("no network")])
def test_without_a_readable_policy_nothing_is_in_force(blob: Blob, trouble: PolicyError) -> None:
    source = blob.source()
    source.current()
    blob.trouble = trouble
    blob.wait()
    for _ in range(2):
        with pytest.raises(type(trouble)):
            source.current()
    assert trouble.subject == "missing"
    assert len(blob.tags) == 2
    blob.trouble = None
    blob.wait()
    assert first_rule(source.current()) == "nobody"


def test_a_reader_that_says_unchanged_about_nothing_gives_no_policy() -> None:
    with pytest.raises(PolicyUnreadableError):
        PolicySource(lambda _tag: None).current()


def test_an_error_that_is_raised_again_does_not_grow(blob: Blob) -> None:
    blob.text = INVALID
    source = blob.source()

    def depth() -> int:
        with pytest.raises(InvalidPolicyError) as raised:
            source.current()
        return len(raised.traceback)

    assert [depth() for _ in range(5)] == [depth()] * 5


def test_threads_share_one_read() -> None:
    started, go, reads = Event(), Event(), list[str | None]()

    def slow(tag: str | None) -> tuple[bytes, str]:
        reads.append(tag)
        started.set()
        go.wait(10)
        return VALID, "1"

    source = PolicySource(slow)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(source.current) for _ in range(8)]
        assert started.wait(10)
        go.set()
        assert len({id(answer.result(10)) for answer in answers}) == 1
    assert reads == [None]


class SlowBlob(Blob):
    """A reader whose second reading waits for the test."""

    def __init__(self) -> None:
        super().__init__(VALID)
        self.began, self.go = Event(), Event()

    def read(self, tag: str | None) -> tuple[bytes, str] | None:
        if tag is not None:
            self.began.set()
            assert self.go.wait(10)
        return super().read(tag)


def in_thread(call: Callable[[], Policy]) -> tuple[threading.Thread, list[object]]:
    """The call in a thread, and what it answers or raises there."""
    said: list[object] = []

    def run() -> None:
        try:
            said.append(first_rule(call()))
        except PolicyError as error:
            said.append(type(error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, said


def test_while_one_thread_reads_the_others_go_on_with_what_is_not_too_old() -> None:
    blob = SlowBlob()
    source = blob.source()
    source.current()
    blob.text = OTHER
    blob.wait()
    reader, said = in_thread(source.current)
    assert blob.began.wait(10)

    assert first_rule(source.current()) == "nobody"
    blob.now = MOST_SECONDS - 0.001
    assert first_rule(source.current()) == "nobody"

    blob.go.set()
    reader.join(10)
    assert said == ["no-one"]


def test_what_is_too_old_is_in_force_for_nobody_while_it_is_read_again() -> None:
    blob = SlowBlob()
    source = blob.source()
    source.current()
    blob.text = INVALID
    blob.wait()
    reader, _ = in_thread(source.current)
    assert blob.began.wait(10)
    blob.now = MOST_SECONDS

    late, said = in_thread(source.current)
    late.join(0.05)
    assert said == []
    blob.go.set()
    reader.join(10)
    late.join(10)
    assert said == [InvalidPolicyError]


def test_a_reading_that_took_too_long_tells_nothing_of_now() -> None:
    blob = SlowBlob()
    source = blob.source()
    source.current()
    blob.wait()
    reader, said = in_thread(source.current)
    assert blob.began.wait(10)
    blob.now += MOST_SECONDS
    blob.go.set()
    reader.join(10)
    assert said == [PolicyUnreadableError]
    assert first_rule(source.current()) == "nobody"


def test_a_reader_that_breaks_leaves_nothing_in_force_and_nobody_waiting(blob: Blob) -> None:
    source = blob.source()
    source.current()
    blob.wait()
    read, source._reader = source._reader, lambda _: 1 / 0  # type: ignore[assignment,return-value]
    with pytest.raises(ZeroDivisionError):
        source.current()
    source._reader = read
    blob.text = OTHER
    assert first_rule(source.current()) == "no-one"


def test_a_file_that_is_replaced_while_it_is_read_is_known_by_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, newer = tmp_path / "policy.yaml", tmp_path / "newer.yaml"
    path.write_bytes(VALID)
    newer.write_bytes(OTHER)
    real = Path.open

    def opened_and_replaced(self: Path, mode: str) -> object:
        file = real(self, mode)
        if newer.exists():
            newer.replace(path)
        return file

    monkeypatch.setattr(Path, "open", opened_and_replaced)
    read = file_reader(path)
    old = read(None)
    assert old is not None
    assert old[0] == VALID
    new = read(old[1])
    assert new is not None
    assert new[0] == OTHER


def test_a_file_is_read_again_when_it_was_written_again(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(VALID)
    read = file_reader(path)
    first = read(None)
    assert first is not None
    assert first[0] == VALID
    assert read(first[1]) is None
    path.write_bytes(OTHER)
    os.utime(path, ns=(1, 1))  # as a deployment that keeps the times of its package does
    second = read(first[1])
    assert second is not None
    assert second[0] == OTHER


def test_a_file_that_is_not_there_is_missing_and_a_folder_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(PolicyMissingError, match="POLICY_PATH"):
        file_reader(tmp_path / "nowhere.yaml")(None)
    with pytest.raises(PolicyUnreadableError):
        file_reader(tmp_path)(None)
