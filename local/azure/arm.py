"""The front of Azure Resource Manager: who calls, which version, how often, may they; then the provider; then the event."""

from __future__ import annotations

import time
import uuid

from local.azure import access, tenants
from local.azure.cloud import Cloud
from local.azure.path import ArmPath, split
from local.azure.router import Call
from local.azure.state import Subscription
from local.azure.tenants import Caller
from local.azure.wire import Answer, AzureError, Request
from shared.resource_id import is_guid

AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")
_BUCKETS = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
_TOKENS_KEPT = 1000
_QUOTA_PERIOD = "00:00:05"


class Arm:
    """Answers every ARM call: the checks that all providers share, in ARM's order."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._state = cloud.state
        self._callers: dict[str, Caller] = {}

    def answer(self, request: Request) -> Answer:
        """The answer to a call; errors are answers too."""
        headers = {
            "x-ms-request-id": str(uuid.uuid4()),
            "x-ms-correlation-request-id": request.headers.get("x-ms-correlation-request-id") or str(uuid.uuid4()),
            "Cache-Control": "no-cache",
            "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
            "X-Content-Type-Options": "nosniff",
        }
        try:
            answer = self._handle(request, headers)
        except AzureError as error:
            answer = error.answer
        answer.headers = {**headers, **answer.headers}
        return answer

    def caller(self, request: Request) -> Caller | None:
        """Who sends a request; None without a token that can be read."""
        authorization = request.headers.get("Authorization", "")
        known = self._callers.get(authorization)
        if known is None and authorization:
            known = tenants.read(authorization)
            if known is not None:
                if len(self._callers) >= _TOKENS_KEPT:
                    self._callers.clear()
                self._callers[authorization] = known
        return known

    def _handle(self, request: Request, headers: dict[str, str]) -> Answer:
        path = split(request.path)
        version = request.query.get("api-version", "")
        if not version:
            message = "The api-version query parameter (?api-version=) is required for all requests."
            raise AzureError(400, "MissingApiVersionParameter", message)
        caller = self._authenticate(request, path)
        route, handler = self._cloud.router.find(path, request.method)
        if version not in route.versions:
            supported = ",".join(sorted(route.versions, reverse=True))
            message = f"The api-version '{version[:64]}' is invalid. The supported versions are '{supported}'."
            raise AzureError(400, "InvalidApiVersionParameter", message)
        call = Call(request.method, path, route, request, caller, version, self._cloud.url)
        self._throttle(call, headers)
        access.authorize(self._state, call)
        if request.method in ("GET", "HEAD"):
            return handler(call)
        access.unlocked(self._state, call)
        if request.method in ("PUT", "PATCH") and self._state.deny_policies:
            access.allowed_by_policies(self._state, call)
        answer = handler(call)
        if answer.finished:
            correlation = headers["x-ms-correlation-request-id"]
            self._cloud.events.arm_success(call.id, route.permission(call.method), caller.object_id, correlation)
        return answer

    def _authenticate(self, request: Request, path: ArmPath) -> Caller:
        """The caller, with a token for ARM and of the tenant that the subscription belongs to."""
        if path.subscription and not is_guid(path.subscription):
            message = f"The provided subscription identifier '{path.subscription[:64]}' is malformed or invalid."
            raise AzureError(400, "InvalidSubscriptionId", message)
        subscription = self._state.subscriptions.get(path.subscription)
        caller = self.caller(request)
        if path.subscription and subscription is None:
            subscription = self._first_write(request, path, caller)
        tenant = subscription.tenant if subscription else "common"
        if caller is None:
            message = "Authentication failed. The 'Authorization' header is missing or invalid."
            raise tenants.unauthenticated("AuthenticationFailed", message, tenant)
        if caller.audience.rstrip("/") not in (*AUDIENCES, self._cloud.url):
            message = f"The access token has been obtained for wrong audience or resource '{caller.audience[:128]}'."
            raise tenants.unauthenticated("InvalidAuthenticationTokenAudience", message, tenant)
        if caller.expires < self._cloud.clock.now().timestamp():
            raise tenants.unauthenticated(
                "ExpiredAuthenticationToken", "The access token expiry UTC time has passed.", tenant
            )
        if subscription and caller.tenant != subscription.tenant:
            raise tenants.wrong_tenant(caller, subscription.tenant)
        return caller

    def _first_write(self, request: Request, path: ArmPath, caller: Caller | None) -> Subscription:
        """A subscription comes into being here with the first resource that somebody PUTs into it, in their tenant."""
        if caller is None or request.method != "PUT":
            message = f"The subscription '{path.subscription}' could not be found."
            raise AzureError(404, "SubscriptionNotFound", message)
        subscription = Subscription(path.subscription, caller.tenant, f"Subscription {path.subscription[:8]}")
        self._state.subscriptions[path.subscription] = subscription
        return subscription

    def _throttle(self, call: Call, headers: dict[str, str]) -> None:
        """Take a token from each bucket that the call belongs to.

        Raises:
            AzureError: 429 with Retry-After.
        """
        graph = call.route.pattern.startswith("Microsoft.ResourceGraph/")
        kind = "reads" if graph else _BUCKETS.get(call.method, "writes")
        level = "subscription" if call.path.subscription else "tenant"
        owner = f"{call.path.subscription or call.caller.tenant}/{call.caller.object_id}"
        left = self._take(kind, owner, f"{level.capitalize()}RequestsThrottled")
        headers[f"x-ms-ratelimit-remaining-{level}-{kind}"] = str(left)
        if call.method == "GET" and call.route.pattern == "Microsoft.Storage/storageAccounts":
            self._take("storageLists", call.path.subscription, "TooManyRequests")
        if graph:
            headers["x-ms-user-quota-resets-after"] = _QUOTA_PERIOD
            quota = self._take("graphQueries", call.caller.object_id, "RateLimiting")
            headers["x-ms-user-quota-remaining"] = str(quota)

    def _take(self, kind: str, owner: str, code: str) -> int:
        clock = self._cloud.clock
        left, wait = self._cloud.throttle.take(kind, owner, time.monotonic() / clock.factor)
        if wait:
            message = f"Number of {kind} requests for '{owner}' exceeded the limit. Please try again after some time."
            raise AzureError(429, code, message, headers={"Retry-After": str(clock.wait(wait))})
        return left
