"""Loading a policy never raises anything but its own error, whatever the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.policy.language.check import check
from shared.policy.language.document import load
from shared.policy.language.findings import InvalidPolicyError
from tests.policies.corpus import BAD, GOOD, WARN

CORPUS = [path.read_text() for path in (*BAD, *GOOD, *WARN)]
TOKENS = sorted({token for text in CORPUS for token in text.replace(",", " , ").replace(":", " : ").split()})
YAML_BITS = [
    ": ",
    ", ",
    *"[]{}|>'\"#~=",
    "&a ",
    "*a",
    "!t ",
    "!!",
    "? ",
    "---",
    "...",
    "%YAML 1.1",
    "<<",
    "0x",
    "1e9",
    "\\",
]
ODD = ["\t", "\u2028", "\ufeff", "\x85"]
BREAKS = ["\n", "\n  ", "\n- ", "\n    "]
PIECES = st.sampled_from([*TOKENS, *YAML_BITS, *ODD, *BREAKS])


def never_raises(text: bytes | str) -> None:
    errors = [finding for finding in check(text) if finding.level == "error"]
    assert all(finding.line >= 1 and finding.column >= 1 for finding in errors)
    if not errors:
        load(text)
        return
    with pytest.raises(InvalidPolicyError) as raised:
        load(text)
    assert list(raised.value.findings) == errors


@given(st.text(st.characters(exclude_categories=())) | st.binary())
def test_any_text_and_any_bytes(text: str | bytes) -> None:
    never_raises(text)


@given(st.lists(PIECES, max_size=60).map("".join))
def test_any_mixture_of_the_words_of_policies_and_of_yaml(text: str) -> None:
    never_raises(text)


@given(st.sampled_from(CORPUS), st.data())
def test_any_policy_with_a_piece_replaced(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 80)))
    piece = data.draw(PIECES | st.text(max_size=5))
    never_raises(text[:start] + piece + text[end:])
