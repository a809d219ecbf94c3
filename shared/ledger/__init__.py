"""The app's memory: tables in its own storage account. One module for each table; row formats stand in their docstrings.

A newer version reads what an older one wrote: unknown columns are ignored, missing ones have a meaning.
"""
