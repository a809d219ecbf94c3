"""The local Azure: Azure Resource Manager over TLS, identity, Resource Graph, Event Grid, an alert topic, Azurite.

What it copies and what it does not: docs/local-azure.md. Nothing here is deployed, and the product never imports it.
"""
