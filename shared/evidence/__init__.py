"""Who is asking: what a requester cannot forge. `match` is pure; the other modules read the requesters' sides."""
