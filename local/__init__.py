"""The local Azure and the local Functions host: never deployed, and no part of the product imports them."""
