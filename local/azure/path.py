"""The path of an ARM call, taken apart. Pure.

Splits once, cheaply (every call goes through it). Whether the parts exist is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.resource_id import fold

_NAMES = "{}"


@dataclass(frozen=True, slots=True)
class ArmPath:
    """`/subscriptions/{s}/resourceGroups/{g}/providers/{namespace}/{type}/{name}...` in parts.

    `pattern` is what routes are found by: everything after the last `/providers/` in lower case, with `{}` for each name
    (`microsoft.storage/storageaccounts/{}/privateendpointconnections`); for paths without a provider the whole path.
    `scope` is what stands before that `/providers/` as it was sent: a resource group, a subscription, "" (the tenant), or
    the resource that an extension resource belongs to. `names` are those of the pattern, as they were sent.
    """

    text: str
    subscription: str
    group: str
    scope: str
    pattern: str
    names: tuple[str, ...]

    @property
    def key(self) -> str:
        """The whole path in lower case: the key of the resource it names."""
        return fold(self.text)

    def id_as(self, pattern: str) -> str:
        """The id that this path names, with the type written as in `pattern` (`Microsoft.Kusto/Clusters/{}`)."""
        return f"{self.scope}/providers/{pattern.format(*self.names)}"


def split(text: str) -> ArmPath:
    """Take a decoded path apart; never fails, an unknown shape has a pattern that no route has."""
    text = text.rstrip("/")
    parts = text.split("/")[1:]
    folded = [fold(part) for part in parts]
    subscription = folded[1] if len(parts) > 1 and folded[0] == "subscriptions" else ""
    group = parts[3] if subscription and len(parts) > 3 and folded[2] == "resourcegroups" else ""
    if "providers" not in folded:
        return ArmPath(text, subscription, group, "", "/".join(_alternate(folded)), tuple(parts[1::2]))
    start = len(parts) - folded[::-1].index("providers")
    scope = "".join(f"/{part}" for part in parts[: start - 1])
    pattern = "/".join([*folded[start : start + 1], *_alternate(folded[start + 1 :])])
    return ArmPath(text, subscription, group, scope, pattern, tuple(parts[start + 2 :: 2]))


def _alternate(segments: list[str]) -> list[str]:
    return [_NAMES if index % 2 else segment for index, segment in enumerate(segments)]
