"""The firewall of a target: is and wanted in, a difference out. Pure.

Nothing is ever loosened: what is stricter than the wish stays as it is, and every ip and network rule stays. What each
type's words mean on the wire is `targets.firewalls`' to know (docs/adding-a-target-type.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from shared.model.target_types import TargetType

MOST_RULES = 10_000
"""More rules than any type takes; a larger number was not written by this app."""


@dataclass(frozen=True, slots=True)
class FirewallWish:
    """What a rule asks of the target's firewall once its connection is approved and settled."""

    public_network_access: str | None = None  # "selectedNetworks", "disabled", or None: as it is
    trusted_services: str = "keep"  # "keep" or "deny"
    settle_seconds: int = 120

    def combine(self, other: FirewallWish) -> FirewallWish:
        """The stricter of both in every part: disabled over selectedNetworks over None, deny over keep, longer wait."""
        order = (None, "selectedNetworks", "disabled")
        return FirewallWish(
            max(self.public_network_access, other.public_network_access, key=order.index),
            "deny" if "deny" in (self.trusted_services, other.trusted_services) else "keep",
            max(self.settle_seconds, other.settle_seconds),
        )


@dataclass(frozen=True, slots=True)
class Firewall:
    """A firewall in words that all types share.

    Args:
        public_network_access: "Enabled", "Disabled" or "SecuredByPerimeter".
        default_action: "Allow" or "Deny"; None where the type has none.
        trusted_services: whether the trusted-services exception is on; None where the type has none.
        rules: the ip, network and resource rules that keep their access, each in words.
        consistent: False where the type keeps public access in two places and they disagree.
    """

    public_network_access: str
    default_action: str | None = None
    trusted_services: bool | None = None
    rules: tuple[str, ...] = ()
    consistent: bool = True

    def shown(self) -> dict[str, Any]:
        """As decisions show it (`before`, `after`)."""
        return {
            "publicNetworkAccess": self.public_network_access,
            "defaultAction": self.default_action,
            "trustedServices": self.trusted_services,
            "rules": len(self.rules),
        }

    def whole(self) -> dict[str, Any]:
        """As `shown`, but rule by rule; `consistent` only where it is False."""
        return self.shown() | {"rules": list(self.rules)} | ({} if self.consistent else {"consistent": False})

    @classmethod
    def from_json(cls, found: object) -> Firewall:
        """What `whole` has written, or `shown`: there only the number of the rules is known, and each of them is "a rule".

        Raises:
            ValueError: it is neither.
        """
        known = found if isinstance(found, dict) else {}
        access, action = known.get("publicNetworkAccess"), known.get("defaultAction")
        trusted, rules = known.get("trustedServices"), known.get("rules")
        if isinstance(rules, int) and not isinstance(rules, bool) and 0 <= rules <= MOST_RULES:
            rules = ["a rule"] * rules
        consistent = known.get("consistent", True)
        if (
            not isinstance(access, str)
            or not isinstance(action, str | None)
            or not isinstance(trusted, bool | None)
            or not isinstance(rules, list)
            or not all(isinstance(rule, str) for rule in rules)
            or not isinstance(consistent, bool)
        ):
            raise ValueError(f"not a firewall: {str(found)[:200]}")
        return cls(access, action, trusted, tuple(rules), consistent)


@dataclass(frozen=True, slots=True)
class Change:
    """What there is to do: `after` None: nothing. `problem`: this resource cannot do what is asked, in words."""

    after: Firewall | None = None
    problem: str | None = None


def difference(now: Firewall, wish: FirewallWish, target: TargetType) -> Change:
    """What must be written so that the firewall is at least as strict as the wish."""
    after = now
    if wish.trusted_services == "deny":
        if not target.trusted_services:
            return Change(problem=f"{target.name} has no trusted-services exception to take away")
        after = replace(after, trusted_services=False)
    if wish.public_network_access == "disabled":
        if not target.disabled:
            return Change(problem=f"{target.name} cannot disable public network access")
        after = replace(after, public_network_access="Disabled", consistent=True)
    elif wish.public_network_access == "selectedNetworks" and now.public_network_access == "Enabled":
        problem = _unselectable(now, target)
        if problem is not None:
            return Change(problem=problem)
        if not target.selected_is_given:
            after = replace(after, default_action="Deny")
    return Change(after=None if after == now else after)


def _unselectable(now: Firewall, target: TargetType) -> str | None:
    """Why public access cannot stay Enabled for what rules name, and for that alone."""
    if not target.selected_networks:
        return f"{target.name} knows no selected networks: use disabled"
    if target.selected_needs_rule and not now.rules:
        return (
            "selectedNetworks needs at least one ip or network rule here: without one the target stays open to all "
            "networks. Add a rule, or use publicNetworkAccess: disabled"
        )
    return None
