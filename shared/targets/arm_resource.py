"""Every target type that has no SDK here: ARM's usual surface, with what differs taken from its entry in `types`.

Lists come bare or in an envelope (`Arm.pages`); the whole connection is echoed with its own action key; the firewall's
form says what is read and written.
"""

from __future__ import annotations

from typing import Any

from shared.azure.arm import Arm, Listed
from shared.azure.operations import Operation
from shared.model.target_types import TargetType
from shared.resource_id import ResourceId
from shared.targets.base import Adapter, operation_of
from shared.targets.firewalls.form import Request


class ArmResources(Adapter):
    """The adapter of one entry of `types`."""

    def __init__(self, kind: TargetType, arm: Arm) -> None:
        super().__init__(kind)
        self._arm = arm

    def get(self, target: ResourceId, path: str = "") -> dict[str, Any]:
        """See `Adapter`."""
        body: dict[str, Any] = self._arm.get(f"{target}{path}", self.kind.api_version)
        return body

    def get_all(self, target: ResourceId, path: str) -> Listed:
        """See `Adapter`."""
        return self._arm.pages(f"{target}{path}", self.kind.api_version)

    def get_connection(self, target: ResourceId, name: str) -> dict[str, Any]:
        """See `Adapter`."""
        return self.get(target, f"/privateEndpointConnections/{name}")

    def put_connection(self, target: ResourceId, name: str, body: dict[str, Any]) -> Operation | None:
        """See `Adapter`."""
        return self.send(target, Request("PUT", f"/privateEndpointConnections/{name}", body))

    def send(self, target: ResourceId, request: Request) -> Operation | None:
        """See `TargetAdapter`."""
        path = f"{target}{request.path}"
        answer = self._arm.send(request.method, path, self.kind.api_version, request.body, **dict(request.headers))
        return operation_of(answer.status_code, answer.headers)
