"""Firewalls on the wire, as pure functions: what ARM answered in, words, differences and requests out.

One module for each family of forms; `FORMS` names them as `targets.types` does.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.model.target_types import FirewallForm
from shared.targets.firewalls.form import Form
from shared.targets.firewalls.hub_rule_sets import HubRuleSets
from shared.targets.firewalls.network_acls import StorageAcls, VaultAcls
from shared.targets.firewalls.public_access import PublicAccess
from shared.targets.firewalls.rule_set import RuleSet
from shared.targets.firewalls.server_rules import ServerRules

FORMS: Mapping[FirewallForm, Form] = {
    FirewallForm.STORAGE_ACLS: StorageAcls(),
    FirewallForm.VAULT_ACLS: VaultAcls(),
    FirewallForm.RULE_SET: RuleSet(),
    FirewallForm.HUB_RULE_SETS: HubRuleSets(),
    FirewallForm.SERVER_RULES: ServerRules(),
    FirewallForm.PUBLIC_ACCESS: PublicAccess(),
}
