"""The command lines: `python -m shared.policy`, and those that read what the app remembers."""
