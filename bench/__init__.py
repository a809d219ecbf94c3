"""`make bench`: how fast the product is, as JSON lines. Each module here is one benchmark with a `run() -> figures`."""
