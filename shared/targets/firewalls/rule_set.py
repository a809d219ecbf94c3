"""The network rule set of Event Hubs and Service Bus namespaces. Pure.

Wire facts: the PUT replaces the rule set, and public access that is left out means Enabled, so everything is echoed; the
namespace shows public access too (not in every api-version), and both places must agree.
"""

from __future__ import annotations

from shared.model.firewall import Firewall
from shared.targets.firewalls.form import (
    FirewallState,
    Parts,
    Request,
    SimpleForm,
    access_of,
    default_action,
    properties_of,
    rule_in_words,
    same,
)
from shared.targets.firewalls.shapes import ACCESS, ACTION, ALLOW, flag, list_of, members, rule, text

PATH = "/networkRuleSets/default"
_ACCESS = "publicNetworkAccess"
_STRICTNESS = {"Enabled": 0, "Disabled": 2}
"""Of public access; SecuredByPerimeter, and a word that is not known, lie between."""

_SUBNET = rule({"id": text})
_RULE_SET = members(
    {
        _ACCESS: ACCESS,
        "defaultAction": ACTION,
        "trustedServiceAccessEnabled": flag,
        "ipRules": list_of(rule({"ipMask": text}, action=ALLOW)),
        "virtualNetworkRules": list_of(rule({"subnet": _SUBNET}, ignoreMissingVnetServiceEndpoint=flag)),
    }
)
_SHAPE = members({"ruleSet": _RULE_SET}, publicNetworkAccess=ACCESS)


class RuleSet(SimpleForm):
    """Public access of the namespace (where it shows some), and its rule set `default`."""

    objects = (PATH,)

    def state(self, parts: Parts) -> FirewallState:
        """See `Form`."""
        namespace, rules = properties_of(parts), properties_of(parts, PATH)
        shown = access_of(namespace) if namespace.get(_ACCESS) else {}
        rule_set = access_of(rules) | {
            "defaultAction": default_action(rules.get("defaultAction")),
            "trustedServiceAccessEnabled": bool(rules.get("trustedServiceAccessEnabled")),
            "ipRules": rules.get("ipRules") or [],
            "virtualNetworkRules": rules.get("virtualNetworkRules") or [],
        }
        return shown | {"ruleSet": rule_set}

    def to_firewall(self, state: FirewallState) -> Firewall:
        """See `Form`. Where the two places disagree the stricter one counts: it must not be loosened."""
        rules = state["ruleSet"]
        return Firewall(
            public_network_access=_strictest(state),
            default_action=rules["defaultAction"],
            trusted_services=rules["trustedServiceAccessEnabled"],
            rules=tuple(rule_in_words(one) for name in ("ipRules", "virtualNetworkRules") for one in rules[name]),
            consistent=state.get(_ACCESS, rules[_ACCESS]) == rules[_ACCESS],
        )

    def tightened(self, state: FirewallState, wanted: Firewall) -> FirewallState:
        """See `Form`. The rule set takes the namespace along, so it must say what the stricter of the two places says."""
        access = {_ACCESS: wanted.public_network_access}
        words = {"defaultAction": wanted.default_action, "trustedServiceAccessEnabled": wanted.trusted_services}
        shown = access if _ACCESS in state else {}
        return shown | {"ruleSet": state["ruleSet"] | access | words}

    def step(self, parts: Parts, wanted: FirewallState) -> Request | None:
        """See `Form`. The rule set takes the namespace along, as a rule; where it did not, the namespace follows."""
        now = self.state(parts)
        if not same(now["ruleSet"], wanted["ruleSet"]):
            return Request("PUT", PATH, {"properties": wanted["ruleSet"]})
        if _ACCESS in wanted and now.get(_ACCESS) != wanted[_ACCESS]:
            return Request("PATCH", body={"properties": {_ACCESS: wanted[_ACCESS]}})
        return None

    def restorable(self, state: FirewallState) -> FirewallState:
        """See `Form`. Places that disagreed are put back as the stricter one, both."""
        kept: FirewallState = _SHAPE(state, "the firewall")
        access = {_ACCESS: _strictest(kept)}
        return (access if _ACCESS in kept else {}) | {"ruleSet": kept["ruleSet"] | access}


def _strictest(state: FirewallState) -> str:
    """Public access as the stricter of its two places says: Disabled, then SecuredByPerimeter, then Enabled."""
    places = [state["ruleSet"][_ACCESS], state.get(_ACCESS, "Enabled")]
    strictest: str = max(places, key=lambda word: _STRICTNESS.get(word, 1))
    return strictest
