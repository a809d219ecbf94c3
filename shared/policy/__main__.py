"""`python -m shared.policy`: see `shared.commands.policy`."""

from __future__ import annotations

import sys

from shared.commands.policy import main

if __name__ == "__main__":
    sys.exit(main())
