"""The policy's document: from YAML to rules, every mistake with its place. Pure."""
