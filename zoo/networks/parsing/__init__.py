"""Networks that parse faces."""
