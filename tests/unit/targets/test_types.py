"""The table of target types: what the policy refuses of each, and that every entry can be served."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.model.target_types import TARGET_TYPES, FirewallForm, TargetType, target_type
from shared.policy.language.refusals import impossible
from shared.targets.base import connection_of, decided_body, operation_of
from shared.targets.firewalls import FORMS

NEVER = {
    "Microsoft.Devices/IotHubs": {"trustedServices"},
    "Microsoft.Kusto/clusters": {"trustedServices"},
    "Microsoft.DigitalTwins/digitalTwinsInstances": {"publicNetworkAccess", "trustedServices"},
}
"""What a type can never do (docs/policy.md, "Firewall"), beside `disabled`, which all can."""


@pytest.mark.parametrize("kind", TARGET_TYPES.values(), ids=lambda kind: kind.name)
def test_a_policy_refuses_what_the_type_can_never_do_and_no_more(kind: TargetType) -> None:
    assert {key for key, _ in impossible("selectedNetworks", "deny", kind)} == NEVER.get(kind.name, set())
    assert list(impossible("disabled", "keep", kind)) == []


@pytest.mark.parametrize("kind", TARGET_TYPES.values(), ids=lambda kind: kind.name)
def test_every_type_has_a_form_and_says_who_uses_its_exception(kind: TargetType) -> None:
    assert kind.firewall in FORMS
    assert bool(kind.trusted_uses) == kind.trusted_services


def test_every_form_is_some_types() -> None:
    assert {kind.firewall for kind in TARGET_TYPES.values()} == set(FirewallForm)


def test_the_entry_that_the_docs_show_is_the_real_one() -> None:
    text = (Path(__file__).parents[3] / "docs" / "adding-a-target-type.md").read_text()
    shown = text.partition("```python\n")[2].partition("```")[0].strip().rstrip(",")
    names = {"TargetType": TargetType, "FirewallForm": FirewallForm}
    assert eval(shown, names) == target_type("Microsoft.ServiceBus/namespaces")  # noqa: S307  # our own docs


@pytest.mark.parametrize(
    ("arm_type", "word", "provisioned", "failed"),
    [
        ("Microsoft.Storage/storageAccounts", "Succeeded", True, False),
        ("Microsoft.EventHub/namespaces", "Updating", False, False),
        ("Microsoft.EventHub/namespaces", "Failed", True, True),
        ("Microsoft.Devices/IotHubs", None, True, False),
        ("Microsoft.Sql/servers", "Ready", True, False),
        ("Microsoft.Sql/servers", "Approving", False, False),
        ("Microsoft.Kusto/clusters", "Accepted", False, False),
        ("Microsoft.DigitalTwins/digitalTwinsInstances", "Approved", True, False),
        ("Microsoft.KeyVault/vaults", "Disconnected", True, True),
    ],
)
def test_a_connections_provisioning_state_by_its_type(
    arm_type: str, word: str | None, *, provisioned: bool, failed: bool
) -> None:
    kind = target_type(arm_type)
    assert kind is not None
    connection = connection_of({"id": "/c", "properties": {"provisioningState": word}}, kind)
    assert (connection.provisioned, connection.failed) == (provisioned, failed)


@pytest.mark.parametrize(
    ("properties", "sub_resource"),
    [({"groupIds": ["sqlServer"]}, "sqlServer"), ({"groupId": "cluster"}, "cluster"), ({"groupIds": []}, None), ({}, None),
     ({"groupIds": ["blob", "dfs"]}, None)],
)  # fmt: skip
def test_a_connections_sub_resource_where_it_shows_one(properties: dict[str, object], sub_resource: str | None) -> None:
    kind = TARGET_TYPES["microsoft.sql/servers"]
    assert connection_of({"id": "/c", "properties": properties}, kind).sub_resource == sub_resource


@pytest.mark.parametrize("action", ["actionRequired", "actionsRequired"])
def test_the_whole_connection_is_sent_back_with_its_own_action_key(action: str) -> None:
    state = {"status": "Pending", "description": "please", action: "None"}
    body = {"id": "/c", "etag": "e", "properties": {"privateEndpoint": {"id": "/pe"}, "groupId": "vault",
                                                    "privateLinkServiceConnectionState": state}}  # fmt: skip
    listed = connection_of(body, TARGET_TYPES["microsoft.keyvault/vaults"])

    sent = decided_body(listed, "Approved", "by us")

    decided = {"status": "Approved", "description": "by us", action: "None"}
    assert sent == {**body, "properties": {**body["properties"], "privateLinkServiceConnectionState": decided}}  # type: ignore[dict-item]
    assert state["status"] == "Pending", "what was listed stays as it was"


@pytest.mark.parametrize(
    ("status", "headers", "url"),
    [
        (200, {"Azure-AsyncOperation": "https://arm/o", "Location": "https://arm/l"}, "https://arm/o"),
        (202, {"Location": "https://arm/l"}, "https://arm/l"),
        (201, {"Location": "https://arm/the-resource"}, None),
        (200, {}, None),
    ],
)
def test_which_headers_start_an_operation(status: int, headers: dict[str, str], url: str | None) -> None:
    operation = operation_of(status, headers)
    assert (operation.url if operation else None) == url


def test_the_wait_that_arm_asks_for_goes_with_the_operation() -> None:
    operation = operation_of(202, {"Location": "https://arm/l", "Retry-After": "10"})
    assert operation is not None
    assert operation.retry_after == 10
