"""What `make demo` plays and `make up` prepares: stories told through the local Azure and the Functions host.

Stories use what everybody can use (ARM calls, the HTTP API, the topic, the ledger's documented tables) and nothing of
`shared`.
"""
