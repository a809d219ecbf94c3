"""The allow-policy: its model, its document (loading and validation) and the pure decision."""
