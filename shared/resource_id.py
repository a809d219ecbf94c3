"""ARM ids, parsed once and compared without regard to case. Pure.

Decides what a well-formed id is, and what it names; knows nothing of which types the product supports.
Ids come back from Azure in other cases than they were sent (recorded: all in lower case), so every comparison uses
`ResourceId.key`, never the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

_GUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}", re.ASCII)
_RESOURCE_GROUP = re.compile(r"[\w().-]{0,89}[\w()-]")
_SEGMENT = re.compile(r"[^/\\?#%&<>\s\x00-\x1f\x7f]{1,260}")
_NAMESPACE = re.compile(r"[A-Za-z0-9]+(\.[A-Za-z0-9]+)+", re.ASCII)
_MAX_LENGTH = 2048
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def fold(text: str) -> str:
    """The text in ASCII lower case: how ids, types, GUIDs and sub-resources are compared.

    Only ASCII letters fold. `str.lower` also folds look-alikes (the Kelvin sign becomes "k"), which would let a
    requester choose another name that compares equal.
    """
    return text.translate(_LOWER)


class InvalidResourceIdError(ValueError):
    """The text is not an ARM id. The message says which part, and repeats no more than its first 120 characters."""


@dataclass(frozen=True)
class ResourceId:
    """A subscription, a resource group or a resource (with its child, if any).

    `type` is the whole type as it was written (`Microsoft.Storage/storageAccounts/privateEndpointConnections`), "" for
    a subscription or a resource group; `names` has one name for each type segment after the namespace.
    """

    subscription_id: str
    resource_group: str = ""
    type: str = ""
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text

    @cached_property
    def text(self) -> str:
        """The id as Azure writes it, with the names as they were given."""
        text = f"/subscriptions/{self.subscription_id}"
        if self.resource_group:
            text += f"/resourceGroups/{self.resource_group}"
        if self.type:
            namespace, *types = self.type.split("/")
            text += f"/providers/{namespace}"
            text += "".join(f"/{t}/{n}" for t, n in zip(types, self.names, strict=True))
        return text

    @cached_property
    def key(self) -> str:
        """The id in lower case: equal for equal resources, whatever the case they were written in."""
        return fold(str(self))

    @property
    def name(self) -> str:
        """The last name: the resource's own ("" for a subscription or resource group)."""
        return self.names[-1] if self.names else ""

    @cached_property
    def group(self) -> ResourceId:
        """The resource group's id."""
        return ResourceId(self.subscription_id, self.resource_group)

    @property
    def parent(self) -> ResourceId:
        """The resource that holds this child; of a top-level resource, its resource group."""
        if len(self.names) > 1:
            return ResourceId(self.subscription_id, self.resource_group, self.type.rpartition("/")[0], self.names[:-1])
        return self.group

    @property
    def top(self) -> ResourceId:
        """The top-level resource: this one, or the one that holds it."""
        namespace, first, *_ = self.type.split("/")
        return ResourceId(self.subscription_id, self.resource_group, f"{namespace}/{first}", self.names[:1])

    def is_type(self, arm_type: str) -> bool:
        """Whether this is a resource of that ARM type, without regard to case."""
        return fold(self.type) == fold(arm_type)

    def same(self, other: ResourceId | None) -> bool:
        """Whether both name the same resource."""
        return other is not None and self.key == other.key


def is_guid(text: str) -> bool:
    """Whether the text is a GUID in its usual form (8-4-4-4-12 hexadecimal digits)."""
    return _GUID.fullmatch(text) is not None


def parse(text: object) -> ResourceId:
    """Parse the id of a subscription, a resource group or a resource.

    Raises:
        InvalidResourceIdError: it is not one; nothing is repaired or guessed.
    """
    if not isinstance(text, str):
        raise InvalidResourceIdError(f"an ARM id is a string, not {type(text).__name__}")
    shown = repr(text if len(text) <= 120 else text[:120] + "…")  # never repeat a huge or hostile text whole
    if len(text) > _MAX_LENGTH:
        raise InvalidResourceIdError(f"{shown}: longer than {_MAX_LENGTH} characters")
    parts = text.split("/")
    if parts[0] != "" or len(parts) < 3 or fold(parts[1]) != "subscriptions":
        raise InvalidResourceIdError(f"{shown}: does not start with /subscriptions/<id>")
    if not is_guid(parts[2]):
        raise InvalidResourceIdError(f"{shown}: the subscription is not a GUID")
    subscription = fold(parts[2])
    if len(parts) == 3:
        return ResourceId(subscription)
    if len(parts) < 5 or fold(parts[3]) != "resourcegroups":
        raise InvalidResourceIdError(f"{shown}: expected /resourceGroups/<name> after the subscription")
    if not _RESOURCE_GROUP.fullmatch(parts[4]):
        raise InvalidResourceIdError(f"{shown}: not a resource group's name")
    if len(parts) == 5:
        return ResourceId(subscription, parts[4])
    if len(parts) < 9 or len(parts) % 2 == 0 or fold(parts[5]) != "providers" or not _NAMESPACE.fullmatch(parts[6]):
        raise InvalidResourceIdError(f"{shown}: expected /providers/<namespace>/<type>/<name> after the resource group")
    for segment in parts[7:]:
        if not _SEGMENT.fullmatch(segment) or segment in (".", ".."):
            raise InvalidResourceIdError(f"{shown}: an empty or malformed segment")
    return ResourceId(subscription, parts[4], "/".join([parts[6], *parts[7::2]]), tuple(parts[8::2]))


def try_parse(text: object) -> ResourceId | None:
    """As `parse`, but None for what is not an id: for values that others send us."""
    return _known(text) if isinstance(text, str) else None


@lru_cache(maxsize=4096)
def _known(text: str) -> ResourceId | None:
    """The same ids are met again and again."""
    try:
        return parse(text)
    except InvalidResourceIdError:
        return None
