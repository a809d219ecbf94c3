"""What may be put back of a state that was kept: what the form knows, and nothing that a forged row could add. Pure."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from shared.errors import PermanentError
from shared.model.target_types import FirewallForm
from shared.targets.firewalls import FORMS
from tests.unit.targets.resources import CLUSTER, HUB, NAMESPACE, OPEN, SERVER, STORAGE, VAULT, Json

STORAGE_ACLS, VAULT_ACLS = FORMS[FirewallForm.STORAGE_ACLS].state(STORAGE), FORMS[FirewallForm.VAULT_ACLS].state(VAULT)
RULE_SET, SERVER_RULES = FORMS[FirewallForm.RULE_SET].state(NAMESPACE), FORMS[FirewallForm.SERVER_RULES].state(SERVER)
HUB_SETS, CLUSTERS = FORMS[FirewallForm.HUB_RULE_SETS].state(HUB), FORMS[FirewallForm.PUBLIC_ACCESS].state(CLUSTER)


def changed(state: Json, path: str, value: Any) -> Json:
    """The state with another value somewhere in it."""
    forged = copy.deepcopy(state)
    *way, last = path.split(".")
    at: Any = forged
    for name in way:
        at = at[int(name)] if name.isdigit() else at[name]
    at[last] = value
    return forged


@pytest.mark.parametrize(("name", "parts"), OPEN, ids=lambda value: value if isinstance(value, str) else "")
def test_what_was_read_of_any_form_may_be_put_back(name: FirewallForm, parts: Json) -> None:
    state = FORMS[name].state(parts)
    assert FORMS[name].restorable(state) == state


@pytest.mark.parametrize(
    ("name", "forged", "problem"),
    [
        (FirewallForm.STORAGE_ACLS, STORAGE_ACLS | {"allowSharedKeyAccess": True}, "allowSharedKeyAccess"),
        (FirewallForm.STORAGE_ACLS, STORAGE_ACLS | {"allowBlobPublicAccess": True, "minimumTlsVersion": "TLS1_0"},
         "allowBlobPublicAccess, minimumTlsVersion"),
        (FirewallForm.STORAGE_ACLS, changed(STORAGE_ACLS, "networkAcls.sub", {}), "networkAcls has sub"),
        (FirewallForm.STORAGE_ACLS, changed(STORAGE_ACLS, "networkAcls.bypass", "Everything"), "networkAcls.bypass is none"),
        (FirewallForm.STORAGE_ACLS, changed(STORAGE_ACLS, "networkAcls.bypass", None), "networkAcls.bypass is not a text"),
        (FirewallForm.STORAGE_ACLS, changed(STORAGE_ACLS, "networkAcls.defaultAction", {"x": 1}), "defaultAction is none"),
        (FirewallForm.STORAGE_ACLS, changed(STORAGE_ACLS, "networkAcls.ipRules", "all"), "ipRules is not a list"),
        (FirewallForm.STORAGE_ACLS, changed(STORAGE_ACLS, "networkAcls.ipRules.0.value", {"x": 1}), "ipRules[0].value"),
        (FirewallForm.STORAGE_ACLS, changed(STORAGE_ACLS, "networkAcls.ipRules", [{}]), "ipRules[0] lacks value"),
        (FirewallForm.STORAGE_ACLS, {"publicNetworkAccess": "Enabled"}, "lacks networkAcls"),
        (FirewallForm.STORAGE_ACLS, changed(STORAGE_ACLS, "publicNetworkAccess", "Open"), "publicNetworkAccess is none of"),
        (FirewallForm.VAULT_ACLS, VAULT_ACLS | {"accessPolicies": []}, "accessPolicies"),
        (FirewallForm.VAULT_ACLS, changed(VAULT_ACLS, "networkAcls.bypass", "Logging"), "bypass"),
        (FirewallForm.RULE_SET, changed(RULE_SET, "ruleSet.trustedServiceAccessEnabled", "yes"), "not true or false"),
        (FirewallForm.RULE_SET, RULE_SET | {"disableLocalAuth": False}, "disableLocalAuth"),
        (FirewallForm.RULE_SET, changed(RULE_SET, "ruleSet.virtualNetworkRules.0.subnet", {}), "subnet lacks id"),
        (FirewallForm.HUB_RULE_SETS, HUB_SETS | {"authorizationPolicies": []}, "authorizationPolicies"),
        (FirewallForm.HUB_RULE_SETS, HUB_SETS | {"networkRuleSets": []}, "networkRuleSets is not an object"),
        (FirewallForm.PUBLIC_ACCESS, CLUSTERS | {"trustedExternalTenants": []}, "trustedExternalTenants"),
        (FirewallForm.PUBLIC_ACCESS, CLUSTERS | {"allowedIpRangeList": [1]}, "allowedIpRangeList[0]"),
        (FirewallForm.SERVER_RULES, SERVER_RULES | {"administratorLogin": "x"}, "administratorLogin"),
        (FirewallForm.SERVER_RULES, changed(SERVER_RULES, "rules.office", ["203.0.113.7"]), "first and a last address"),
        (FirewallForm.SERVER_RULES, changed(SERVER_RULES, "rules.office", ["a", "b"]), "first and a last address"),
        (FirewallForm.SERVER_RULES, changed(SERVER_RULES, "rules.office", ["203.0.113.7", "203.0.113.1"]), "ends before"),
        (FirewallForm.SERVER_RULES, SERVER_RULES | {"rules": {"..": ["203.0.113.7", "203.0.113.7"]}}, "the name .."),
        (FirewallForm.SERVER_RULES, "everything", "is not an object"),
    ],
)  # fmt: skip
def test_what_a_form_does_not_know_is_never_put_back(name: FirewallForm, forged: Any, problem: str) -> None:
    with pytest.raises(PermanentError) as refused:
        FORMS[name].restorable(forged)
    assert refused.value.code == "KeptFirewallInvalid"
    assert problem in str(refused.value)


def test_of_a_rule_only_its_own_fields_are_put_back() -> None:
    forged = changed(STORAGE_ACLS, "networkAcls.ipRules.0.evil", 1)
    assert FORMS[FirewallForm.STORAGE_ACLS].restorable(forged) == STORAGE_ACLS


def test_words_are_put_back_as_azure_writes_them() -> None:
    odd = changed(STORAGE_ACLS, "networkAcls.bypass", "logging,metrics, azureservices")
    assert FORMS[FirewallForm.STORAGE_ACLS].restorable(odd) == STORAGE_ACLS


def test_a_sql_rule_for_everybody_has_the_right_shape_it_is_the_ledgers_authentication_that_must_catch_it() -> None:
    everybody = SERVER_RULES | {"rules": {"x": ["0.0.0.0", "255.255.255.255"]}}  # noqa: S104
    assert FORMS[FirewallForm.SERVER_RULES].restorable(everybody) == everybody
