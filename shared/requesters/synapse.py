"""Synapse workspaces as requesters: their managed private endpoints, from the workspace's own development endpoint.

The workspace is first read by its ARM id: names are global, and a name that a deleted workspace left behind may be another
tenant's now. Only the endpoint that ARM shows for our workspace is asked. Wire facts: data plane 2020-12-01, token scope
`https://dev.azuresynapse.net/.default`, `nextLink` absent, "" or a link (facts/azure-resource-manager.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RequestIdPolicy, UserAgentPolicy
from azure.core.rest import HttpRequest

from shared.azure.arm import CLIENT_OPTIONS, Arm, retry_policy, translate
from shared.errors import PermanentError
from shared.model.requester import ManagedEndpoint
from shared.requesters.managed_endpoint import managed_endpoint
from shared.resource_id import ResourceId, fold

if TYPE_CHECKING:
    from azure.core import PipelineClient
    from azure.core.credentials import TokenCredential

API_VERSION = "2020-12-01"
ARM_VERSION = "2021-06-01"
SCOPE = "https://dev.azuresynapse.net/.default"


class SynapseReader:
    """The reader of `synapse` requesters. `template` is the setting `SYNAPSE_ENDPOINT`."""

    def __init__(self, arm: Arm, credential: TokenCredential, template: str) -> None:
        self._arm = arm
        self._credential = credential
        self._template = template
        self._client: PipelineClient[Any, Any] | None = None

    def endpoints(self, resource: ResourceId) -> tuple[ManagedEndpoint, ...]:
        """See `RequesterReader`.

        Raises:
            PermanentError: ARM shows another development endpoint for the workspace than the one that would be asked.
        """
        endpoint = self._template.replace("{workspace}", fold(resource.name))
        workspace = self._arm.get(str(resource), ARM_VERSION)
        shown = ((workspace.get("properties") or {}).get("connectivityEndpoints") or {}).get("dev") or ""
        if fold(shown.rstrip("/")) != fold(endpoint):
            raise PermanentError(
                f"{resource}: its development endpoint is {shown or 'not shown'}, not {endpoint} (setting SYNAPSE_ENDPOINT)",
                code="OtherEndpoint",
            )
        found: list[Any] = []
        url = f"{endpoint}/managedVirtualNetworks/default/managedPrivateEndpoints?api-version={API_VERSION}"
        while url:
            if urlsplit(url)[:2] != urlsplit(endpoint)[:2]:
                raise PermanentError(f"{resource}: its next page lies on another host", code="ForeignUrl")
            page = self._get(url, resource)
            found += page.get("value") or []
            url = page.get("nextLink") or ""
        return tuple(managed_endpoint(resource, item, shows_state=True) for item in found)

    def _get(self, url: str, resource: ResourceId) -> Any:
        from azure.core import PipelineClient

        if self._client is None:
            policies = [
                RequestIdPolicy(),
                UserAgentPolicy("private-endpoint-approver"),
                retry_policy(),
                BearerTokenCredentialPolicy(self._credential, SCOPE),
            ]
            self._client = PipelineClient(self._template, policies=policies, **CLIENT_OPTIONS)
        try:
            response = self._client.send_request(HttpRequest("GET", url))
            response.raise_for_status()
            return response.json()
        except (AzureError, ValueError) as error:
            what = f"read the managed private endpoints of {resource}"
            if isinstance(error, AzureError):
                raise translate(error, what) from error
            raise PermanentError(f"{what}: the answer is not JSON", code="NotJson") from error
