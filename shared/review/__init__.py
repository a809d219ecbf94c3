"""The review of one target: observe, plan, commit, carry out."""
