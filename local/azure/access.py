"""What a caller may do: everything in its own tenant, except what is denied, locked or forbidden by a policy."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from local.azure.router import Call
from local.azure.state import State
from local.azure.tenants import Caller
from local.azure.wire import AzureError, Json
from shared.resource_id import fold


def denied(state: State, caller: Caller, permission: str, scope: str) -> bool:
    """Whether a permission (`Microsoft.Storage/storageAccounts/write`) is denied to a caller at a scope."""
    return any(
        fnmatchcase(fold(permission), fold(one["permission"]))
        and _covers(one["scope"], scope)
        and one.get("principal") in (None, "", caller.object_id, caller.app_id)
        for one in state.denied.values()
    )


def authorize(state: State, call: Call) -> None:
    """Check the caller's permission for a call.

    Raises:
        AzureError: 403 AuthorizationFailed.
    """
    permission = call.route.permission(call.method)
    if not state.denied or not denied(state, call.caller, permission, call.path.text):
        return
    message = (
        f"The client '{call.caller.app_id}' with object id '{call.caller.object_id}' does not have authorization to "
        f"perform action '{permission}' over scope '{call.path.text}' or the scope is invalid. If access was recently "
        "granted, please refresh your credentials."
    )
    raise AzureError(403, "AuthorizationFailed", message)


def unlocked(state: State, call: Call) -> None:
    """Check that no lock is in the way of a write.

    Raises:
        AzureError: 409 ScopeLocked.
    """
    for lock in state.locks.values():
        stops = lock["level"] == "ReadOnly" or call.method == "DELETE"
        if stops and _covers(lock["scope"], call.path.text):
            what = "delete" if call.method == "DELETE" else "write"
            message = (
                f"The scope '{call.path.text}' cannot perform {what} operation because following scope(s) are locked: "
                f"'{lock['scope']}'. Please remove the lock and try again."
            )
            raise AzureError(409, "ScopeLocked", message)


def allowed_by_policies(state: State, call: Call) -> None:
    """Check the deny policies against the body of a PUT or PATCH.

    Raises:
        AzureError: 403 RequestDisallowedByPolicy.
    """
    for name, policy in state.deny_policies.items():
        covered = fold(policy["type"]) == fold(call.route.type) and _covers(policy.get("scope", ""), call.path.text)
        if covered and all(_holds(condition, call.body) for condition in policy["if"]):
            message = f"Resource '{call.path.names[-1]}' was disallowed by policy. Policy identifiers: '{name}'."
            raise AzureError(403, "RequestDisallowedByPolicy", message)


def _holds(condition: Json, body: Json) -> bool:
    """`{"field": "properties.a.b", "equals"|"notEquals": value}` or `{"field": ..., "exists": bool}`."""
    found: Any = body
    for name in condition["field"].split("."):
        found = found.get(name) if isinstance(found, dict) else None
    if "exists" in condition:
        return (found is not None) is condition["exists"]
    if "equals" in condition:
        return fold(str(found)) == fold(str(condition["equals"]))
    return fold(str(found)) != fold(str(condition["notEquals"]))


def _covers(scope: str, path: str) -> bool:
    scope, path = fold(scope).rstrip("/"), fold(path)
    return path == scope or path.startswith(scope + "/")
