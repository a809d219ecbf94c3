"""Synapse workspaces as requesters: their managed private endpoints, from the workspace's own development endpoint.

The workspace is first read by its ARM id: names are global, and a name that a deleted workspace left behind may be another
tenant's now. Only the endpoint that ARM shows for our workspace is asked. Wire facts: data plane 2020-12-01, token scope
`https://dev.azuresynapse.net/.default`, `nextLink` absent, "" or a link.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest

from shared.azure.arm import Arm, collect, pages_of, translate
from shared.azure.pinned import pinned_client
from shared.errors import PermanentError, TransientError
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
        self._clients: dict[str, PipelineClient[Any, Any]] = {}  # by the workspace's endpoint
        self._lock = Lock()

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
        what = f"read the managed private endpoints of {resource}"

        def get(url: str) -> Any:
            return self._get(endpoint, url, what)

        first = f"{endpoint}/managedVirtualNetworks/default/managedPrivateEndpoints?api-version={API_VERSION}"
        found = collect(pages_of(get(first), get), what)
        return tuple(managed_endpoint(resource, item, shows_state=True) for item in found)

    def _get(self, endpoint: str, url: str, what: str) -> Any:
        with self._lock:
            if endpoint not in self._clients:
                self._clients[endpoint] = pinned_client(endpoint, self._credential, SCOPE)
            client = self._clients[endpoint]
        try:
            response = client.send_request(HttpRequest("GET", url))
            response.raise_for_status()
            return response.json()
        except AzureError as error:
            raise translate(error, what) from error
        except ValueError as error:
            raise TransientError(f"{what}: the answer is not JSON", code="NotJson") from error
