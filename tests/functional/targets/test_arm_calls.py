"""What each target type costs in ARM calls, measured, and told in docs/arm-calls.md."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tests.functional.estate import Target
from tests.functional.targets.kinds import KINDS, Kind
from tests.functional.world import World, allow

DOCS = Path(__file__).parents[3] / "docs" / "arm-calls.md"
HEAD = (
    "target type",
    "list",
    "PUT",
    "operation",
    "read-back",
    "preflight",
    "list",
    "read",
    "write",
    "operation",
    "again",
)


def counted(world: World, target: Target) -> Counter[str]:
    """The app's calls since the last count, by what they are for. What the requester costs is left out."""
    found: Counter[str] = Counter()
    for method, path in world.calls():
        child = path.lower().removeprefix(target.id.lower())
        if re.search(r"operation|asyncoperation", child):
            found["operation"] += 1
        elif child == path.lower():
            continue
        elif child == "/privateendpointconnections":
            found["list"] += 1
        elif child.startswith("/privateendpointconnections/"):
            found["PUT" if method == "PUT" else "read-back"] += 1
        else:
            found["read" if method == "GET" else "write"] += 1
    world.forget_calls()
    return found


def measured(world: World, kind: Kind) -> tuple[str, ...]:
    """The row of a type: an approval with a firewall section, the firewall, and a review after both."""
    target = kind.make(world)
    world.policy({"hub": world.hub.requester()}, allow("hub", firewall={**kind.wish, "settleSeconds": 600}))
    world.hub.endpoint(target, kind.group)
    world.forget_calls()
    world.wake(target)
    world.later(300)
    approval = counted(world, target)
    world.later(900)
    firewall = counted(world, target)
    world.wake(target)
    again = counted(world, target)
    assert kind.is_closed(target)
    numbers = [approval[name] for name in ("list", "PUT", "operation", "read-back", "read")]
    numbers += [firewall[name] for name in ("list", "read", "write", "operation")]
    return (kind.type, *map(str, [*numbers, again.total()]))


def test_the_table_of_arm_calls_is_what_they_cost(world: World) -> None:
    rows = [measured(world, kind) for kind in KINDS]

    lines = ["| " + " | ".join(row) + " |" for row in [HEAD, ("---",) * len(HEAD), *rows]]
    told = [line for line in DOCS.read_text().splitlines() if line.startswith("|")] if DOCS.exists() else []
    assert told == lines, "write this into docs/arm-calls.md:\n" + "\n".join(lines)
