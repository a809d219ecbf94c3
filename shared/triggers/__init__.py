"""What wakes the app, and what people ask: events, messages, the sweep, HTTP."""
