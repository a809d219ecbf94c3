"""The local Functions host: serves `function_app.py` as Azure does, through Microsoft's own worker code.

It reads settings, host.json and the app's bindings, and copies the triggers and output bindings this project uses:
HTTP, Event Grid, storage queues and timers. It starts no emulator, invents no setting and never imports a user function
itself.
"""
