"""Networks that restore faces."""
