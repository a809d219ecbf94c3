"""`python -m local azure|host|demo|up|fault ...`: one word for each program, `--help` on every one."""

from __future__ import annotations

import sys
from importlib import import_module

PROGRAMS = {
    "azure": ("local.azure.cli", "the local Azure: ARM, identity, Resource Graph, Event Grid, alert topic, Azurite"),
    "host": ("local.host.cli", "the Functions host for function_app.py"),
    "demo": ("local.stories.cli", "plays the stories through both"),
    "up": ("local.stories.up", "both together, until Ctrl-C"),
    "fault": ("local.azure.fault", "makes a running local Azure misbehave"),
}


def main(arguments: list[str]) -> int:
    """Run one program; answers its exit code (2 for an unknown word)."""
    if arguments and arguments[0] in PROGRAMS:
        program: int = import_module(PROGRAMS[arguments[0]][0]).main(arguments[1:])
        return program
    usage = "usage: python -m local PROGRAM [--help]\n\n" + "".join(f"  {n:7}{t}\n" for n, (_, t) in PROGRAMS.items())
    asked = arguments[:1] in (["-h"], ["--help"])
    print(usage, end="", file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
