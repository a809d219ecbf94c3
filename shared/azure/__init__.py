"""Azure's services as the app needs them: ARM, Resource Graph, leases, queues, clients. Decides nothing about policy."""
