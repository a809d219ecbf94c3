"""A lease is renewed until it is lost for certain: one failure of the network is no loss."""

from __future__ import annotations

from threading import Event
from typing import Any, cast

import pytest
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ServiceRequestError

from shared.azure.leases import keep


class Lease:
    """A lease whose renewals end as the test says; the last one tells the renewer to stop."""

    def __init__(self, stop: Event, *ends: AzureError | None) -> None:
        self.stop = stop
        self.ends = list(ends)

    def renew(self, **_: Any) -> None:
        end = self.ends.pop(0)
        if not self.ends:
            self.stop.set()
        if end is not None:
            raise end


def failed(status: int) -> HttpResponseError:
    error = HttpResponseError("refused")
    error.status_code = status
    return error


def renewals_left(*ends: AzureError | None) -> int:
    stop = Event()
    lease = Lease(stop, *ends)
    keep(cast("Any", lease), stop, "a target", every=0, again=0)
    return len(lease.ends)


@pytest.mark.parametrize("error", [ServiceRequestError("no route"), failed(500), failed(503), failed(403)], ids=str)
def test_it_is_renewed_again_after_errors(error: AzureError) -> None:
    assert renewals_left(None, error, error, None, error, None) == 0


@pytest.mark.parametrize("status", [404, 409, 412])
def test_it_is_given_up_when_storage_says_that_it_is_lost(status: int) -> None:
    assert renewals_left(None, failed(status), None, None) == 2


def test_a_lease_that_another_took_is_lost() -> None:
    error = ResourceExistsError("LeaseIdMismatchWithLeaseOperation")
    error.status_code = 409
    assert renewals_left(error, None) == 1
