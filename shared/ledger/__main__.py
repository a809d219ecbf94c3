"""`python -m shared.ledger`: see `shared.commands.ledger`."""

from __future__ import annotations

import sys

from shared.commands.ledger import main

if __name__ == "__main__":
    sys.exit(main())
