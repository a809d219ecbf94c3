"""`python -m shared.policy`: see `shared.commands.policy`."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    try:
        from shared.commands.policy import main
    except ModuleNotFoundError as missing:
        sys.exit(f"{missing}: run this with the environment that make setup makes (.venv/bin/python -m shared.policy)")
    sys.exit(main())
