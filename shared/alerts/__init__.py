"""What is wrong, said to people: conditions, notices, the outbox and where it delivers."""
