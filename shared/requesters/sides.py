"""Reading a service requester's own resource: one reader for each service, registered under its name.

A reader answers the managed private endpoints of the resource; what a failing read means is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from shared.errors import ApproverError, ForbiddenError, NotFoundError, TransientError
from shared.model.check import Certainty, Check, FailedCheck
from shared.model.requester import ManagedEndpoint, RequesterSide, ServiceRequester
from shared.resource_id import ResourceId


class RequesterReader(Protocol):
    """Knows one service's managed private endpoints."""

    def endpoints(self, resource: ResourceId) -> tuple[ManagedEndpoint, ...]:
        """Every managed private endpoint of the resource. Raises the errors of `shared.errors`."""
        ...


class RequesterSides:
    """The readers of all services."""

    def __init__(self, readers: Mapping[str, RequesterReader]) -> None:
        self._readers = readers

    def read(self, requester: ServiceRequester) -> RequesterSide:
        """The requester's side: its endpoints, or the check that fails because they are not known."""

        def failed(check: Check, error: ApproverError, certainty: Certainty = Certainty.CERTAIN) -> RequesterSide:
            return RequesterSide(problem=FailedCheck(check, str(requester.resource), str(error), certainty))

        try:
            return RequesterSide(self._readers[requester.service].endpoints(requester.resource))
        except NotFoundError as error:
            return failed(Check.NOT_FOUND, error)
        except ForbiddenError as error:
            return failed(Check.UNREADABLE, error)
        except TransientError as error:
            return failed(Check.UNREADABLE, error, Certainty.WAITING)
        except ApproverError as error:
            return failed(Check.UNREADABLE, error)
