"""The events of this folder, with ids put in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ABOUT_A_TARGET, ABOUT_SOMETHING_ELSE, MALFORMED = (
    sorted(path.relative_to(HERE).as_posix() for path in (HERE / folder).glob("*.json"))
    for folder in ("about-a-target", "about-something-else", "malformed")
)


def event(name: str, target: str) -> dict[str, Any]:
    """An event about a target's id."""
    subscription = "/".join(target.split("/")[:3])
    text = (HERE / name).read_text("utf-8")
    made: dict[str, Any] = json.loads(text.replace("{target}", target).replace("{subscription}", subscription))
    return made
