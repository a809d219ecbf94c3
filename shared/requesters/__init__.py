"""The requesters' own side, read: one reader for each service, private endpoints, tenants."""
