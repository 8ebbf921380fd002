"""The commands of ``zoo``: options in, lines out; the work is done elsewhere."""
