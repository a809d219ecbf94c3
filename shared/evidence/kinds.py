"""The services that make private endpoints on behalf of a resource of ours: one entry each. Pure.

All that is particular to a service stands here: nothing else asks which service a requester is. A new one is an entry here
and a reader of its managed private endpoints (`shared.requesters`).
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.evidence.ties import MessageTie, NameTie, Tie
from shared.model.requester import ServiceRequester


@dataclass(frozen=True, slots=True)
class Kind:
    """One service.

    Args:
        service: the word for it in a policy.
        what: a resource of it, in words for people.
        resource_type: the ARM type of that resource, by whose id a policy names the requester.
        tie: what ties a connection to one of its managed endpoints.
        shows_state: its managed endpoints show whether they wait for an approval, or have it.
        uses_trusted_services: it may reach its targets through their exception for trusted Azure services.
    """

    service: str
    what: str
    resource_type: str
    tie: Tie
    shows_state: bool
    uses_trusted_services: bool = False


KINDS: dict[str, Kind] = {
    kind.service: kind
    for kind in (
        Kind(
            "kusto",
            "a Data Explorer cluster",
            "Microsoft.Kusto/clusters",
            MessageTie(),
            shows_state=False,
            uses_trusted_services=True,
        ),
        Kind("synapse", "a Synapse workspace", "Microsoft.Synapse/workspaces", NameTie(), shows_state=True),
        Kind("dataFactory", "a data factory", "Microsoft.DataFactory/factories", NameTie(), shows_state=True),
    )
}


def kind_of(requester: ServiceRequester) -> Kind:
    """The entry of a requester's service; a KeyError is a defect, since loading a policy checks every service."""
    return KINDS[requester.service]
