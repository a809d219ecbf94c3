"""The next request to a target's firewall, worked out anew from each reading. Pure: nothing is remembered between two.

A request is made of the firewall as it was read just now, so a rule that somebody adds or removes between two requests stays
as they left it. Whether anything is left to do is judged by words (`difference`), or by what rules name (`same`), never by
comparing what ARM answered. A caller that is given a request which it has sent already (`Request.digest`) must not send it
again: the firewall does not show what was written.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.model.firewall import Change, FirewallWish, difference
from shared.model.target_types import TargetType
from shared.targets.adapter import FirewallReading
from shared.targets.firewalls import FORMS
from shared.targets.firewalls.form import FirewallState, Request


@dataclass(frozen=True, slots=True)
class FirewallStep:
    """What is to be done next: send `request`, or nothing because of `problem` (in words), or nothing because it is done."""

    request: Request | None = None
    problem: str | None = None

    @property
    def reached(self) -> bool:
        """Whether the firewall is as it should be."""
        return self.request is None and self.problem is None


def change_of(kind: TargetType, reading: FirewallReading, wish: FirewallWish) -> Change:
    """What is to be changed in words, and whether this resource may be written at all."""
    change = difference(reading.firewall, wish, kind)
    return Change(problem=reading.obstacle) if change.after is not None and reading.obstacle else change


def next_tightening(kind: TargetType, reading: FirewallReading, wish: FirewallWish) -> FirewallStep:
    """The next step towards a firewall that is at least as strict as the wish; every rule in the reading is kept."""
    change = change_of(kind, reading, wish)
    if change.after is None:
        return FirewallStep(problem=change.problem)
    form = FORMS[kind.firewall]
    request = form.step(reading.parts, form.tightened(reading.state, change.after))
    if request is None:
        return FirewallStep(
            problem=f"{kind.name}: there is no request that makes its firewall as strict as the rule asks"
        )
    return FirewallStep(request)


def next_restoring(kind: TargetType, reading: FirewallReading, wanted: FirewallState) -> FirewallStep:
    """The next step on the way back to a state that was kept.

    Args:
        kind: the target's type.
        reading: the firewall as it was read just now.
        wanted: the state that is put back, as `Form.restorable` answers it.
    """
    request = FORMS[kind.firewall].step(reading.parts, wanted)
    if request is not None and reading.obstacle:
        return FirewallStep(problem=reading.obstacle)
    return FirewallStep(request)


def restored(kind: TargetType, reading: FirewallReading, wanted: FirewallState) -> bool:
    """Whether a firewall is as a restore wants it, whatever Azure has added to its rules by itself."""
    return next_restoring(kind, reading, wanted).reached
