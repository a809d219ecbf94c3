"""Run a command alone: `python3 scripts/in_turn.py LOCK-FILE COMMAND [ARGUMENT ...]`; whoever comes second waits.

The lock belongs to the open file, which the command takes over: the system gives it back when the command ends, however it
ends. So a set-up that was killed leaves nothing behind that the next one would wait for. (The program flock does the same,
where there is one: macOS has none.)
"""

import fcntl
import os
import sys
from pathlib import Path


def main(lock: str, *command: str) -> None:
    """Wait for the lock, then become the command."""
    Path(lock).parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(descriptor, True)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("waiting for another set-up of this folder to end ...", file=sys.stderr, flush=True)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.execvp(command[0], command)  # noqa: S606 - the command is the Makefile's


if __name__ == "__main__":
    main(*sys.argv[1:])
