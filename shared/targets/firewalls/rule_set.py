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

PATH = "/networkRuleSets/default"
_ACCESS = "publicNetworkAccess"


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
        """See `Form`. Where the two places disagree the namespace counts as closed: it must not be opened."""
        rules = state["ruleSet"]
        places = {rules[_ACCESS], state.get(_ACCESS, rules[_ACCESS])}
        return Firewall(
            public_network_access="Disabled" if "Disabled" in places else min(places),
            default_action=rules["defaultAction"],
            trusted_services=rules["trustedServiceAccessEnabled"],
            rules=tuple(rule_in_words(rule) for name in ("ipRules", "virtualNetworkRules") for rule in rules[name]),
            consistent=len(places) == 1,
        )

    def tightened(self, state: FirewallState, wanted: Firewall) -> FirewallState:
        """See `Form`."""
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
