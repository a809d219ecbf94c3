"""The description that an approval leaves behind."""

from __future__ import annotations

import pytest

from shared.policy.approval_text import stamp, stamped_rule

ID = "0d6b2f6e-6f0a-4b53-9d7e-5f0b8f8f7a01"


def test_a_stamp_names_the_rule_and_the_decision_and_no_more() -> None:
    assert stamp("Approved", "adx-reads", ID) == (
        f"Approved by Private Endpoint Approver: rule adx-reads, decision {ID}"
    )


@pytest.mark.parametrize("status", ["Approved", "Rejected"])
def test_a_stamp_tells_its_rule_again(status: str) -> None:
    assert stamped_rule(stamp(status, "adx-reads", ID)) == "adx-reads"


@pytest.mark.parametrize(
    "description",
    ["", "Auto-Approved", "please approve", f"x {stamp('Approved', 'r', ID)}", stamp("Approved", "r", ID) + " x",
     stamp("Approved", "Not A Rule", ID), stamp("Pending", "r", ID), stamp("approved", "r", ID)],
)  # fmt: skip
def test_what_others_write_is_no_stamp(description: str) -> None:
    assert stamped_rule(description) is None
