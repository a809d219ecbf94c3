"""Private Endpoint Approver: all of the product's logic. `app` wires it, `function_app.py` triggers it."""
