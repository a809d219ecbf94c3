"""Tokens over HTTP: the managed identity endpoint, the login endpoint, and the cloud's metadata."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qs

from local.azure import tenants
from local.azure.clock import Clock
from local.azure.wire import Answer, AzureError, Json, Request
from shared.resource_id import is_guid

APP_CLIENT = "a99c0de0-0000-4000-8000-0000000000a1"
"""The client id of the app's managed identity."""


class Identity:
    """Issues tokens: of the home tenant for the managed identity, of any tenant for any client."""

    def __init__(self, clock: Clock, home_tenant: str) -> None:
        self._clock = clock
        self.home_tenant = home_tenant
        self.header = secrets.token_urlsafe(24)

    def managed_identity(self, request: Request) -> Answer:
        """`GET /identity/token?api-version=2019-08-01&resource=...` with X-IDENTITY-HEADER, as App Service answers it."""
        if not secrets.compare_digest(request.headers.get("X-IDENTITY-HEADER", ""), self.header):
            raise AzureError(401, "Unauthorized", "The header X-IDENTITY-HEADER is missing or wrong.")
        if request.query.get("api-version") != "2019-08-01":
            raise AzureError(400, "UnsupportedApiVersion", "The api-version must be 2019-08-01.")
        resource = request.query.get("resource", "")
        if not resource:
            raise AzureError(400, "BadRequest", "The parameter resource is missing.")
        client = request.query.get("client_id") or APP_CLIENT
        token, claims = tenants.issue(self.home_tenant, client, resource, self._clock.now())
        body = {
            "access_token": token,
            "client_id": client,
            "expires_on": str(claims["exp"]),
            "not_before": str(claims["nbf"]),
            "resource": resource,
            "token_type": "Bearer",
        }
        return Answer(200, body, {"Cache-Control": "no-store"})

    def login(self, request: Request, tenant: str) -> Answer:
        """`POST /{tenant}/oauth2/v2.0/token` (or `/oauth2/token`) with client_credentials, for any client and secret."""
        form = {name: values[-1] for name, values in parse_qs(request.content.decode("utf-8", "replace")).items()}
        if form.get("grant_type") != "client_credentials":
            return _refused("unsupported_grant_type", "Only client_credentials is served here.")
        if not is_guid(tenant):
            return _refused("invalid_tenant", f"AADSTS90002: Tenant '{tenant[:64]}' not found.")
        audience = form.get("resource") or form.get("scope", "").removesuffix("/.default")
        if not audience or not form.get("client_id"):
            return _refused("invalid_request", "AADSTS900144: scope and client_id are required.")
        token, claims = tenants.issue(tenant.lower(), form["client_id"], audience, self._clock.now())
        lifetime = claims["exp"] - claims["iat"]
        body = {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token}
        return Answer(200, body, {"Cache-Control": "no-store"})


def discovery(base_url: str, tenant: str) -> Answer:
    """`GET /{tenant}/v2.0/.well-known/openid-configuration`: as much as MSAL asks for."""
    authority = f"{base_url}/{tenant}"
    body = {
        "token_endpoint": f"{authority}/oauth2/v2.0/token",
        "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",
        "issuer": f"{authority}/v2.0",
    }
    return Answer(200, body)


def metadata(base_url: str) -> Answer:
    """`GET /metadata/endpoints`: one cloud, this one (api-version 2022-09-01 and later: an object)."""
    body: Json = {
        "name": "LocalAzure",
        "portal": base_url,
        "resourceManager": base_url,
        "authentication": {
            "loginEndpoint": base_url,
            "audiences": [base_url, "https://management.azure.com/", "https://management.core.windows.net/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graph": "https://graph.windows.net/",
        "graphAudience": "https://graph.windows.net/",
        "microsoftGraphResourceId": "https://graph.microsoft.com/",
        "media": "https://rest.media.azure.net",
        "batch": "https://batch.core.windows.net/",
        "sqlManagement": "https://management.core.windows.net:8443/",
        "gallery": base_url,
        "vmImageAliasDoc": base_url,
        "suffixes": {
            "storage": "core.windows.net",
            "keyVaultDns": "vault.azure.net",
            "sqlServerHostname": "database.windows.net",
            "synapseAnalytics": "dev.azuresynapse.net",
        },
    }
    return Answer(200, body)


def _refused(error: str, text: str) -> Answer:
    return Answer(400, {"error": error, "error_description": text})
