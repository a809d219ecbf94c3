"""What tightening a firewall will mean, in sentences for the people who own the target. Pure.

Says what stays, what goes, and what else stops. It decides nothing: a preflight never keeps a firewall open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.alerts.conditions import one_line
from shared.model.connection import Connection
from shared.model.firewall import Change, Firewall
from shared.model.target_types import TargetType

MOST_NAMED = 10
"""So many rules or connections are named, the others are counted."""


def preflight(now: Firewall, change: Change, kind: TargetType, connections: Iterable[Connection]) -> tuple[str, ...]:
    """The sentences, the most important first; there is always one.

    Args:
        now: the firewall as it was read.
        change: what is to be done to it.
        kind: the target's type.
        connections: the target's connections, as they were listed.
    """
    if change.problem is not None:
        return (f"The firewall cannot be tightened: {change.problem}.",)
    after = change.after
    if after is None:
        return ("Nothing changes: the firewall is as strict as the rule asks.",)
    pending = [c.name for c in connections if c.pending]
    said = [_access(now, after), _rules(after), _trusted(now, after, kind)]
    if pending:
        said.append(f"Still Pending, and without access until approved: {_named(pending)}.")
    return tuple(one_line(sentence, 1000) for sentence in said if sentence)


def _access(now: Firewall, after: Firewall) -> str | None:
    if after.public_network_access != now.public_network_access or not now.consistent:
        return "Public access goes, all of it: only private endpoints reach the target."
    if after.default_action != now.default_action:
        return "Public access in general goes: only what a rule names, and private endpoints, reach the target."
    return None


def _rules(after: Firewall) -> str:
    closed = after.public_network_access == "Disabled"
    if not after.rules:
        return (
            "There are no ip or network rules." if closed else "There are no ip or network rules that let anybody in."
        )
    effect = "stay, without effect while public access is disabled" if closed else "stay and keep their access"
    return f"These rules {effect}: {_named(after.rules)}."


def _trusted(now: Firewall, after: Firewall, kind: TargetType) -> str | None:
    if not kind.trusted_services:
        return None
    if now.trusted_services and not after.trusted_services:
        return f"Trusted Azure services are cut off. What used the exception stops: {kind.trusted_uses}."
    if now.trusted_services and after.public_network_access == "Disabled" != now.public_network_access:
        return (
            "The trusted-services exception stays, but Disabled is reported to stop trusted services all the same: "
            f"{kind.trusted_uses}."
        )
    return "The trusted-services exception stays." if now.trusted_services else None


def _named(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
