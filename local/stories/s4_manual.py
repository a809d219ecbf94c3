"""Story 4: the stranger turns out to be a partner; a person changes the policy and asks for a re-evaluation."""

from __future__ import annotations

from typing import Any

import yaml

from local.stories.estate import PARTNER_SUBSCRIPTION, PARTNER_TENANT, SHARE, private_endpoint
from local.stories.expect import eventually, expect
from local.stories.s3_stranger import NAME
from local.stories.stage import Stage

TITLE = "Manual re-evaluation"
RULE = "partner-reads-share"


def play(stage: Stage) -> None:
    """With a rule for the partner, `POST /api/reevaluate` approves what was held."""
    endpoint, _ = private_endpoint(PARTNER_SUBSCRIPTION, NAME, SHARE, "blob", "")
    connection = stage.connection_of(SHARE, endpoint)["id"]
    with stage.screen.step(f"the policy gets the requester partner and the rule {RULE}; policy check finds it valid"):
        _add_rule(stage)
        stage.policy_tool("check", str(stage.policy))
    with stage.screen.step("a dry run would approve it, once the app has read the policy again (at most 45 s)"):
        eventually(lambda: _would_approve(stage, connection), seconds=60, pause=1)
    with stage.screen.step("POST /api/reevaluate approves it"):
        result = stage.reevaluate(connection)["results"][0]
        found = (result["outcome"], result["applied"], result["rule"])
        expect(found == ("approved", True, RULE), f"outcome, applied and rule are {found}")
        stage.expect_status(SHARE, endpoint, "Approved", rule=RULE)


def _add_rule(stage: Stage) -> None:
    policy: dict[str, Any] = yaml.safe_load(stage.policy.read_text("utf-8"))
    policy["requesters"]["partner"] = {
        "service": "privateEndpoint",
        "tenants": [PARTNER_TENANT],
        "subscriptions": [PARTNER_SUBSCRIPTION],
    }
    rule = {"name": RULE, "effect": "allow", "requesters": ["partner"], "targets": {"resources": [SHARE]}}
    policy["rules"].append(rule)
    stage.policy.write_text(yaml.safe_dump(policy, sort_keys=False), "utf-8")


def _would_approve(stage: Stage, connection: str) -> None:
    result = stage.reevaluate(connection, dry_run=True)["results"][0]
    expect(result["outcome"] == "approved", f"the dry run says {result['outcome']}, not approved")
    expect(result["applied"] is False, "the dry run was applied")
