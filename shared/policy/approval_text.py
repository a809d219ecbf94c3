"""The description that an approval or a rejection leaves on the connection, and the rule that it names. Pure.

The requester can read it, so it says no more of the policy than the rule's name.
"""

from __future__ import annotations

import re

_STAMP = re.compile(r"(?:Approved|Rejected) by Private Endpoint Approver: rule ([a-z0-9-]{1,40}), decision (\S+)")


def stamp(status: str, rule: str, decision_id: str) -> str:
    """The description for a connection that becomes `status` ("Approved" or "Rejected")."""
    return f"{status} by Private Endpoint Approver: rule {rule}, decision {decision_id}"


def stamped_rule(description: str) -> str | None:
    """The rule that a description of ours names; None for everybody else's."""
    match = _STAMP.fullmatch(description)
    return match.group(1) if match else None
