"""`python -m local.azure.azurite install`: installs the pinned Azurite where it is missing."""

from __future__ import annotations

import sys

from local.azure.azurite import AzuriteError, install

if __name__ == "__main__":
    if sys.argv[1:] != ["install"]:
        sys.exit("usage: python -m local.azure.azurite install")
    try:
        install()
    except AzuriteError as error:
        sys.exit(str(error))
