"""Training of face parsers: masks of sharp faces, learned from the same faces degraded."""
