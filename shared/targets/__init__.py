"""The systems that are connected to: one entry in `types` for each ARM type, one adapter for each form on the wire."""
