"""The values that everything else speaks of: connections, requesters, decisions, firewalls, target types. Pure."""
