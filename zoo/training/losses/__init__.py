"""Losses of restored faces that need a network."""
