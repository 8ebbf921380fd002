"""Restorers that are not ours: `zoo add`, where it keeps them, and those of other packages."""
