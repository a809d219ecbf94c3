"""Reading a service requester's own resource: one reader for each service, registered under its name.

A reader answers the managed private endpoints of the resource; what a failing read means is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from shared.errors import ApproverError, ForbiddenError, NotFoundError, TransientError
from shared.model.check import Check
from shared.model.requester import ManagedEndpoint, RequesterSide, Service, ServiceRequester
from shared.resource_id import ResourceId


class RequesterReader(Protocol):
    """Knows one service's managed private endpoints."""

    def endpoints(self, resource: ResourceId) -> tuple[ManagedEndpoint, ...]:
        """Every managed private endpoint of the resource. Raises the errors of `shared.errors`."""
        ...


class RequesterSides:
    """The readers of all services."""

    def __init__(self, readers: Mapping[Service, RequesterReader]) -> None:
        self._readers = readers

    def read(self, requester: ServiceRequester) -> RequesterSide:
        """The requester's side: its endpoints, or the check that fails because they are not known."""
        try:
            return RequesterSide(self._readers[requester.service].endpoints(requester.resource))
        except NotFoundError as error:
            return RequesterSide(problem=Check.NOT_FOUND, detail=str(error))
        except ForbiddenError as error:
            return RequesterSide(problem=Check.UNREADABLE, detail=str(error))
        except TransientError as error:
            return RequesterSide(problem=Check.UNREADABLE, transient=True, detail=str(error))
        except ApproverError as error:
            return RequesterSide(problem=Check.UNREADABLE, detail=str(error))
